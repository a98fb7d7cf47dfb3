# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container to container against host to host, on the same underlay, by iperf3 in a running lab.

Both ends of a measurement are lab hosts; the container's end is iperf3 of the lab host, run in the network namespace
of the container, since busybox has none. Segments have one size on both paths, so that the underlay's larger MTU does
not flatter the hosts.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.lab_entry import inside

from .measuring import table

SECONDS = 2
RUNS = 5
PORT = 5201
TARGETS = {"flannel.1": 0.75, "eth0": 0.8, "ens160": 0.9}
"""By the device over which the host sends to the other host's container, where it knows the way."""
_WAIT = ("--connect-timeout", "5000")  # milliseconds; a path that drops packets says so
_HEADERS = 52  # bytes of an IPv4 and a TCP header with timestamps
_EAST_WEST = ("cali0", "ethwe0", "eth0")
"""A container's interface for other containers: the first one of these that it has."""


@dataclass(frozen=True)
class Lab:
    """Two hosts of an inventory, and the interface of their underlay."""

    server: str
    client: str
    interface: str


LABS = (Lab("node-1", "node-2", "eth0"), Lab("host1", "host2", "ens160"))


class NotRunning(Exception):
    """The lab, its network or its workload is not there."""


def measure() -> str:
    """Alternating short runs; the ratio is that of the medians."""
    try:
        lab = _running_lab()
        names = (lab.server, lab.client)
        ends = _containers_of_one_network(names)
        direct = [_Host(host, lab.interface) for host in names]
        segment = ends[0].mtu - _HEADERS
        runs = [(_throughput(*direct, segment), _throughput(*ends, segment)) for _run in range(RUNS)]
        way = direct[1].way_to(ends[0].address)
    except NotRunning as error:
        return f"\nThroughput is not measured: {error}"
    host, container = (statistics.median(values) for values in zip(*runs))
    rows = [
        ["host to host", f"{host:.2f}", f"{min(h for h, _c in runs):.2f}", f"{max(h for h, _c in runs):.2f}", "1.00"],
        [
            f"container to container{way and ', by ' + way}",
            f"{container:.2f}",
            f"{min(c for _h, c in runs):.2f}",
            f"{max(c for _h, c in runs):.2f}",
            f"{container / host:.2f}",
        ],
    ]
    return table(
        f"Throughput from {lab.client} to {lab.server}, segments of {segment} bytes: Gbit/s, "
        f"{RUNS} runs of {SECONDS} s each. Target: {TARGETS.get(way, 'none')}.",
        ["path", "median", "least", "most", "ratio"],
        rows,
    )


def _running_lab() -> Lab:
    for lab in LABS:
        command = ["docker", "inspect", "--format", "{{.State.Running}}", lab.server]
        shown = subprocess.run(command, capture_output=True, check=False)
        if shown.stdout.strip() == b"true":
            return lab
    raise NotRunning("no lab runs: bring one up with 'make lab' first.")


class _Host:
    """One end of a measurement: a lab host itself."""

    def __init__(self, host: str, interface: str, prefix: Sequence[str] = ()) -> None:
        self.host = host
        self.prefix = list(prefix)
        link = self._link(interface)
        self.mtu: int = link["mtu"]
        self.address: str = link["addr_info"][0]["local"]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program there."""
        return _on(self.host, *self.prefix, *command)

    def start(self, *command: str) -> subprocess.Popen:
        """Start a program there."""
        return subprocess.Popen(
            [*inside(self.host), *self.prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _link(self, interface: str) -> dict:
        shown = self.run("ip", "-json", "-4", "address", "show", "dev", interface)
        found = [link for link in json.loads(shown.stdout or "[]") if link.get("addr_info")]
        if not found:
            raise NotRunning(f"{self.host} has no {interface} with an address; run site.yml on the lab first.")
        return found[0]

    def way_to(self, address: str) -> str:
        """The device over which packets for an address leave; empty where only the network's own tunnel leads there."""
        routes = json.loads(self.run("ip", "-json", "route", "show", "match", address).stdout)
        return next((route["dev"] for route in routes if route["dst"] != "default"), "")


class _Container(_Host):
    """The other kind of end: the network namespace of a container."""

    def __init__(self, host: str, container: str) -> None:
        pid = _on(host, "docker", "inspect", "--format", "{{.State.Pid}}", container).stdout.strip()
        prefix = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        names = [link["ifname"] for link in json.loads(_on(host, *prefix, "ip", "-json", "link").stdout)]
        super().__init__(host, next((name for name in _EAST_WEST if name in names), _EAST_WEST[-1]), prefix)


def _containers_of_one_network(hosts: Sequence[str]) -> list[_Container]:
    """A container of each host, all on the first Docker network that has one everywhere: others may be kept apart."""
    running = [_containers_by_network(host) for host in hosts]
    for network in running[0]:
        if all(network in containers for containers in running):
            return [_Container(host, containers[network]) for host, containers in zip(hosts, running)]
    raise NotRunning(f"{' and '.join(hosts)} run no containers of the same Docker network.")


def _containers_by_network(host: str) -> dict[str, str]:
    """A running container for each Docker network of a host."""
    listed = _on(host, "docker", "ps", "--format", "{{.ID}} {{.Networks}}").stdout
    rows = [line.split() for line in listed.splitlines()]
    return {network: container for container, networks in rows for network in networks.split(",")}


def _on(host: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*inside(host), *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _throughput(server: _Host, client: _Host, segment: int) -> float:
    """Gbit/s that the server received."""
    listening = server.start("iperf3", "--server", "--one-off", "--port", str(PORT))
    try:
        return _received(server, client, segment)
    finally:
        listening.terminate()
        listening.wait()


def _received(server: _Host, client: _Host, segment: int) -> float:
    deadline = time.monotonic() + 10
    error = ""
    while time.monotonic() < deadline:
        options = ["--port", str(PORT), "--time", str(SECONDS), "--set-mss", str(segment), "--json"]
        done = client.run("iperf3", "--client", server.address, *_WAIT, *options)
        try:
            result = json.loads(done.stdout)
        except ValueError:
            error = done.stderr or done.stdout
            break
        if "end" in result and "sum_received" in result["end"]:
            return result["end"]["sum_received"]["bits_per_second"] / 1e9
        error = result.get("error", "")
        if "refused" not in error:
            break
        time.sleep(0.1)  # the server is about to listen
    raise NotRunning(f"iperf3 from {client.host} to {server.address} failed: {error.strip()}")
