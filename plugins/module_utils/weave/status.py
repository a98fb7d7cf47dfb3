# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``weave status`` and ``weave ps`` print, in the words of Weave 2.8.1. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from .constants import ATTACHED, DOMAIN
from .peers import Peer
from .snapshot import Snapshot

HOST = "weave:expose"
"""What stands for the host among the containers."""
_METHODS = {"openvswitch": "fastdp", "bridge": "bridge"}


def summary(state: Snapshot, node: str, datapath: str, mtu: int) -> list[str]:
    """``weave status``."""
    if state.config is None or node not in state.peers:
        return ["not a peer of a Weave network"]
    others = len(state.peers) - 1
    entries = len({one.container for one in state.endpoints if one.container})
    return [
        "        Service: router",
        f"           Name: {_described(state.peers[node])}",
        f"       Datapath: {datapath}",
        f"            MTU: {mtu}",
        f"    Connections: {others}",
        f"          Peers: {len(state.peers)}",
        "",
        "        Service: ipam",
        f"         Status: {'ready' if state.ring and state.ring.share(node) else 'idle'}",
        f"          Range: {state.config.range}",
        f"  DefaultSubnet: {state.config.default_subnet}",
        "",
        "        Service: dns",
        f"         Domain: {DOMAIN}.",
        f"        Entries: {entries}",
        "",
        "        Service: plugin",
        "     DriverName: weavemesh",
    ]


def connections(state: Snapshot, node: str, datapath: str, mtu: int) -> list[str]:
    """``weave status connections``. There is no session that could break: a peer is one by the datastore's word."""
    method = _METHODS.get(datapath, datapath)
    others = [peer for name, peer in sorted(state.peers.items()) if name != node]
    return [f"-> {peer.address + ':6784':<21} established {method} {_described(peer)} mtu={mtu}" for peer in others]


def peers(state: Snapshot) -> list[str]:
    """``weave status peers``: each peer with each other one."""
    lines = []
    for _node, peer in sorted(state.peers.items()):
        lines.append(_described(peer))
        lines += [
            f"   -> {other.address + ':6784':<21} {_described(other):<37} established"
            for _name, other in sorted(state.peers.items())
            if other != peer
        ]
    return lines


def ipam(state: Snapshot, node: str) -> list[str]:
    """``weave status ipam``: the own part of the ring first."""
    ring = state.ring
    if ring is None:
        return []
    total = ring.universe.num_addresses
    lines = []
    for name in sorted(state.peers, key=lambda name: (name != node, name)):
        share = ring.share(name)
        active = sum(holding.node == name for holding in state.addresses.values())
        used = f" ({active} active)" if active else ""
        lines.append(f"{_described(state.peers[name]):<37} {share:>8} IPs ({share / total:.1%} of total){used}")
    return lines


def dns(state: Snapshot) -> list[str]:
    """``weave status dns``: name, address, container or endpoint, peer."""
    lines = []
    for one in state.endpoints:
        if one.container and one.node in state.peers:
            identifier = one.endpoint_id.removeprefix(ATTACHED)[:12]
            addresses = (address.partition("/")[0] for address in one.addresses)
            peer = state.peers[one.node].name
            lines += [f"{one.container:<12} {address:<15} {identifier} {peer}" for address in addresses]
    return sorted(lines)


def containers(state: Snapshot, node: str, wanted: Mapping[str, str]) -> list[str]:
    """``weave ps``: what this host and its containers have on the network.

    ``wanted`` are the containers' names, by what is shown for them; `HOST` stands for the host itself.
    """
    lines = []
    for shown, name in wanted.items():
        if shown == HOST and node in state.peers:
            lines.append(" ".join([HOST, state.peers[node].name, *state.exposed.get(node, ())]))
        for one in state.endpoints_of(node).values():
            if one.container == name:
                lines.append(" ".join([f"{shown:>12}", one.mac, *one.addresses]))
    return lines


def _described(peer: Peer) -> str:
    return f"{peer.name}({peer.node})"
