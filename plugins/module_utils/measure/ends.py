# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between which hosts and containers a network is measured. Pure.

Measured is from the first host of the network that runs a container to two others: the first one on the same segment of
the underlay, and the first one that a router leads to. All containers are on one Docker network.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..topology.model import Container, Device, Host

_NO_PARTNERS = ("none", "host")  # Docker networks that no container of another host is on


@dataclass(frozen=True)
class End:
    """A container of a host, and the host's own interface to the other hosts."""

    host: str
    underlay: ipaddress.IPv4Interface
    underlay_device: str
    underlay_mtu: int
    container: str
    image: str
    network: str  # of Docker
    address: str
    mtu: int

    def data(self) -> dict[str, Any]:
        """As the module takes it; ``underlay`` without the length of its prefix."""
        return {**asdict(self), "underlay": str(self.underlay.ip)}


def measured_ends(
    results: Mapping[str, Mapping[str, Any]], addresses: Mapping[str, str], members: Sequence[str]
) -> dict[str, Any]:
    """Who measures, and to whom.

    ``results`` are what topology_info returned on each host, ``addresses`` those of the underlay, ``members`` the hosts
    that take part in the network. Returns ``sender``, ``peers``, each with ``across`` for one behind a router, and
    ``outside``, hosts that take no part, and ``problems``, why nothing can be measured.
    """
    problems: list[str] = []
    seen = {name: Host.from_data(result["topology"]) for name, result in results.items() if "topology" in result}
    running = {name: _running(seen[name]) for name in members if name in seen}
    network = _common_network(running.values())
    ends = []
    for name in members:
        container = next((each for each in running.get(name, ()) if network in _networks(each)), None)
        end = container and _end(seen[name], name, addresses.get(name, ""), container, network, problems)
        if end:
            ends.append(end)
    if len(ends) < 2:
        hosts = ", ".join(end.host for end in ends) or "none"
        problems.append(
            f"containers: two hosts of the network must each run one on the same Docker network, and of {len(members)} "
            f"hosts these do: {hosts}. Name some as workloads in the inventory, and run site.yml"
        )
        return {"problems": problems, "sender": {}, "peers": [], "outside": []}
    sender, others = ends[0], ends[1:]
    near = [end for end in others if end.underlay.network == sender.underlay.network]
    far = [end for end in others if end.underlay.network != sender.underlay.network]
    peers = [
        *({**end.data(), "across": False} for end in near[:1]),
        *({**end.data(), "across": True} for end in far[:1]),
    ]
    outside = [name for name in seen if name not in members]
    return {"sender": sender.data(), "peers": peers, "outside": outside, "problems": problems}


def _running(host: Host) -> list[Container]:
    return [container for container in host.containers if container.namespace]


def _networks(container: Container) -> list[str]:
    return [each.network for each in container.attachments if each.addresses and each.network not in _NO_PARTNERS]


def _common_network(running: Iterable[Sequence[Container]]) -> str:
    """The Docker network that containers of the most hosts are on; of several one that is not Docker's own bridge."""
    counts: dict[str, int] = {}
    for containers in running:
        for network in {network for container in containers for network in _networks(container)}:
            counts[network] = counts.get(network, 0) + 1
    return min(counts, key=lambda network: (-counts[network], network == "bridge", network), default="")


def _end(host: Host, name: str, underlay: str, container: Container, network: str, problems: list[str]) -> End | None:
    own = next(each for each in host.namespaces if each.name == "host")
    card = _with_address(own.devices, underlay)
    if card is None:
        problems.append(
            f"underlay_address: '{underlay}' of {name} is on none of its devices; it must be how other hosts reach it"
        )
        return None
    attachment = next(each for each in container.attachments if each.network == network)
    address = attachment.addresses[0].split("/")[0]
    inside = host.namespace(container.namespace)
    interface = _with_address(inside.devices, address) if inside else None
    if interface is None:
        return None
    return End(
        host=name,
        underlay=ipaddress.IPv4Interface(next(a for a in card.addresses if a.split("/")[0] == underlay)),
        underlay_device=card.name,
        underlay_mtu=card.mtu,
        container=container.name,
        image=container.image,
        network=network,
        address=address,
        mtu=interface.mtu,
    )


def _with_address(devices: Iterable[Device], address: str) -> Device | None:
    return next((each for each in devices if address in (a.split("/")[0] for a in each.addresses)), None)
