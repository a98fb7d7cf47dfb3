# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes through pyroute2: when it is imported, what becomes of refusals, and hosts without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel import writer
from ansible_collections.container_network.lab.plugins.module_utils.kernel.netlink import KernelRefusal, NetlinkSocket
from ansible_collections.container_network.lab.plugins.module_utils.kernel.writer import (
    MERGE_RECEIVED,
    TRANSMIT_CHECKSUMS,
    KernelWriter,
)
from ansible_collections.container_network.lab.plugins.module_utils.recorded import records
from tests.support.kernel_view import has_link, ip, offload, qdisc
from tests.support.module_runner import ModuleFailed, run_module

ROOT = Path(__file__).parent.parent.parent.parent

# Runs modules in a process of their own, and prints after each whether pyroute2 was imported.
RUNS = """
import json, sys
from tests.support.module_runner import run_module
for name, arguments in json.loads(sys.stdin.read()):
    result = run_module(name, **arguments)
    print(json.dumps([result["changed"], "pyroute2" in sys.modules]))
"""


def runs(netns: str, *modules: tuple[str, dict]) -> list[list[bool]]:
    """Whether each run changed something, and whether pyroute2 was imported by then."""
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{netns}", sys.executable, "-c", RUNS],
        input=json.dumps(modules),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/collections"},
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_run_that_changes_nothing_does_not_import_it(netns_factory: Callable[[], str]) -> None:
    node, other = netns_factory(), netns_factory()
    bridge = {"name": "br0", "kind": "bridge", "addresses": ["10.1.0.1/16"], "mtu": 1450}
    vxlan = {"name": "vxlan1", "kind": "vxlan", "vxlan": {"id": 1, "local": "10.1.0.1", "dev": "br0"}}
    tables = {"netns": node, "dev": "vxlan1", "fdb": [{"mac": "02:00:00:00:00:01", "dst": "10.1.0.2"}]}
    network = [
        ("network_link", {"netns": node, "links": [bridge, vxlan]}),
        ("veth_pair", {"pairs": [{"name": "v0", "netns": node, "peer": {"name": "eth0", "netns": other}}]}),
        ("vxlan_fdb", tables),
        ("network_routes", {"netns": node, "dev": "br0", "routes": [{"dst": "10.9.0.0/16", "via": "10.1.0.9"}]}),
    ]
    tables_only = network[2:]
    assert runs(node, network[0]) == [[True, True]]
    run_module(network[1][0], **network[1][1])
    assert runs(node, *tables_only) == [[True, False]] * 2, "tables and routes are written without it"
    assert runs(node, *network) == [[False, False]] * 4
    assert runs(node, ("host_info", {"interface": "br0", "link_kinds": ["bridge"]})) == [[False, False]]


@pytest.fixture
def without_pyroute2(monkeypatch: pytest.MonkeyPatch) -> str:
    """Stands for a host that does not have it; gives the sentence that says so."""
    monkeypatch.setattr(writer, "find_spec", lambda _name: None)
    return (
        f"{os.uname().nodename} lacks pyroute2, which writes {{}}: install the package python3-pyroute2 there "
        f"(or pyroute2 from PyPI for {sys.executable}), and run again."
    )


def failing(module: str, /, **arguments: object) -> str:
    with pytest.raises(ModuleFailed) as failure:
        run_module(module, **arguments)
    return str(failure.value)


def test_a_host_without_it_is_told_before_the_first_change(netns: str, without_pyroute2: str) -> None:
    links = [{"name": "br0", "kind": "bridge"}]
    assert (
        failing("network_link", netns=netns, links=links) == f"{without_pyroute2.format('links')} Nothing was changed."
    )
    pairs = [{"name": "v0", "netns": netns, "peer": {"name": "v1", "netns": netns}}]
    assert failing("veth_pair", pairs=pairs) == f"{without_pyroute2.format('veth pairs')} Nothing was changed."
    assert not has_link(netns, "br0")
    # In check mode an earlier task may be the one that would have installed it.
    assert run_module("network_link", _check=True, netns=netns, links=links)["changed"]
    assert run_module("veth_pair", _check=True, pairs=pairs)["changed"]


def test_without_it_nothing_is_recorded_either(host: str, without_pyroute2: str) -> None:
    arguments = {"name": "lab", "persistent": True, "links": [{"name": "br0", "kind": "bridge"}]}
    assert "Nothing was changed." in failing("network_link", **arguments)
    assert not records.RECORDS.exists()
    assert "Nothing was changed." in failing(
        "network_set", name="lab", links=arguments["links"], files=[{"path": str(records.RECORDS / "x"), "content": ""}]
    )
    assert not records.RECORDS.exists()


def test_what_is_as_wanted_needs_no_pyroute2(netns: str, without_pyroute2: str) -> None:
    ip(netns, "link add br0 up type bridge")
    assert not run_module("network_link", netns=netns, links=[{"name": "br0", "kind": "bridge"}])["changed"]
    with pytest.raises(LabError, match="install the package python3-pyroute2"):
        writer.load()


def test_refusals_have_the_subject_and_the_kernels_words(netns: str) -> None:
    with NetlinkSocket(netns) as netlink:
        kernel = KernelWriter(netlink)
        kernel.create_link("cannot make vx1", "vxlan", {"ifname": "vx1"}, {"vxlan_id": 7})
        with pytest.raises(KernelRefusal) as refused:
            kernel.create_link("cannot make vx2", "vxlan", {"ifname": "vx2"}, {"vxlan_id": 7})
        assert str(refused.value) == (
            "cannot make vx2: File exists (A VXLAN device with the specified VNI already exists)."
        )
        with pytest.raises(KernelRefusal, match="^cannot remove it: No such device.$"):
            kernel.delete_link("cannot remove it", 4711)
        with pytest.raises(KernelRefusal, match=f"^nope in network namespace {netns}: its offloads cannot be set: "):
            kernel.set_offloads("nope", {MERGE_RECEIVED: True})


def test_each_writes_to_its_own_namespace(netns_factory: Callable[[], str]) -> None:
    """Also from several threads at once, as in the network driver."""

    def write(netns: str) -> None:
        with NetlinkSocket(netns) as netlink:
            KernelWriter(netlink).create_link("bridge", "bridge", {"ifname": f"of-{netns[-4:]}"}, {})
            index = netlink.index_of(f"of-{netns[-4:]}")
            KernelWriter(netlink).set_offloads(f"of-{netns[-4:]}", {MERGE_RECEIVED: False})
            KernelWriter(netlink).set_qdisc("limit", index, "tbf", rate=1_000_000, burst=4096, latency="10ms")

    spaces = [netns_factory() for _number in range(4)]
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(write, spaces))
    for netns in spaces:
        assert [has_link(netns, f"of-{each[-4:]}") for each in spaces] == [each == netns for each in spaces]


def test_sockets_are_given_back(netns: str) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    def write(name: str) -> None:
        with NetlinkSocket(netns) as netlink:
            kernel = KernelWriter(netlink)
            kernel.create_link("bridge", "bridge", {"ifname": name}, {})
            kernel.set_offloads(name, {MERGE_RECEIVED: False})
            kernel.set_qdisc("limit", netlink.index_of(name), "tbf", rate=1_000_000, burst=4096, latency="10ms")

    write("br0")
    before = open_files()
    for number in range(1, 6):
        write(f"br{number}")
    assert open_files() == before


def test_offloads(netns: str) -> None:
    ip(netns, "link add v0 type veth peer v1")
    others = ("tx-tcp-segmentation", "rx-gro-list")
    before = [offload(netns, "v0", each) for each in others]
    with NetlinkSocket(netns) as netlink:
        for on in (False, True, False, True):
            KernelWriter(netlink).set_offloads("v0", {TRANSMIT_CHECKSUMS: on, MERGE_RECEIVED: not on})
            assert offload(netns, "v0", TRANSMIT_CHECKSUMS) == on
            assert offload(netns, "v0", MERGE_RECEIVED) != on
    assert [offload(netns, "v0", each) for each in others] == before, "what depends on them comes back with them"


def test_a_queueing_discipline(netns: str) -> None:
    ip(netns, "link add v0 type veth peer v1")
    with NetlinkSocket(netns) as netlink:
        kernel, index = KernelWriter(netlink), netlink.index_of("v0")
        for rate in (1_000_000, 2_000_000):
            kernel.set_qdisc("cannot limit v0", index, "tbf", rate=rate, burst=4096, latency="10ms")
            assert qdisc(netns, "v0") == ("tbf", rate)
        with pytest.raises(KernelRefusal, match="^cannot delay v0: No such device"):
            kernel.set_qdisc("cannot delay v0", 4711, "tbf", rate=1_000_000, burst=4096, latency="10ms")
