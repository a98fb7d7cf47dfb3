# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The computed way of packets of TCP and UDP: rules that ask for ports, published ports, and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.topology.model import Namespace
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.compute import compute_walk
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.packet import Packet
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.request import Request
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.rule_matches import (
    Passage,
    fits,
    options_of,
)
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.steps import DELIVERED, DROPPED, Walk
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.text import outcome
from tests.support.recorded_topologies import recorded, with_lines

RULE = "iptables -t filter -A FORWARD -p tcp -m tcp --dport 80 -j DROP"
PUBLISHED = "iptables -t nat -A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 40.15.43.2:80"


def walk(source: str, destination: str, change: Callable[[str], str] = str, **wanted: Any) -> Walk:
    problems: list[str] = []
    found = compute_walk(recorded("flannel_vxlan", change), Request(source, destination, **wanted), problems)
    assert problems == []
    assert found is not None
    return found


def last_headers(found: Walk) -> list[str]:
    assert found.back is not None
    return [f"{header.name} {header.describe()}" for header in found.back.sights[-1].headers][1:]


def says(found: Walk) -> str:
    return " ".join(step.says for step in found.way.steps)


@pytest.mark.parametrize(
    ("protocol", "port", "end"), [("tcp", 80, DROPPED), ("tcp", 81, DELIVERED), ("udp", 80, DELIVERED)]
)
def test_a_rule_for_a_port_is_for_that_port(protocol, port, end):
    change = with_lines(("node-4", "host", "iptables", [RULE]))
    found = walk("node-1/busybox", "node-4/busybox", change, protocol=protocol, port=port)
    assert found.way.end == end
    assert (RULE in found.way.because) == (end == DROPPED)


@pytest.mark.parametrize(
    ("protocol", "sockets", "answer", "told"),
    [
        (
            "tcp",
            [],
            "TCP source port 80 flags RST ACK",
            "Nobody listens on its tcp port 80, so it answers with TCP's RST.",
        ),
        ("tcp", ["tcp [::]:80"], "TCP source port 80 flags SYN ACK", "A program listens there: tcp [::]:80."),
        ("tcp", ["tcp 127.0.0.1:80"], "TCP source port 80 flags RST ACK", "Nobody listens"),
        ("udp", [], "ICMP type destination unreachable, port", "so it answers with an ICMP error."),
    ],
)
def test_what_is_answered(protocol, sockets, answer, told):
    change = with_lines(("node-4", "busybox", "sockets", sockets))
    found = walk("node-1/busybox", "node-4/busybox", change, protocol=protocol, port=80)
    assert found.back is not None
    assert found.back.end == DELIVERED
    assert last_headers(found)[-1] == answer
    assert told in says(found)


def test_nobody_knows_what_a_program_answers_to_a_datagram():
    change = with_lines(("node-4", "busybox", "sockets", ["udp 0.0.0.0:53"]))
    found = walk("node-1/busybox", "node-4/busybox", change, protocol="udp", port=53)
    assert (found.way.end, found.back, outcome(found, None)) == (DELIVERED, None, DELIVERED)


def test_a_published_port_leads_to_the_container_and_the_answer_comes_from_the_host():
    change = with_lines(("node-1", "host", "iptables", [PUBLISHED]), ("node-1", "busybox", "sockets", ["tcp [::]:80"]))
    found = walk("node-2", "node-1", change, protocol="tcp", port=8080)
    assert found.way.end == DELIVERED
    assert found.way.steps[-1].place == "node-1/busybox"
    assert "Its destination becomes 40.15.43.2. Its port becomes 80." in says(found)
    assert last_headers(found) == ["IPv4 192.168.1.68 > 192.168.1.254 ttl 63", "TCP source port 8080 flags SYN ACK"]


@pytest.mark.parametrize(("address", "place"), [("192.168.1.68", "node-1/busybox"), ("127.0.0.1", "node-1")])
def test_a_host_reaches_its_own_published_port(address, place):
    """Docker's rule for what a host itself sends leaves out 127.0.0.0/8, where its proxy listens."""
    sent = "iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER"
    rules = [PUBLISHED.replace("-A PREROUTING", "-A DOCKER"), sent]
    change = with_lines(("node-1", "host", "iptables", rules), ("node-1", "busybox", "sockets", ["tcp [::]:80"]))
    found = walk("node-1", address, change, protocol="tcp", port=8080)
    assert (found.way.end, found.way.steps[-1].place) == (DELIVERED, place)


def test_an_error_about_a_packet_is_related_to_its_connection():
    change = with_lines(
        ("node-4", "host", "iptables", ["iptables -t filter -A FORWARD -m conntrack --ctstate RELATED -j DROP"])
    )
    found = walk("node-1/busybox", "node-4/busybox", change, protocol="udp", port=80)
    assert found.back is not None
    assert "--ctstate RELATED" in found.back.because


SYN = Packet("10.0.0.1", "10.0.0.2", protocol="tcp", content="SYN", port=80)
ANSWER = Packet("10.0.0.2", "10.0.0.1", protocol="tcp", content="SYN ACK", source_port=80)
ECHO = Packet("10.0.0.1", "10.0.0.2")


@pytest.mark.parametrize(
    ("packet", "words", "expected"),
    [
        (SYN, "-p tcp -m tcp --dport 80", True),
        (SYN, "-p tcp -m tcp --dport 81:90", False),
        (SYN, "-p tcp -m multiport --dports 22,70:80", True),
        (SYN, "-p tcp -m tcp --sport 53", False),  # a client's is higher
        (SYN, "-p tcp -m tcp --sport 40000", None),
        (SYN, "-p tcp -m multiport --ports 80", True),
        (SYN, "-p udp -m udp --dport 80", False),
        (SYN, "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", True),
        (SYN, "-p tcp -m tcp --syn", True),
        (SYN, "-p tcp -m tcp ! --syn", False),
        (SYN, "-p tcp -m tcp --tcp-flags ALL NONE", False),
        (ANSWER, "-p tcp -m tcp --sport 80", True),
        (ANSWER, "-p tcp -m tcp --sport 81", False),
        (ANSWER, "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", False),
        (ANSWER, "-p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK", True),
        (ANSWER, "-p tcp -m tcp --dport 40000", None),
        (ECHO, "-m multiport --dports 80", False),
        (ECHO, "-p tcp -m tcp --tcp-flags SYN SYN", False),
    ],
)
def test_matches(packet, words, expected):
    assert fits(options_of(words.split()), Passage(Namespace("n", "host", "p"), packet))[0] == expected


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"protocol": "sctp"}, "protocol: 'sctp' is none of icmp, tcp, udp"),
        ({"protocol": "tcp"}, "port: name the port that the packet of tcp is for, as port=80"),
        ({"port": "80"}, "port: ICMP has no ports: leave out port=80, or write protocol=tcp or protocol=udp"),
        ({"protocol": "udp", "port": "http"}, "port: 'http' must be a number from 1 to 65535"),
        ({"protocol": "udp", "port": 65536}, "port: '65536' must be a number from 1 to 65535"),
        ({"version": "5"}, "version: '5' is none of IP: write 4 or 6"),
    ],
)
def test_what_cannot_be_asked_for(values, problem):
    problems: list[str] = []
    Request.of({"source": "a", "destination": "b", **values}, problems)
    assert problems == [problem]
