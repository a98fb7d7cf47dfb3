# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Neutron a network is on that is there already, and why it does not move to another one. Pure.

Networks, ports and security groups belong to one Neutron, and with Keystone to one project of it. Nothing takes them
along, so a network that is to be on another Neutron, or in another project, is removed first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .constants import KEYSTONE, NEUTRON_PORT, NO_KEYSTONE

_WAY_OUT = "remove the network first (playbooks/teardown.yml), or {}"


@dataclass(frozen=True)
class NeutronInUse:
    """What the configuration of a host says of its Neutron."""

    url: str
    auth: str
    own: bool
    """Whether the host itself runs it, or has run it."""

    @classmethod
    def of(cls, seen: Mapping[str, Any]) -> NeutronInUse | None:
        """Of what host_info returned; None for a host that is not in the network, or of which too little was made."""
        lines = {PurePosixPath(path).name: found for path, found in (seen.get("lines") or {}).items()}
        settings = dict(line.partition(" = ")[::2] for line in lines.get("kuryr.conf", ()))
        if "kuryr" not in seen.get("container_networks", ()) or not settings.get("endpoint_override"):
            return None
        auth = NO_KEYSTONE if settings.get("auth_type") == NO_KEYSTONE else KEYSTONE
        return cls(settings["endpoint_override"], auth, bool(lines.get("ml2_conf.ini")))


def change_problems(config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Hosts of a network that is there, and whose Neutron is another one than the wanted."""
    there = {name: found for name, seen in nodes.items() if (found := NeutronInUse.of(seen))}
    found = []
    wanted = config.get("auth", NO_KEYSTONE)
    for auth in sorted({one.auth for one in there.values()} - {wanted}):
        hosts = ", ".join(name for name, one in there.items() if one.auth == auth)
        found.append(
            f"{hosts}: kuryr_auth is {wanted}, and the network that is there was made with {auth}: its ports and "
            f"groups cannot move to another project of Neutron; {_WAY_OUT.format(f'set kuryr_auth to {auth}')}"
        )
    url = _wanted_url(config, nodes, there)
    for other in sorted({one.url for one in there.values()} - {url}) if url else ():
        hosts = ", ".join(name for name, one in there.items() if one.url == other)
        found.append(
            f"{hosts}: the network that is there is on the Neutron at {other}, and would now be on that at {url}, "
            "which does not know its ports; "
            + _WAY_OUT.format("leave kuryr_neutron_url and kuryr_controller as they were when it was made")
        )
    return found


def _wanted_url(
    config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]], there: Mapping[str, NeutronInUse]
) -> str:
    """The URL that hosts must have by now; empty if any will do, as when the controller has got another address."""
    if config.get("neutron_url"):
        return str(config["neutron_url"]).rstrip("/")
    controller = config["controller"]
    address = nodes.get(controller, {}).get("address")
    if not address or (controller in there and there[controller].own):
        return ""
    return f"http://{address}:{NEUTRON_PORT}"
