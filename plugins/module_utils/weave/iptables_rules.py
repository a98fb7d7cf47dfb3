# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packet filter of a Weave host: what may pass the bridge, and what ``weave expose`` opens. Pure.

The rules are those of Weave 2.8.1, with two more: no traffic from the containers' north-south bridge, as there is none
from docker0, since it would join isolated subnets on an exposed host; and for the datapath that is a bridge itself.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ..docker.containers import GATEWAY_BRIDGE
from ..kernel.iptables import ChainSet
from .constants import BRIDGE, DATAPATH, EXPOSE_CHAIN, MULTICAST, NAT_CHAIN


def rules(exposed: Iterable[str]) -> ChainSet:
    """Chains and jumps; ``exposed`` are the host's addresses on the bridge, with prefix lengths."""
    subnets = list(dict.fromkeys(str(ipaddress.IPv4Interface(address).network) for address in exposed))
    forward = [
        f"-i docker0 -o {BRIDGE} -j DROP",
        f"-i {GATEWAY_BRIDGE} -o {BRIDGE} -j DROP",
        f"-i {BRIDGE} -o {BRIDGE} -j ACCEPT",
        f"-i {DATAPATH} -o {DATAPATH} -j ACCEPT",
        f"-o {BRIDGE} -j {EXPOSE_CHAIN}",
        f"-i {BRIDGE} ! -o {BRIDGE} -j ACCEPT",
        f"-o {BRIDGE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    ]
    return ChainSet(
        chains={
            ("filter", EXPOSE_CHAIN): [f"-d {subnet} -j ACCEPT" for subnet in subnets],
            ("nat", NAT_CHAIN): [rule for subnet in subnets for rule in _masquerading(subnet)],
        },
        jumps=[("nat", "POSTROUTING", f"-j {NAT_CHAIN}")],
        top=[("filter", "FORWARD", rule) for rule in forward],
    )


def _masquerading(subnet: str) -> list[str]:
    return [
        f"-s {subnet} -d {MULTICAST} -j RETURN",
        f"! -s {subnet} -d {subnet} -j MASQUERADE",
        f"-s {subnet} ! -d {subnet} -j MASQUERADE",
    ]


def container_rules(device: str, subnets: Iterable[str], netns: str | None = None) -> ChainSet:
    """The rules inside a container: multicast comes from its own subnets only."""
    found = [f"-s {subnet} -d {MULTICAST} -i {device} -j ACCEPT" for subnet in subnets]
    found += [f"-d {MULTICAST} -i {device} -j DROP"] if found else []
    return ChainSet(netns=netns, top=[("filter", "INPUT", rule) for rule in found])
