# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker, etcd, the kernels and the DNS servers say of the containers of Weave, and where they disagree."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.support.driver_network import NAMES, DriverNetwork, Place, names_unlike, rows, twice, unlike

STORE = "/container_network/weavemesh/"
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


def _endpoints(place: Place) -> list[Endpoint]:
    found = []
    for key, text in place.stored(f"{STORE}endpoints/").items():
        document = json.loads(text)
        address = document["addresses"][0].partition("/")[0]
        found.append(
            Endpoint(key.partition("/")[0], document["container"], address, document["mac"], document["device"])
        )
    return found


def _disagreements(place: Place) -> list[str]:
    """Also: no address has leaked, and every host copies to all others."""
    endpoints = _endpoints(place)
    peers = {host: json.loads(text) for host, text in place.stored(f"{STORE}peers/").items()}
    living = place.connections()
    running = [one for host in place.hosts for one in living[host]]
    addresses = [one.address for one in running]
    found = twice(addresses) + unlike("addresses in use in etcd", place.stored(f"{STORE}addresses/"), addresses)
    for host in place.hosts:
        kernel = rows(host, _HOST_VIEW)
        own = [one for one in endpoints if one.host == host]
        ways = [(one.mac, peers[one.host]["address"]) for one in endpoints if one.host != host]
        others = [peer for name, peer in peers.items() if name != host]
        ways += [(mac, peer["address"]) for peer in others for mac in (_ANY_MAC, peer["name"])]
        known = ((one.container, one.address) for one in own)
        found += unlike(f"endpoints of {host}", known, ((one.container, one.address) for one in living[host]))
        found += unlike(f"tunnels of {host}", kernel.get("forwarding", ()), ways)
        found += unlike(f"ports of {host}", kernel.get("port", ()), ((one.device,) for one in own))
        found += names_unlike(host, kernel, running, WEAVE.domain)
    return found


WEAVE = DriverNetwork("weave", ("cni=weave",), "weavemesh", STORE, _disagreements, domain="weave.local")
