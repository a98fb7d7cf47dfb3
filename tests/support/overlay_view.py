# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker, etcd, the kernels and the DNS servers say of the containers of overlays, and where they disagree."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import unquote

from tests.support.driver_network import NAMES, DriverNetwork, Place, names_unlike, rows, twice, unlike

_STORE = "/docker/network/v1.0/"
_HOST_VIEW = f"""
    for namespace in /var/run/docker/netns/1-*; do
        [ -e "$namespace" ] || continue
        echo namespace "$namespace"
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
    network: str
    address: str
    mac: str
    host: str
    vtep: str

    @classmethod
    def of_document(cls, network: str, document: dict) -> Endpoint:
        """From its stored document, in Docker's words."""
        interface = document["ep_iface"]
        address = interface["addr"].partition("/")[0]
        return cls(document["name"], network, address, interface["mac"], document["node"], document["locator"])


def _items(place: Place, folder: str) -> dict[tuple[str, str], str]:
    """What a folder of etcd has, by network and the last part of the key."""
    found = {}
    for key, value in place.stored(f"{_STORE}{folder}/").items():
        network, _slash, last = key.partition("/")
        found[unquote(network), last] = value
    return found


def _disagreements(place: Place) -> list[str]:
    """Also: no address and no name has leaked, and no namespace is left of a network without containers."""
    stored = _items(place, "endpoint")
    endpoints = [Endpoint.of_document(network, json.loads(text)) for (network, _key), text in stored.items()]
    living = place.connections()
    running = [one for host in place.hosts for one in living[host]]
    used = [(one.network, one.address) for one in running]
    found = twice(used) + unlike("addresses in use in etcd", _items(place, "ipam/address"), used)
    names = ((one.network, one.container) for one in running)
    found += unlike("names in use in etcd", _items(place, "endpoint_name"), names)
    for host in place.hosts:
        kernel = rows(host, _HOST_VIEW)
        own = [one for one in endpoints if one.host == host]
        here = {one.network for one in own}
        elsewhere = [one for one in endpoints if one.host != host and one.network in here]
        known = ((one.container, one.network, one.address) for one in own)
        expected = ((one.container, one.network, one.address) for one in living[host])
        found += unlike(f"endpoints of {host}", known, expected)
        neighbours = ((one.address, one.mac) for one in elsewhere)
        found += unlike(f"neighbours of {host}", kernel.get("neighbour", ()), neighbours)
        found += unlike(f"tunnels of {host}", kernel.get("forwarding", ()), ((one.mac, one.vtep) for one in elsewhere))
        counts = (len(kernel.get("namespace", ())), len(kernel.get("port", ())))
        found += unlike(f"namespaces and ports of {host}", [counts], [(len(here), len(own))])
        found += names_unlike(host, kernel, running, OVERLAY.domain)
    return found


OVERLAY = DriverNetwork(
    "overlay",
    ("cni=docker_overlay", "docker_overlay_control_plane=etcd"),
    "overlay-etcd",
    "/container_network/overlay-etcd/",
    _disagreements,
)
