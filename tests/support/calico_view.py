# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker, etcd, the kernels and the DNS servers say of the containers of Calico, and where they disagree."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass

from tests.support.driver_network import NAMES, DriverNetwork, Place, names_unlike, rows, twice, unlike

_ENDPOINTS = "/calico/resources/v3/projectcalico.org/workloadendpoints/"
_BLOCKS = "/calico/ipam/v2/assignment/"
KERNEL_VIEW = """
    ip -4 route show scope link | awk '$3 ~ /^cali/ {print "route", $1, $3}'
    ip -o link show | awk -F '[ :@]+' '$2 ~ /^cali/ {print "link", $2}'
    ipset list -output save | awk '$1 == "add" && $2 ~ /^cali40?[-]?s:/ {print "member", $3}'
    iptables-save -t filter | awk '/^:cali-[tf]w-/ {print "chain", substr($1, 2)}'
"""
"""Prints what a host's kernel has of its containers, as rows of `driver_network.rows`."""
_HOST_VIEW = KERNEL_VIEW + NAMES


@dataclass(frozen=True)
class Datastore:
    """What etcd says."""

    endpoints: dict[str, dict[str, str]]  # by host: the device of each address
    in_use: list[str]  # the addresses that blocks count as given

    @classmethod
    def read(cls, place: Place) -> Datastore:
        """Read it with etcd's own program, from documents in Calico's words."""
        endpoints: dict[str, dict[str, str]] = {host: {} for host in place.hosts}
        for spec in (json.loads(text)["spec"] for text in place.stored(_ENDPOINTS).values()):
            devices = dict.fromkeys((_plain(network) for network in spec["ipNetworks"]), spec["interfaceName"])
            endpoints[spec["node"]].update(devices)
        blocks = [json.loads(text) for text in place.stored(_BLOCKS).values()]
        return cls(endpoints, [address for block in blocks for address in _given(block)])


def _given(block: dict) -> list[str]:
    first = ipaddress.ip_network(block["cidr"]).network_address
    return [str(first + ordinal) for ordinal, owner in enumerate(block["allocations"]) if owner is not None]


def _plain(network: str) -> str:
    return network.partition("/")[0]


def _disagreements(place: Place) -> list[str]:
    """Also: no address has leaked from a block, and no chain is left of a container that went."""
    stored = Datastore.read(place)
    living = place.connections()
    running = [one for host in place.hosts for one in living[host]]
    found = twice(one.address for one in running)
    found += unlike("addresses in use in etcd", stored.in_use, (one.address for one in running))
    for host in place.hosts:
        kernel = rows(host, _HOST_VIEW)
        devices = stored.endpoints[host]
        here = {one.network for one in living[host]}
        members = {(one.address,) for one in running if one.network in here}
        chains = {(f"cali-{direction}w-{device}",) for device in devices.values() for direction in "tf"}
        found += unlike(f"endpoints of {host} in etcd", devices, (one.address for one in living[host]))
        found += unlike(f"routes of {host}", kernel.get("route", ()), devices.items())
        found += unlike(f"links of {host}", kernel.get("link", ()), ((device,) for device in devices.values()))
        found += unlike(f"chains of {host}", kernel.get("chain", ()), chains)
        found += unlike(f"sets of {host}", kernel.get("member", ()), members)
        found += names_unlike(host, kernel, running, CALICO.domain)
    return found


CALICO = DriverNetwork(
    "cal_net1", ("cni=calico",), "calico", "/container_network/calico/", _disagreements, ipam_driver="calico-ipam"
)
