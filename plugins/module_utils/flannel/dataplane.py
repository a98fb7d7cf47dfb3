# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host must have in its kernel and files, given its own lease and those of its peers.

The shapes are those that the kernel modules take. What flanneld 0.20.2 leaves behind is the model throughout. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .config import FlannelConfig
from .leases import Lease

FORWARD_CHAIN = "FLANNEL-FWD"
MASQUERADE_CHAIN = "FLANNEL-POSTRTG"
_FORWARD_COMMENT = '-m comment --comment "flanneld forward"'
_MASQUERADE_COMMENT = '-m comment --comment "flanneld masq"'
_MULTICAST = "224.0.0.0/4"


@dataclass(frozen=True)
class Underlay:
    """A host's interface that carries the network's packets: its name, address with prefix length, and MTU in bytes."""

    interface: str
    address: ipaddress.IPv4Interface
    mtu: int


def implied_state(config: FlannelConfig, own: Lease, others: Sequence[Lease], underlay: Underlay) -> dict[str, Any]:
    """Everything a host converges to; the keys are documented by the module flannel_subnet_info."""
    peers, warnings = usable_peers(config, own, others, underlay)
    mtu = config.mtu(underlay.mtu)
    return {
        "network": str(config.network),
        "subnet": str(own.subnet),
        "gateway": gateway(own.subnet),
        "mtu": mtu,
        "backend": config.backend,
        "device": config.device,
        "peers": [
            {"subnet": str(peer.subnet), "public_ip": peer.public_ip, "vtep_mac": peer.vtep_mac} for peer in peers
        ],
        "links": vxlan_links(config, own, underlay),
        "arp": [{"ip": str(peer.subnet.network_address), "mac": peer.vtep_mac} for peer in peers if peer.vtep_mac],
        "fdb": [{"mac": peer.vtep_mac, "dst": peer.public_ip} for peer in peers if peer.vtep_mac],
        "routes": [peer_route(config, peer, underlay) for peer in peers],
        "chains": chains(config, own),
        "jumps": jumps(),
        "subnet_env": subnet_env(config, own, mtu),
        "warnings": warnings,
    }


def usable_peers(
    config: FlannelConfig, own: Lease, others: Sequence[Lease], underlay: Underlay
) -> tuple[list[Lease], list[str]]:
    """The peers that this host can reach, ascending by subnet, and a warning for each one that it cannot."""
    peers, warnings = [], []
    for lease in sorted(others, key=lambda lease: lease.subnet):
        if lease.subnet == own.subnet or lease.public_ip == own.public_ip:
            continue
        reason = _unusable(config, lease, underlay)
        if reason:
            warnings.append(f"the lease {lease.subnet} of {lease.public_ip} is left out: {reason}")
        else:
            peers.append(lease)
    return peers, warnings


def _unusable(config: FlannelConfig, lease: Lease, underlay: Underlay) -> str | None:
    if not lease.subnet.subnet_of(config.network):
        return f"it is outside the network {config.network}; it vanishes when its host converges or its lease expires"
    if lease.backend != config.backend:
        return (
            f"its backend is {lease.backend or 'not given'}, that of the network {config.backend}; "
            "run its host too (or restart its flanneld)"
        )
    if config.backend == "vxlan" and not lease.vtep_mac:
        return "it names no VtepMAC; run its host too (or restart its flanneld)"
    if config.backend == "vxlan" and lease.vni not in (None, config.effective_vni):
        return f"its VNI is {lease.vni}, that of the network {config.effective_vni}; run its host too"
    if config.backend == "host-gw" and ipaddress.IPv4Address(lease.public_ip) not in underlay.address.network:
        return (
            f"host-gw needs all hosts on one layer 2 network, and it is not on {underlay.address.network} "
            f"of {underlay.interface}: use vxlan"
        )
    return None


def gateway(subnet: ipaddress.IPv4Network) -> str:
    """The bridge's address with prefix length, as dockerd's ``--bip`` takes it: the first host address of the lease."""
    return f"{subnet.network_address + 1}/{subnet.prefixlen}"


def vxlan_links(config: FlannelConfig, own: Lease, underlay: Underlay) -> list[dict[str, Any]]:
    """The VXLAN device, whose address is the network address of the lease; no device for host-gw."""
    if config.backend != "vxlan":
        return []
    return [
        {
            "name": config.device,
            "kind": "vxlan",
            "mac": own.vtep_mac,
            "mtu": config.mtu(underlay.mtu),
            "addresses": [f"{own.subnet.network_address}/32"],
            "vxlan": {
                "id": config.effective_vni,
                "local": own.public_ip,
                "dev": underlay.interface,
                "port": config.effective_port,
                "learning": False,
            },
        }
    ]


def peer_route(config: FlannelConfig, peer: Lease, underlay: Underlay) -> dict[str, Any]:
    """vxlan: by the peer's VXLAN device, on link though no address of ours is near; host-gw: by the peer itself."""
    if config.backend == "vxlan":
        next_hop = str(peer.subnet.network_address)
        return {"dst": str(peer.subnet), "via": next_hop, "dev": config.device, "onlink": True}
    return {"dst": str(peer.subnet), "via": peer.public_ip, "dev": underlay.interface}


def chains(config: FlannelConfig, own: Lease) -> list[dict[str, Any]]:
    """Rules as iptables-save prints them.

    Docker's policy in FORWARD is DROP, so the network must be let through. Masqueraded is what this host's
    containers send out of the network, never what they send inside it: there, everyone sees real addresses.
    """
    network = config.network
    return [
        {
            "table": "filter",
            "name": FORWARD_CHAIN,
            "rules": [
                f"-s {network} {_FORWARD_COMMENT} -j ACCEPT",
                f"-d {network} {_FORWARD_COMMENT} -j ACCEPT",
            ],
        },
        {
            "table": "nat",
            "name": MASQUERADE_CHAIN,
            "rules": [
                f"-s {own.subnet} -d {network} {_MASQUERADE_COMMENT} -j RETURN",
                f"-s {own.subnet} ! -d {_MULTICAST} {_MASQUERADE_COMMENT} -j MASQUERADE",
            ],
        },
    ]


def jumps() -> list[dict[str, Any]]:
    """How packets come to our chains: after all other rules of the chain, as with flanneld."""
    return [
        {"table": "filter", "chain": "FORWARD", "rule": f"{_FORWARD_COMMENT} -j {FORWARD_CHAIN}"},
        {"table": "nat", "chain": "POSTROUTING", "rule": f"{_MASQUERADE_COMMENT} -j {MASQUERADE_CHAIN}"},
    ]


def subnet_env(config: FlannelConfig, own: Lease, mtu: int) -> str:
    """The file that dockerd's options come from. FLANNEL_IPMASQ=true: flannel masquerades, so Docker must not."""
    return (
        f"FLANNEL_NETWORK={config.network}\n"
        f"FLANNEL_SUBNET={gateway(own.subnet)}\n"
        f"FLANNEL_MTU={mtu}\n"
        "FLANNEL_IPMASQ=true\n"
    )


def subnet_from_env(text: str) -> ipaddress.IPv4Network | None:
    """The subnet that a subnet.env speaks of; None if it speaks of none."""
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip() == "FLANNEL_SUBNET":
            try:
                return ipaddress.IPv4Interface(value.strip()).network
            except ValueError:
                return None
    return None
