# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hundreds of Calico hosts, as namespaces on one underlay with a real BIRD each: a mesh against route reflectors."""

from __future__ import annotations

import dataclasses
import ipaddress
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ansible_collections.container_network.lab.plugins.module_utils.calico.bird import Bird
from ansible_collections.container_network.lab.plugins.module_utils.calico.bird_config import bird_config
from ansible_collections.container_network.lab.plugins.module_utils.calico.blocks import Block
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import BgpConfiguration, Node
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot

from .measuring import namespaces, seconds, table
from .simulated_hosts import introduce, plug_in

HOSTS = 200
REFLECTORS = 2
PATIENCE = 600.0  # seconds
POOL = IPPool("pool", ipaddress.ip_network("197.19.0.0/16"), 26)


def measure() -> str:
    """Both topologies, one after the other: from the start of all BIRDs until every host has every route."""
    rows = [_measure("mesh", reflectors=0), _measure(f"{REFLECTORS} reflectors", reflectors=REFLECTORS)]
    return table(
        f"{HOSTS} Calico hosts with a BIRD each on this machine. Memory is resident: the median, the largest.",
        [
            "topology",
            "sessions a host",
            "bird.conf KB",
            "plan ms",
            "bird -p ms",
            "memory MB",
            "largest MB",
            "all routes s",
            "new block s",
        ],
        rows,
    )


def _measure(name: str, reflectors: int) -> list[object]:
    snapshot = _snapshot(reflectors)
    nodes = sorted(snapshot.nodes)
    with tempfile.TemporaryDirectory() as folder, namespaces(HOSTS + 1) as (underlay, *hosts):
        addresses = [ipaddress.IPv4Interface(snapshot.nodes[node].ipv4_address) for node in nodes]
        plug_in(underlay, hosts, addresses)
        introduce(hosts, addresses)
        birds = [Bird(Path(folder, f"{node}.conf"), Path(folder, f"{node}.ctl")) for node in nodes]
        configs: list[str] = []
        planning = seconds(lambda: configs.extend(bird_config(snapshot, node) for node in nodes))
        checking = seconds(lambda: [bird.write(config) for bird, config in zip(birds, configs)])
        with _running(hosts, birds) as processes:
            converging = seconds(lambda: _await_routes(hosts, HOSTS))
            memory = [_resident_megabytes(process.pid) for process in processes]
            last = nodes[-1]
            birds[-1].write(bird_config(_with_block(snapshot, last, HOSTS), last))
            spreading = seconds(lambda: (birds[-1].reload(), _await_routes(hosts, HOSTS + 1)))
    sessions = [config.count("\nprotocol bgp") for config in configs]
    return [
        name,
        f"{statistics.median(sessions):.0f}",
        f"{statistics.median(map(len, configs)) / 1000:.1f}",
        f"{planning / HOSTS * 1000:.1f}",
        f"{checking / HOSTS * 1000:.1f}",
        f"{statistics.median(memory):.1f}",
        f"{max(memory):.1f}",
        f"{converging:.1f}",
        f"{spreading:.1f}",
    ]


def _snapshot(reflectors: int) -> Snapshot:
    """A block for each host; the first hosts are the reflectors."""
    snapshot = Snapshot(pools=(POOL,), bgp=BgpConfiguration(mesh=not reflectors))
    for number in range(HOSTS):
        address = f"10.0.{number + 1 >> 8}.{number + 1 & 255}"
        cluster = address if number < reflectors else None
        node = Node(f"host-{number:03}", ipv4_address=f"{address}/16", route_reflector_cluster_id=cluster)
        snapshot = dataclasses.replace(snapshot, nodes={**snapshot.nodes, node.name: node})
        snapshot = _with_block(snapshot, node.name, number)
    return snapshot


def _with_block(snapshot: Snapshot, node: str, number: int) -> Snapshot:
    """The pool's block of this number is the node's."""
    first = POOL.cidr.network_address + number * 64
    block = Block.new(ipaddress.ip_network(f"{first}/{POOL.block_size}"), node)
    return dataclasses.replace(snapshot, blocks={**snapshot.blocks, block.cidr: block})


@contextmanager
def _running(hosts: Sequence[str], birds: Sequence[Bird]) -> Iterator[list[subprocess.Popen]]:
    with ExitStack() as stack:
        processes = []
        for host, bird in zip(hosts, birds):
            command = ["bird", "-f", "-c", str(bird.config), "-s", str(bird.socket)]
            process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{host}", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            processes.append(process)
        yield processes


def _await_routes(hosts: Sequence[str], count: int) -> None:
    """Wait until every host has a route for each block, its own ones as blackholes."""
    deadline = time.monotonic() + PATIENCE
    for host in hosts:
        while _bird_routes(host) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{host} has {_bird_routes(host)} routes of {count} after {PATIENCE:.0f} s")
            time.sleep(0.2)


def _bird_routes(host: str) -> int:
    shown = subprocess.run(["ip", "-n", host, "route", "show", "proto", "bird"], capture_output=True, check=True)
    return shown.stdout.count(b"\n")


def _resident_megabytes(pid: int) -> float:
    (line,) = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
