# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of the network driver, and whether Docker, etcd, the kernels and the DNS servers say the same of it."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from tests.support.lab_entry import inside
from tests.support.lab_runs import HOSTS, on_host

RESYNC_SECONDS = 75.0
"""The driver takes a thing for left over after 35 s at the earliest, and looks every 15 s."""
NAMES = "awk '{for (i = 2; i <= NF; i++) print \"name\", $i, $1}' /run/container-network-dns/hosts"
"""Prints the names that the host's DNS server knows, as rows of `rows`."""


@dataclass(frozen=True)
class Place:
    """The hosts of a lab, which of them has etcd, and the Docker networks that are looked at."""

    hosts: tuple[str, ...]
    etcd_host: str
    networks: tuple[str, ...]

    def connections(self) -> dict[str, list[Connection]]:
        """What Docker says on each host."""
        return {host: connections(host, self.networks) for host in self.hosts}

    def stored(self, prefix: str) -> dict[str, str]:
        """What etcd has below a prefix, by the rest of the key."""
        lines = on_host(self.etcd_host, "etcdctl", "get", "--prefix", prefix).splitlines()
        return {key[len(prefix) :]: value for key, value in zip(lines[::2], lines[1::2])}


@dataclass(frozen=True)
class DriverNetwork:
    """A Docker network on which each host has a workload, bbox1 and bbox2."""

    name: str
    variables: tuple[str, ...]
    """With which site.yml makes it."""
    driver: str
    """Docker's driver of its networks, which is that of their addresses, too, if ``ipam_driver`` is not another."""
    prefix: str
    """What the keys of the framework in etcd begin with."""
    view: Callable[[Place], list[str]]
    """Where the hosts, and etcd, say different things of the containers that run; nothing if all is well."""
    ipam_driver: str = ""
    domain: str = "NETWORK.container"
    """In which the full names of a network's containers are."""

    def disagreements(self, place: Place | None = None) -> list[str]:
        """Where the hosts of the lab, and etcd, disagree; also of this network alone."""
        return self.view(place or Place(HOSTS, "host1", (self.name,)))

    def containers(self, host: str) -> dict[str, str]:
        """What Docker says: the address of each running container."""
        return {one.container: one.address for one in connections(host, (self.name,))}

    def start_many(self, host: str, names: Sequence[str]) -> subprocess.Popen[str]:
        """Start containers, all at once."""
        run = f"xargs -P {len(names)} -I NAME docker run -d --name NAME --net {self.name} busybox sleep 3600"
        return _in_background(host, f"echo '{' '.join(names)}' | tr ' ' '\\n' | {run}")

    def await_agreement(self, seconds: float = RESYNC_SECONDS) -> None:
        """Wait until all say the same: no address is given twice, and nothing is left over."""
        deadline = time.monotonic() + seconds
        while found := looked(self.disagreements):
            if time.monotonic() > deadline:
                raise AssertionError("\n".join([f"after {seconds} s:", *found]))
            time.sleep(0.5)  # between two looks at a condition, not in its place


def looked(look: Callable[[], list[str]]) -> list[str]:
    """What a look finds; if a command of it fails, as on a host that is starting or too busy to answer, then that."""
    try:
        return look()
    except (AssertionError, LabError) as error:
        return [str(error)]


def remove_many(host: str, names: Sequence[str]) -> subprocess.Popen[str]:
    """Remove containers, all at once."""
    return _in_background(host, f"echo {' '.join(names)} | xargs -P {len(names)} -n 1 docker rm --force --volumes")


def _in_background(host: str, script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*inside(host), "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@dataclass(frozen=True)
class Connection:
    """A running container in a network, as Docker has it."""

    container: str
    network: str
    address: str
    endpoint_id: str


def connections(host: str, networks: Sequence[str]) -> list[Connection]:
    """Those of all running containers of a host in these networks."""
    template = "{{json .Name}} {{json .NetworkSettings.Networks}}"
    # A container may end between the two commands.
    inspected = f"xargs --no-run-if-empty docker inspect --format '{template}' 2>/dev/null || true"
    found = []
    for line in on_host(host, "sh", "-c", f"docker ps --quiet | {inspected}").splitlines():
        name, _space, joined = line.partition(" ")
        for network, document in json.loads(joined).items():
            if network in networks and document["EndpointID"]:
                container = json.loads(name).lstrip("/")
                found.append(Connection(container, network, document["IPAddress"], document["EndpointID"]))
    return found


def names_unlike(
    host: str, kernel: dict[str, list[tuple[str, ...]]], running: Sequence[Connection], domain: str
) -> list[str]:
    """How the names on a host are not those of all hosts' containers.

    A container that is in several networks has its short name in one of them.
    """
    known = {(entry[0], entry[1]) for entry in kernel.get("name", ())}
    short = {entry for entry in known if "." not in entry[0]}
    full = {(f"{one.container}.{domain.replace('NETWORK', one.network)}", one.address) for one in running}
    found = unlike(f"full names on {host}", known - short, full)
    found += unlike(f"names on {host}", (name for name, _address in short), (one.container for one in running))
    foreign = sorted(short - {(one.container, one.address) for one in running})
    return found + [f"names on {host}: {foreign} are nobody's"] * bool(foreign)


def rows(host: str, script: str) -> dict[str, list[tuple[str, ...]]]:
    """What a script prints on a host: the words of each line, by the line's first word."""
    return rows_of(on_host(host, "sh", "-c", script))


def rows_of(text: str) -> dict[str, list[tuple[str, ...]]]:
    """The words of each line of a text, by the line's first word."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for line in text.splitlines():
        first, *words = line.split()
        found.setdefault(first, []).append(tuple(words))
    return found


def twice(addresses: Iterable[str]) -> list[str]:
    """Addresses that more than one container has."""
    return [f"{address} twice" for address, count in Counter(addresses).items() if count > 1]


def unlike(what: str, found: Iterable, expected: Iterable) -> list[str]:
    """How what was found is not what was expected, if it is not."""
    have, want = set(found), set(expected)
    return [f"{what}: {sorted(have - want)} too many, {sorted(want - have)} missing"] if have != want else []
