# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker, etcd, the kernels and the DNS servers say of the containers of Weave, and where they disagree."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.support.driver_network import NAMES, DriverNetwork, containers, rows, twice, unlike
from tests.support.lab_runs import HOSTS, on_host

STORE = "/container_network/weavemesh/"
_NETWORK = "weave"
_ANY_MAC = "00:00:00:00:00:00"
_HOST_VIEW = f"""
    bridge fdb show dev vxlan-6784 | awk '$2 == "dst" {{print "forwarding", $1, $3}}'
    ip -o link show master weave | awk -F '[ :@]+' '$2 ~ /^vethwl/ {{print "port", $2}}'
    {NAMES}
"""


@dataclass(frozen=True)
class Endpoint:
    """A container, as etcd knows it."""

    host: str
    container: str
    address: str
    mac: str
    device: str


def stored(folder: str) -> dict[str, str]:
    """What a folder of etcd has, by the rest of the key."""
    prefix = f"{STORE}{folder}/"
    lines = on_host("host1", "etcdctl", "get", "--prefix", prefix).splitlines()
    return {key[len(prefix) :]: value for key, value in zip(lines[::2], lines[1::2])}


def _endpoints() -> list[Endpoint]:
    found = []
    for key, text in stored("endpoints").items():
        document = json.loads(text)
        address = document["addresses"][0].partition("/")[0]
        found.append(
            Endpoint(key.partition("/")[0], document["container"], address, document["mac"], document["device"])
        )
    return found


def _disagreements() -> list[str]:
    """Also: no address has leaked, and every host copies to all others."""
    endpoints = _endpoints()
    peers = {host: json.loads(text) for host, text in stored("peers").items()}
    living = {host: containers(host, _NETWORK) for host in HOSTS}
    running = [container for host in HOSTS for container in living[host].items()]
    addresses = [address for _name, address in running]
    found = twice(addresses) + unlike("addresses in use in etcd", stored("addresses"), addresses)
    for host in HOSTS:
        kernel = rows(host, _HOST_VIEW)
        own = [one for one in endpoints if one.host == host]
        ways = [(one.mac, peers[one.host]["address"]) for one in endpoints if one.host != host]
        others = [peer for name, peer in peers.items() if name != host]
        ways += [(mac, peer["address"]) for peer in others for mac in (_ANY_MAC, peer["name"])]
        found += unlike(f"endpoints of {host}", ((one.container, one.address) for one in own), living[host].items())
        found += unlike(f"tunnels of {host}", kernel.get("forwarding", ()), ways)
        found += unlike(f"ports of {host}", kernel.get("port", ()), ((one.device,) for one in own))
        found += unlike(f"names on {host}", kernel.get("name", ()), running)
    return found


WEAVE = DriverNetwork(_NETWORK, ("cni=weave",), _disagreements)
