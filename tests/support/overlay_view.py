# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker, etcd, the kernels and the DNS servers say of the containers of an overlay, and where they disagree."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.support.driver_network import NAMES, DriverNetwork, containers, rows, twice, unlike
from tests.support.lab_runs import HOSTS, on_host

_NETWORK = "overlay"
_STORE = "/docker/network/v1.0/"
_HOST_VIEW = f"""
    for namespace in /var/run/docker/netns/1-*; do
        [ -e "$namespace" ] || continue
        echo namespace
        in_overlay="nsenter --net=$namespace"
        $in_overlay ip neighbour show nud permanent dev vxlan0 | awk '{{print "neighbour", $1, $3}}'
        $in_overlay bridge fdb show dev vxlan0 | awk '$2 == "dst" {{print "forwarding", $1, $3}}'
        $in_overlay ip -o link show master br0 type veth | sed 's/.*/port/'
    done
    {NAMES}
"""


@dataclass(frozen=True)
class Endpoint:
    """A container, as etcd knows it."""

    container: str
    address: str
    mac: str
    host: str
    vtep: str

    @classmethod
    def of_document(cls, document: dict) -> Endpoint:
        """From its stored document, in Docker's words."""
        interface = document["ep_iface"]
        address = interface["addr"].partition("/")[0]
        return cls(document["name"], address, interface["mac"], document["node"], document["locator"])


def _items(folder: str) -> dict[str, str]:
    """What a folder of etcd has, by the last part of the key."""
    lines = on_host("host1", "etcdctl", "get", "--prefix", f"{_STORE}{folder}/{_NETWORK}/").splitlines()
    return {key.rpartition("/")[2]: value for key, value in zip(lines[::2], lines[1::2])}


def _disagreements() -> list[str]:
    """Also: no address and no name has leaked."""
    endpoints = [Endpoint.of_document(json.loads(text)) for text in _items("endpoint").values()]
    living = {host: containers(host, _NETWORK) for host in HOSTS}
    running = [container for host in HOSTS for container in living[host].items()]
    addresses = [address for _name, address in running]
    found = twice(addresses) + unlike("addresses in use in etcd", _items("ipam/address"), addresses)
    found += unlike("names in use in etcd", _items("endpoint_name"), (name for name, _address in running))
    for host in HOSTS:
        kernel = rows(host, _HOST_VIEW)
        own = [one for one in endpoints if one.host == host]
        elsewhere = [one for one in endpoints if one.host != host and own]
        found += unlike(f"endpoints of {host}", ((one.container, one.address) for one in own), living[host].items())
        found += unlike(
            f"neighbours of {host}", kernel.get("neighbour", ()), ((one.address, one.mac) for one in elsewhere)
        )
        found += unlike(f"tunnels of {host}", kernel.get("forwarding", ()), ((one.mac, one.vtep) for one in elsewhere))
        counts = (len(kernel.get("namespace", ())), len(kernel.get("port", ())))
        found += unlike(f"namespaces and ports of {host}", [counts], [(int(bool(own)), len(own))])
        found += unlike(f"names on {host}", kernel.get("name", ()), running)
    return found


OVERLAY = DriverNetwork(_NETWORK, ("cni=docker_overlay", "docker_overlay_control_plane=etcd"), _disagreements)
