# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker, etcd, the kernels and the DNS servers say of the containers of cal_net1, and where they disagree."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass

from tests.support.driver_network import NAMES, DriverNetwork, containers, rows, twice, unlike
from tests.support.lab_runs import HOSTS, on_host

_NETWORK = "cal_net1"
_ENDPOINTS = "/calico/resources/v3/projectcalico.org/workloadendpoints/"
_BLOCKS = "/calico/ipam/v2/assignment/"
_HOST_VIEW = f"""
    ip -4 route show scope link | awk '$3 ~ /^cali/ {{print "route", $1, $3}}'
    ip -o link show | awk -F '[ :@]+' '$2 ~ /^cali/ {{print "link", $2}}'
    ipset list -output save | awk '$1 == "add" && $2 ~ /^cali40?[-]?s:/ {{print "member", $3}}'
    {NAMES}
"""


@dataclass(frozen=True)
class Datastore:
    """What etcd says."""

    endpoints: dict[str, dict[str, str]]  # by host: the device of each address
    in_use: list[str]  # the addresses that blocks count as given

    @classmethod
    def read(cls) -> Datastore:
        """Read it with etcd's own program, from documents in Calico's words."""
        endpoints: dict[str, dict[str, str]] = {host: {} for host in HOSTS}
        for spec in (document["spec"] for document in _documents(_ENDPOINTS)):
            devices = dict.fromkeys((_plain(network) for network in spec["ipNetworks"]), spec["interfaceName"])
            endpoints[spec["node"]].update(devices)
        return cls(endpoints, [address for block in _documents(_BLOCKS) for address in _given(block)])


def _documents(prefix: str) -> list[dict]:
    text = on_host("host1", "etcdctl", "get", "--prefix", prefix, "--print-value-only")
    return [json.loads(line) for line in text.splitlines() if line]


def _given(block: dict) -> list[str]:
    first = ipaddress.ip_network(block["cidr"]).network_address
    return [str(first + ordinal) for ordinal, owner in enumerate(block["allocations"]) if owner is not None]


def _plain(network: str) -> str:
    return network.partition("/")[0]


def _disagreements() -> list[str]:
    """Also: no address has leaked from a block."""
    stored = Datastore.read()
    living = {host: containers(host, _NETWORK) for host in HOSTS}
    running = [container for host in HOSTS for container in living[host].items()]
    addresses = [address for _name, address in running]
    found = twice(addresses) + unlike("addresses in use in etcd", stored.in_use, addresses)
    for host in HOSTS:
        kernel = rows(host, _HOST_VIEW)
        devices = stored.endpoints[host]
        found += unlike(f"endpoints of {host} in etcd", devices, living[host].values())
        found += unlike(f"routes of {host}", kernel.get("route", ()), devices.items())
        found += unlike(f"links of {host}", kernel.get("link", ()), ((device,) for device in devices.values()))
        found += unlike(f"sets of {host}", kernel.get("member", ()), ((address,) for address in addresses))
        found += unlike(f"names on {host}", kernel.get("name", ()), running)
    return found


CALICO = DriverNetwork(_NETWORK, ("cni=calico",), _disagreements)
