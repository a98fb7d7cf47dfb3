# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``weave status``, ``weave report`` and ``weave ps`` print, in the words of Weave 2.8.1. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..kernel.addresses import plain
from .constants import ATTACHED, DOMAIN, VXLAN_PORT
from .peers import Peer
from .snapshot import Snapshot

HOST, OUTSIDE = "weave:expose", "weave:extern"
"""What stands for the host among the containers, and for what is neither but has a name."""
_METHODS = {"openvswitch": "fastdp", "bridge": "bridge"}


def summary(state: Snapshot, node: str, datapath: str, mtu: int) -> list[str]:
    """``weave status``."""
    if state.config is None or node not in state.peers:
        return ["not a peer of a Weave network"]
    others = len(state.peers) - 1
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
        f"        Entries: {len({entry.name for entry in _entries(state)})}",
        "",
        "        Service: plugin",
        "     DriverName: weavemesh",
    ]


def connections(state: Snapshot, node: str, datapath: str, mtu: int) -> list[str]:
    """``weave status connections``. There is no session that could break: a peer is one by the datastore's word."""
    method = _METHODS.get(datapath, datapath)
    others = [peer for name, peer in sorted(state.peers.items()) if name != node]
    return [f"-> {peer.address + ':6784':<21} established {method} {_described(peer)} mtu={mtu}" for peer in others]


def targets(state: Snapshot, node: str) -> list[str]:
    """``weave status targets``: where this host's connections lead."""
    return [peer.address for name, peer in sorted(state.peers.items()) if name != node]


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


class Entry(NamedTuple):
    """A name, and one of its addresses."""

    name: str
    address: str
    owner: str  # the container, or what stands for one
    peer: str  # the name of the peer that has it


def _entries(state: Snapshot) -> list[Entry]:
    """All names, in order."""
    found, owners = set(), {}
    for one in state.endpoints:
        identifier = one.endpoint_id.removeprefix(ATTACHED)[:12]
        for address in plain(one.addresses):
            owners[address] = identifier
            if one.node in state.peers:
                peer = state.peers[one.node].name
                found.update(Entry(name, address, identifier, peer) for name in state.names_of(one))
    owners.update({address: HOST for texts in state.exposed.values() for address in plain(texts)})
    for given in state.names:
        if given.node in state.peers:
            address = str(given.address)
            found.add(Entry(given.name, address, owners.get(address, OUTSIDE), state.peers[given.node].name))
    return sorted(found)


def dns(state: Snapshot) -> list[str]:
    """``weave status dns``: name, address, container or endpoint, peer."""
    return [f"{name:<12} {address:<15} {owner} {peer}" for name, address, owner, peer in _entries(state)]


def report(state: Snapshot, node: str, datapath: str, mtu: int) -> dict[str, Any]:
    """``weave report``, as plain data: what there is of Weave's own document, under its names."""
    known = dict(sorted(state.peers.items()))
    if state.config is None or state.ring is None or node not in known:
        return {"Ready": False}
    return {
        "Ready": True,
        "Router": {
            "Name": known[node].name,
            "NickName": node,
            "Port": VXLAN_PORT,
            "Interface": datapath,
            "MTU": mtu,
            "Targets": targets(state, node),
            "Peers": [
                {"Name": peer.name, "NickName": name, "Address": peer.address, "ShortID": peer.short_id}
                for name, peer in known.items()
            ],
        },
        "IPAM": {
            "Range": str(state.config.range),
            "DefaultSubnet": str(state.config.default_subnet),
            "Entries": [
                {
                    "Peer": peer.name,
                    "Nickname": name,
                    "Size": state.ring.share(name),
                    "Active": sum(holding.node == name for holding in state.addresses.values()),
                }
                for name, peer in known.items()
            ],
        },
        "DNS": {
            "Domain": f"{DOMAIN}.",
            "Entries": [
                {"Hostname": f"{name}.{DOMAIN}.", "Address": address, "ContainerID": owner, "Origin": peer}
                for name, address, owner, peer in _entries(state)
            ],
        },
    }


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
