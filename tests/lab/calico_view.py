# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker, etcd, the kernels and the DNS servers say of the containers of cal_net1, and where they disagree."""

from __future__ import annotations

import ipaddress
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lab_runs import on_host

HOSTS = ("host1", "host2")
RESYNC_SECONDS = 75.0
"""The driver takes a thing for left over after 35 s at the earliest, and looks every 15 s."""
_ENDPOINTS = "/calico/resources/v3/projectcalico.org/workloadendpoints/"
_BLOCKS = "/calico/ipam/v2/assignment/"
_HOST_VIEW = """
    docker ps --quiet --filter network=cal_net1 | xargs --no-run-if-empty docker inspect \
        --format '{{.Name}} {{(index .NetworkSettings.Networks "cal_net1").IPAddress}}' | sed 's/^/docker /'
    ip -4 route show scope link | awk '$3 ~ /^cali/ {print "route", $3, $1}'
    ip -o link show | awk -F '[ :@]+' '$2 ~ /^cali/ {print "link", $2}'
    ipset list -output save | awk '$1 == "add" && $2 ~ /^cali40?[-]?s:/ {print "member", $3}'
    awk '{for (i = 2; i <= NF; i++) if ($i !~ /[.]/) print "name", $i, $1}' /run/container-network-dns/hosts
"""


@dataclass(frozen=True)
class HostView:
    """What one host says."""

    containers: dict[str, str]  # Docker: the address of each running container
    routes: dict[str, str]  # kernel: the device of each address
    links: frozenset[str]  # kernel: the containers' devices
    members: frozenset[str]  # kernel: the addresses in the sets of all networks
    names: dict[str, str]  # DNS: the address of each name


def host_view(host: str) -> HostView:
    """Look at one host."""
    lines = [line.split() for line in on_host(host, "sh", "-c", _HOST_VIEW).splitlines()]

    def rows(kind: str) -> list[list[str]]:
        return [words for first, *words in lines if first == kind]

    return HostView(
        containers={name.lstrip("/"): address for name, address in rows("docker")},
        routes={address: device for device, address in rows("route")},
        links=frozenset(device for (device,) in rows("link")),
        members=frozenset(address for (address,) in rows("member")),
        names=dict(rows("name")),
    )


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


def disagreements() -> list[str]:
    """Where the hosts, and etcd, say different things of the containers that run; empty if all is well."""
    views = {host: host_view(host) for host in HOSTS}
    stored = Datastore.read()
    running = [container for view in views.values() for container in view.containers.items()]
    addresses = [address for _name, address in running]
    found = [f"{address} twice" for address, count in Counter(addresses).items() if count > 1]
    found += _unlike("addresses in use in etcd", stored.in_use, addresses)
    for host, view in views.items():
        found += _unlike(f"endpoints of {host} in etcd", stored.endpoints[host], view.containers.values())
        found += _unlike(f"routes of {host}", view.routes.items(), stored.endpoints[host].items())
        found += _unlike(f"links of {host}", view.links, stored.endpoints[host].values())
        found += _unlike(f"sets of {host}", view.members, addresses)
        found += _unlike(f"names on {host}", view.names.items(), running)
    return found


def _unlike(what: str, found: Iterable, expected: Iterable) -> list[str]:
    left, missing = set(found) - set(expected), set(expected) - set(found)
    return [f"{what}: {sorted(left)} too many, {sorted(missing)} missing"] if left or missing else []


def await_agreement(seconds: float = RESYNC_SECONDS) -> None:
    """Wait until Docker, etcd, kernels and DNS servers agree: no address is given twice, and none has leaked."""
    deadline = time.monotonic() + seconds
    while found := disagreements():
        if time.monotonic() > deadline:
            raise AssertionError("\n".join([f"after {seconds} s:", *found]))
        time.sleep(0.5)  # between two looks at a condition, not in its place
