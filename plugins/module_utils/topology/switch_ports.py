# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of Open vSwitch's bridges on a host. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .model import Namespace


@dataclass(frozen=True)
class SwitchPort:
    """A port of a bridge of Open vSwitch."""

    bridge: str
    name: str
    kind: str  # system, a device of the host; internal, one that Open vSwitch makes; patch; vxlan …
    options: Mapping[str, str]


def switch_ports(namespace: Namespace) -> Iterator[SwitchPort]:
    """All that a host has."""
    for line in namespace.tables.switch_ports:
        bridge, name, *words = line.split()
        said = dict(zip(words[::2], words[1::2]))
        yield SwitchPort(bridge, name, said.pop("type"), said)


def switch_port(namespace: Namespace, device: str) -> SwitchPort | None:
    """The port that a device is; None if it is none."""
    return next((each for each in switch_ports(namespace) if each.name == device), None)


def tunnel_port(namespace: Namespace, remote: str, local: str) -> SwitchPort | None:
    """The tunnel that leads to an address from one of the host's own, or to whatever address a flow says."""
    tunnels = [each for each in switch_ports(namespace) if "remote_ip" in each.options]
    ends = ((remote, local), (remote, None), ("flow", local), ("flow", None))
    fitting = (
        each
        for wanted in ends
        for each in tunnels
        if (each.options["remote_ip"], each.options.get("local_ip")) == wanted
    )
    return next(fitting, None)
