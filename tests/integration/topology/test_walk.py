# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks through real namespaces: computed from their kernels, sent and seen; and each way to lose a packet, in words.

Two ends with a router between them, by IPv4 and IPv6; and between the ends VXLAN with static tables, as Flannel has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.filter.walk import topology_walk, topology_walk_report
from tests.support.kernel_view import command, ip
from tests.support.module_runner import run_module

MACS = {"here": "02:00:00:00:00:01", "there": "02:00:00:00:00:02"}


@dataclass(frozen=True)
class Line:
    """The three namespaces."""

    here: str
    middle: str
    there: str

    def walk(self, destination: str, **kind: Any) -> dict[str, Any]:
        """The report of a walk from the first one."""
        names = [self.here, self.middle, self.there]
        seen = run_module("topology_info", namespaces=names)["topology"]
        plan = topology_walk({}, self.here, destination, seen, **kind)
        assert plan["problems"] == []
        watched = [{**each, "trace": True} for each in plan["watched"]["localhost"]]
        folder = run_module("marked_packet", state="watched", mark=plan["mark"], namespaces=watched, seconds=60)[
            "folder"
        ]
        sender = {name: value for name, value in plan["sender"].items() if name != "host" and value is not None}
        sent = run_module("marked_packet", state="sent", mark=plan["mark"], seconds=1.5, **sender)
        collected = {"localhost": run_module("marked_packet", state="collected", folder=folder)}
        return topology_walk_report({}, self.here, destination, seen, collected, sent, **kind)

    def run(self, where: str, *words: str) -> None:
        """A command in one of them."""
        command("ip", "netns", "exec", getattr(self, where), *words)


@pytest.fixture
def line(netns_factory: Callable[[], str]) -> Line:
    """10.9.8.1 - .2, 10.9.7.2 - .1, and the same with fd00:8:: and fd00:7::; in VXLAN 10.6.6.1 and .2."""
    found = Line(netns_factory(), netns_factory(), netns_factory())
    # A link-local address that is still tested for duplicates asks for no neighbour.
    for where in ("here", "middle", "there"):
        found.run(where, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
    for end, name, number in ((found.here, "va", 8), (found.there, "vb", 7)):
        ip(end, f"link add {name} type veth peer name to-{name} netns {found.middle}")
        for where, device, last in ((end, name, 1), (found.middle, f"to-{name}", 2)):
            ip(where, f"addr add 10.9.{number}.{last}/24 dev {device}")
            ip(where, f"addr add fd00:{number}::{last}/64 dev {device} nodad")
            ip(where, f"link set {device} up")
        ip(end, f"route add default via 10.9.{number}.2")
        ip(end, f"-6 route add default via fd00:{number}::2")
    for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
        found.run("middle", "sysctl", "-qw", f"{name}=1")
    ends = {"here": ("10.9.8.1", "10.6.6.1"), "there": ("10.9.7.1", "10.6.6.2")}
    for end, other in (("here", "there"), ("there", "here")):
        netns, (outer, inner) = getattr(found, end), ends[end]
        ip(netns, f"link add vx address {MACS[end]} type vxlan id 7 local {outer} dstport 4789 nolearning")
        # It would send packets of its own to all, which count as dropped, too.
        found.run(end, "sysctl", "-qw", "net.ipv6.conf.vx.disable_ipv6=1")
        ip(netns, f"addr add {inner}/24 dev vx")
        ip(netns, "link set vx up")
        ip(netns, f"neigh add {ends[other][1]} lladdr {MACS[other]} dev vx nud permanent")
        command("bridge", "-n", netns, "fdb", "add", MACS[other], "dev", "vx", "dst", ends[other][0])
    return found


@pytest.mark.parametrize("destination", ["10.9.7.1", "fd00:7::1", "10.6.6.2"])
@pytest.mark.parametrize("kind", [{}, {"protocol": "tcp", "port": 80}, {"protocol": "udp", "port": 80}])
def test_each_kind_of_packet_is_proven_by_both_versions_and_in_a_tunnel(line, destination, kind):
    report = line.walk(destination, **kind)
    found = report["document"]
    assert (found["agrees"], found["answered"]) == (True, True), report["text"]
    assert found["back"]["end"] == "delivered"
    assert found["elsewhere"] == [], report["text"]
    assert report["outcome"] == "delivered"


@pytest.mark.parametrize("destination", ["10.9.8.1", "127.0.0.1", "fd00:8::1"])
def test_what_is_for_itself_is_seen_on_the_loopback_device(line, destination):
    ip(line.here, "link set lo up")
    report = line.walk(destination)
    found = report["document"]
    assert (found["agrees"], found["answered"], found["elsewhere"]) == (True, True, []), report["text"]
    assert [each["on"] for each in found["way"]["steps"][0]["passes"]] == [f"{line.here}:lo"] * 2


def lost(report: dict[str, Any]) -> list[str]:
    """Why it was lost, as the report says it, computed and proven alike."""
    way = report["document"]["way"]
    assert (way["end"], way["agrees"]) == ("dropped", True), report["text"]
    assert report["outcome"] == "dropped"
    return way["lost"]


@pytest.mark.parametrize(
    ("program", "rule", "destination", "kind"),
    [
        ("iptables", "FORWARD -d 10.9.7.1/32 -j DROP", "10.9.7.1", {}),
        ("iptables", "FORWARD -p tcp -m tcp --dport 80 -j DROP", "10.9.7.1", {"protocol": "tcp", "port": 80}),
        ("ip6tables", "FORWARD -p udp -m udp --dport 53 -j DROP", "fd00:7::1", {"protocol": "udp", "port": 53}),
    ],
)
def test_a_rule_in_forward(line, program, rule, destination, kind):
    line.run("middle", program, "-A", *rule.split())
    assert lost(line.walk(destination, **kind)) == [
        f"{line.middle} dropped it by the rule: {program} -t filter -A {rule}"
    ]


def test_a_policy(line):
    line.run("middle", "ip6tables", "-P", "FORWARD", "DROP")
    (found,) = lost(line.walk("fd00:7::1"))
    assert found.startswith(f"{line.middle} dropped it by the rule: ip6tables -t filter :FORWARD DROP")


def test_a_next_hop_that_nobody_has(line):
    ip(line.here, "route add 10.9.7.0/24 via 10.9.8.77")
    assert lost(line.walk("10.9.7.1"))[0] == (
        f"{line.here}: nobody is known to answer for the next hop 10.9.8.77 on va"
    )


def test_a_next_hop_that_does_not_forward(line):
    line.run("middle", "sysctl", "-qw", "net.ipv4.ip_forward=0")
    first, *counted = lost(line.walk("10.9.7.1"))
    assert first == f"{line.middle} does not forward: net.ipv4.ip_forward = 0"
    assert any("Ip.InAddrErrors" in each for each in counted)


def test_a_router_without_a_route(line):
    ip(line.middle, "route del 10.9.7.0/24")
    assert lost(line.walk("10.9.7.1"))[0] == f"{line.middle} has no route to 10.9.7.1"


def test_a_missing_entry_of_the_forwarding_table(line):
    command("bridge", "-n", line.here, "fdb", "del", MACS["there"], "dev", "vx", "dst", "10.9.7.1")
    first, *counted = lost(line.walk("10.6.6.2"))
    assert first == f"{line.here}: vx knows no VTEP for {MACS['there']}"
    assert counted == [
        f"{line.here}: the kernel counted 1 packets that were dropped when they should leave by vx (vx tx_dropped)"
    ]


def test_a_missing_neighbour(line):
    ip(line.here, "neigh del 10.6.6.2 dev vx")
    assert lost(line.walk("10.6.6.2"))[0] == f"{line.here}: nobody is known to answer for 10.6.6.2 on vx"


def test_a_wrong_neighbour(line):
    ip(line.middle, "neigh replace 10.9.7.1 lladdr 02:00:00:00:00:99 dev to-vb nud permanent")
    (first, *_counted) = lost(line.walk("10.9.7.1"))
    assert first.startswith(f"{line.middle}: vb of {line.there} takes what is for ")
    assert first.endswith(", and this is for 02:00:00:00:00:99")


@pytest.mark.parametrize(("queue", "kind"), [("blackhole", "blackhole"), ("tbf rate 1mbit burst 10b limit 10", "tbf")])
def test_a_queue_that_drops_it(line, queue, kind):
    """Whoever has made it: of what such a discipline does to packets only its own counter tells."""
    line.run("middle", "tc", "qdisc", "add", "dev", "to-vb", "root", *queue.split())
    found = line.walk("10.9.7.1")
    told = f"packets that the queueing discipline {kind} of to-vb dropped (to-vb qdisc {kind})"
    assert [each for each in found["document"]["way"]["lost"] if told in each], found["text"]
    assert found["outcome"] == "dropped"
