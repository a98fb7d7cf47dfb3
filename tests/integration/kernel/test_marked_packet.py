# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module marked_packet against real devices: where a packet is seen, which rule drops it, and what is left."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel import rule_trace
from ansible_collections.container_network.lab.plugins.module_utils.kernel.drop_counters import may_count
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support.kernel_view import command, ip
from tests.support.module_runner import ModuleFailed, run_module

MARK = "0123456789abcdef"


@pytest.fixture
def line(netns_factory: Callable[[], str]) -> tuple[str, str, str]:
    """Three namespaces in a row, of which the one in the middle forwards: 10.9.8.1 - .2, 10.9.7.2 - .1."""
    here, middle, there = netns_factory(), netns_factory(), netns_factory()
    for end, name, network in ((here, "va", "10.9.8"), (there, "vb", "10.9.7")):
        ip(end, f"link add {name} type veth peer name to-{name} netns {middle}")
        ip(end, f"addr add {network}.1/24 dev {name}")
        ip(middle, f"addr add {network}.2/24 dev to-{name}")
        ip(end, f"link set {name} up")
        ip(middle, f"link set to-{name} up")
        ip(end, f"route add default via {network}.2")
    command("ip", "netns", "exec", middle, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    return here, middle, there


def watch(namespaces: tuple[str, ...], seconds: float = 30, trace: bool = True) -> str:
    watched = [{"id": f"{number}", "netns": each, "trace": trace} for number, each in enumerate(namespaces)]
    return run_module("marked_packet", state="watched", mark=MARK, namespaces=watched, seconds=seconds)["folder"]


def send(netns: str, destination: str, seconds: float = 5, **kind: object) -> dict:
    options = {"netns": netns, "source": "10.9.8.1", "destination": destination, "seconds": seconds, **kind}
    return run_module("marked_packet", state="sent", mark=MARK, **options)


def collect(folder: str) -> dict:
    return run_module("marked_packet", state="collected", folder=folder)


def rules(netns: str) -> list[str]:
    """All rules of a namespace, those of nftables' own tables too."""
    enter = ("ip", "netns", "exec", netns)
    saved = command(*enter, "iptables-save") + command(*enter, "nft", "--stateless", "list", "ruleset")
    return [line for line in saved.splitlines() if not line.startswith("#")]


def test_a_packet_and_its_answer_are_seen_on_every_device(line):
    here, middle, _there = line
    before = rules(middle)
    folder = watch(line)
    command("ip", "netns", "exec", here, "ping", "-q", "-c1", "10.9.7.1")  # another packet
    assert 0 < send(here, "10.9.7.1")["answered_after"] < 5
    found = collect(folder)
    assert [
        f"{each['namespace']} {each['device']} {'out' if each['outgoing'] else 'in'}" for each in found["sights"]
    ] == [*WAY, *BACK]
    times = [each["at"] for each in found["sights"]]
    assert times == sorted(times)
    assert abs(times[0] - time.time_ns()) < 60e9
    assert found["missed"] == 0
    assert not Path(folder).exists()
    assert rules(middle) == before


def test_the_rule_that_drops_it_is_named_and_nothing_is_left(line):
    here, middle, _there = line
    rule = "FORWARD -d 10.9.7.1/32 -p icmp -j DROP"
    command("ip", "netns", "exec", middle, "iptables", "-A", *rule.split())
    before = rules(middle)
    folder = watch(line)
    assert send(here, "10.9.7.1", 0.5) == {"changed": False, "answered_after": None, "answer": "", "problem": ""}
    found = collect(folder)
    assert [each["device"] for each in found["sights"]] == ["va", "to-va"]
    told = [text for text in found["traces"]["1"] if f"iptables -t filter -A {rule}" in text]
    assert len(told) == 1, found["traces"]
    assert told[0].startswith("TRACE: 2 ")
    assert ":DROP " in told[0]
    assert found["untraced"] == {}
    assert rules(middle) == before


def test_a_monitor_that_is_behind_is_waited_for(line):
    """As on a busy host; it is stopped here, and goes on while it is asked for what it has seen."""
    here, _middle, _there = line
    folder = watch((here,))
    watching = (Path(folder) / "pid").read_text()
    (monitor,) = map(int, command("pgrep", "-P", watching, "-f", "xtables-monitor").split())
    os.kill(monitor, signal.SIGSTOP)
    assert send(here, "10.9.7.1")["answer"]
    goes_on = threading.Timer(0.5, os.kill, (monitor, signal.SIGCONT))
    goes_on.start()
    found = collect(folder)
    goes_on.join()
    assert [text for text in found["traces"]["0"] if "OUT=va" in text]
    assert found["untraced"] == {}


@contextmanager
def listening(netns: str, kind: socket.SocketKind) -> Iterator[None]:
    """Something that listens on port 80 of a namespace."""
    with inside(netns):
        channel = socket.socket(socket.AF_INET, kind)
    with channel:
        channel.bind(("10.9.7.1", 80))
        if kind == socket.SOCK_STREAM:
            channel.listen()
        yield


WAY = ["0 va out", "1 to-va in", "1 to-vb out", "2 vb in"]
BACK = ["2 vb out", "1 to-vb in", "1 to-va out", "0 va in"]


@pytest.mark.parametrize(
    ("protocol", "listener", "answer"),
    [
        ("tcp", socket.SOCK_STREAM, "SYN ACK"),
        ("tcp", None, "RST ACK"),
        ("udp", None, "destination unreachable, port"),
    ],
)
def test_packets_with_ports_and_what_is_answered(line, protocol, listener, answer):
    here, middle, there = line
    rule = f"FORWARD -d 10.9.7.1/32 -p {protocol} -m {protocol} --dport 80 -j ACCEPT"
    command("ip", "netns", "exec", middle, "iptables", "-A", *rule.split())
    with listening(there, listener) if listener else nullcontext():
        folder = watch(line)
        found = send(here, "10.9.7.1", protocol=protocol, port=80)
        seen = collect(folder)
    assert (found["answer"], found["problem"]) == (answer, "")
    assert 0 < found["answered_after"] < 5
    sights = [f"{each['namespace']} {each['device']} {'out' if each['outgoing'] else 'in'}" for each in seen["sights"]]
    assert sights == [*WAY, *BACK]
    assert [text for text in seen["traces"]["1"] if f"iptables -t filter -A {rule}" in text]


def test_a_datagram_that_a_program_takes_is_not_answered_by_the_kernel(line):
    here, _middle, there = line
    with listening(there, socket.SOCK_DGRAM):
        folder = watch(line, trace=False)
        assert send(here, "10.9.7.1", 0.5, protocol="udp", port=80)["answer"] == ""
        assert len(collect(folder)["sights"]) == len(WAY)


@pytest.mark.parametrize("vxlan_port", [4789, 8500])
def test_a_packet_in_a_tunnel_is_traced(line, vxlan_port):
    """The rules that see the outer packet tell of it, whatever is in it."""
    here, middle, there = line
    for end, own, other in ((here, "10.9.8.1", "10.9.7.1"), (there, "10.9.7.1", "10.9.8.1")):
        ip(end, f"link add vx type vxlan id 7 local {own} remote {other} dstport {vxlan_port}")
        ip(end, f"addr add {'10.6.6.1' if end == here else '10.6.6.2'}/24 dev vx")
        ip(end, "link set vx up")
    rule = f"FORWARD -d 10.9.7.1/32 -p udp -m udp --dport {vxlan_port} -j ACCEPT"
    command("ip", "netns", "exec", middle, "iptables", "-A", *rule.split())
    command("ip", "netns", "exec", here, "ping", "-q", "-c1", "10.6.6.2")
    for kind in ({}, {"protocol": "tcp", "port": 80}, {"protocol": "udp", "port": 80}):
        folder = watch(line)
        options = {"netns": here, "source": "10.6.6.1", "destination": "10.6.6.2", "seconds": 5, **kind}
        assert run_module("marked_packet", state="sent", mark=MARK, **options)["answer"]
        assert [text for text in collect(folder)["traces"]["1"] if f"iptables -t filter -A {rule}" in text], kind


def test_where_there_is_no_trace_counters_of_rules_tell(line, tmp_path, monkeypatch):
    here, middle, _there = line
    monkeypatch.setattr(rule_trace, "_SEARCH_PATH", str(tmp_path))
    command("ip", "netns", "exec", middle, "iptables", "-A", "FORWARD", "-d", "10.9.7.1/32", "-j", "DROP")
    folder = watch(line)
    send(here, "10.9.7.1", 0.5)
    found = collect(folder)
    assert found["traces"]["1"] == ["COUNTER: 1 iptables -t filter -A FORWARD -d 10.9.7.1/32 -j DROP"]
    assert "it lacks the package nftables" in found["untraced"]["1"]


def test_counters_of_the_kernel_say_what_no_rule_does(line):
    here, middle, _there = line
    command("ip", "netns", "exec", middle, "sysctl", "-qw", "net.ipv4.ip_forward=0")
    folder = watch(line, trace=False)
    send(here, "10.9.7.1", 0.5)
    counters = collect(folder)["counters"]["1"]  # a link that has just come up has IPv6 of its own
    assert {name: number for name, number in counters.items() if may_count(name, 4)} == {"Ip.InAddrErrors": 1}


def test_what_cannot_be_sent_is_said_and_no_failure(line):
    here, _middle, _there = line
    ip(here, "route del default")
    found = send(here, "10.9.7.1", 0.5)
    assert "10.9.8.1 > 10.9.7.1: Network is unreachable" in found["problem"]


def processes_of(folder: str) -> int:
    return int((Path(folder) / "pid").read_text())


def await_end(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.02)


def test_a_watch_that_nobody_ends_ends_at_its_time_and_leaves_nothing(line):
    folder = watch(line, seconds=0.3, trace=False)
    await_end(processes_of(folder))
    assert not Path(folder).exists()


def test_a_watch_that_is_killed_leaves_no_rules_and_no_processes(line):
    _here, middle, _there = line
    before = rules(middle)
    folder = watch(line)
    pid = processes_of(folder)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(pid, signal.SIGKILL)
    for each in (pid, *map(int, children)):
        await_end(each)
    assert rules(middle) == before
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"state": "watched", "mark": "x", "namespaces": []}, "mark: 'x' must be 16 hexadecimal digits"),
        ({"state": "watched", "mark": MARK, "seconds": 0}, "seconds: 0 must be more than 0"),
        ({"state": "watched", "mark": MARK, "namespaces": [{"id": "a", "netns": "missing"}]}, "netns 'missing'"),
        (
            {"state": "sent", "mark": MARK, "source": "10.9.8.1", "destination": "10.9.8.1", "protocol": "tcp"},
            "missing: port",
        ),
        ({"state": "collected", "folder": "/tmp"}, "is none that a watch has made"),
    ],
)
def test_what_cannot_be_is_said(options, words):
    before = set(Path("/tmp").glob("container-network-walk-*"))
    with pytest.raises(ModuleFailed) as failure:
        run_module("marked_packet", **options)
    assert words in str(failure.value)
    assert set(Path("/tmp").glob("container-network-walk-*")) == before
