# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container to container against host to host, on the same underlay, by iperf3 in the running lab four_nodes.

Both ends of a measurement are lab hosts; the container's end is iperf3 of the lab host, run in the network namespace
of the container, since busybox has none.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time

from .measuring import table

SERVER, CLIENT = "node-1", "node-2"
WORKLOAD = "busybox"
SECONDS = 2
RUNS = 5
PORT = 5201
TARGETS = {"vxlan": 0.75, "host-gw": 0.8}


class NotRunning(Exception):
    """The lab, its network or its workload is not there."""


def measure() -> str:
    """Alternating short runs; the ratio is that of the medians."""
    try:
        ends = [_Container(host) for host in (SERVER, CLIENT)]
        direct = [_Host(host) for host in (SERVER, CLIENT)]
        runs = [(_throughput(*direct), _throughput(*ends)) for _run in range(RUNS)]
    except NotRunning as error:
        return f"\nThroughput is not measured: {error}"
    host, container = (statistics.median(values) for values in zip(*runs))
    backend = ends[0].backend()
    rows = [
        ["host to host", f"{host:.2f}", f"{min(h for h, _c in runs):.2f}", f"{max(h for h, _c in runs):.2f}", "1.00"],
        [
            f"container to container ({backend})",
            f"{container:.2f}",
            f"{min(c for _h, c in runs):.2f}",
            f"{max(c for _h, c in runs):.2f}",
            f"{container / host:.2f}",
        ],
    ]
    return table(
        f"Throughput from {CLIENT} to {SERVER}: Gbit/s, {RUNS} runs of {SECONDS} s each. "
        f"Target for {backend}: {TARGETS[backend]}.",
        ["path", "median", "least", "most", "ratio"],
        rows,
    )


class _Host:
    """One end of a measurement: a lab host itself."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.prefix: list[str] = []
        self.address = self._address("eth0")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program there."""
        return _on(self.host, *self.prefix, *command)

    def start(self, *command: str) -> subprocess.Popen:
        """Start a program there."""
        return subprocess.Popen(
            ["docker", "exec", self.host, *self.prefix, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _address(self, interface: str) -> str:
        shown = self.run("ip", "-json", "-4", "address", "show", "dev", interface)
        found = [a["local"] for link in json.loads(shown.stdout or "[]") for a in link.get("addr_info", [])]
        if not found:
            raise NotRunning(f"{self.host} has no {interface} with an address; bring up the lab and Flannel first")
        return found[0]

    def backend(self) -> str:
        """How packets to other hosts' containers leave."""
        return "vxlan" if "dev flannel." in _on(self.host, "ip", "route").stdout else "host-gw"


class _Container(_Host):
    """The other kind of end: the network namespace of a lab host's workload."""

    def __init__(self, host: str) -> None:
        shown = _on(host, "docker", "inspect", "--format", "{{.State.Pid}}", WORKLOAD)
        pid = shown.stdout.strip()
        if not pid.isdigit() or pid == "0":
            raise NotRunning(f"{host} runs no container {WORKLOAD}: {shown.stderr.strip()}")
        self.host = host
        self.prefix = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        self.address = self._address("eth0")


def _on(host: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", "exec", host, *command], capture_output=True, text=True, check=False)


def _throughput(server: _Host, client: _Host) -> float:
    """Gbit/s that the server received."""
    listening = server.start("iperf3", "--server", "--one-off", "--port", str(PORT))
    try:
        return _received(server, client)
    finally:
        listening.terminate()
        listening.wait()


def _received(server: _Host, client: _Host) -> float:
    deadline = time.monotonic() + 10
    error = ""
    while time.monotonic() < deadline:
        done = client.run("iperf3", "--client", server.address, "--port", str(PORT), "--time", str(SECONDS), "--json")
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
