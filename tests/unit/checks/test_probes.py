# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.checks.check import Check
from ansible_collections.container_network.lab.plugins.module_utils.checks.probes import (
    NO_ADDRESS,
    does_not_reach,
    gets_no_answer_by_tcp,
    path_to_outside,
    reaches,
    reaches_by_name,
    reaches_with_full_packets,
    refuses_by_tcp,
)

ANSWER = "64 bytes from 10.0.0.2: seq=0 ttl=62 time=0.1 ms\n1 packets transmitted, 1 packets received, 0% packet loss\n"
SILENCE = "PING 10.0.0.2 (10.0.0.2): 56 data bytes\n1 packets transmitted, 0 packets received, 100% packet loss\n"


def verdict(options: dict, output: str, exit_status: int = 0) -> bool:
    return Check.from_options(options).verdict(output, exit_status)[0]


def test_an_answer_has_the_expected_ttl() -> None:
    probe = reaches("box", "web", "10.0.0.2", 62, timeout=30.0)
    assert probe["command"] == ["ping", "-c", "1", "-W", "1", "10.0.0.2"]
    assert (probe["container"], probe["timeout"]) == ("box", 30.0)
    assert verdict(probe, ANSWER)
    assert not verdict(reaches("box", "web", "10.0.0.2", 61), ANSWER)
    assert verdict(reaches("box", "web", "10.0.0.2"), ANSWER)
    assert not verdict(reaches("box", "web", NO_ADDRESS), ANSWER)


def test_who_has_a_name_alone_must_answer_to_it() -> None:
    probe = reaches_by_name("box", "web by name", "web.local", {"10.0.0.2": 62}, version=6, timeout=30.0)
    assert probe["command"] == ["ping", "-6", "-c", "1", "-W", "1", "web.local"]
    assert probe["expect"] == ["64 bytes from 10.0.0.2: seq=0 ttl=62"]
    assert verdict(probe, ANSWER)
    assert not verdict(reaches_by_name("box", "web by name", "web.local", {"10.0.0.3": 62}), ANSWER)


def test_any_of_those_who_share_a_name_may_answer_to_it() -> None:
    probe = reaches_by_name("box", "web by name", "web.local", {"10.0.0.9": 64, "10.0.0.2": 62})
    assert verdict(probe, ANSWER)
    assert verdict(probe, ANSWER.replace("10.0.0.2", "10.0.0.9").replace("ttl=62", "ttl=64"))
    assert not verdict(probe, ANSWER.replace("ttl=62", "ttl=64")), "each has a way of its own"
    assert not verdict(probe, ANSWER.replace("10.0.0.2", "10.0.0.3"))
    assert not verdict(probe, SILENCE)


def test_full_packets_are_of_the_paths_mtu_and_not_fragmented() -> None:
    probe = reaches_with_full_packets("box", "web", "10.0.0.2", 1450, 64)
    assert probe["command"][-5:] == ["-M", "do", "-s", "1422", "10.0.0.2"]
    assert probe["container"] == "box"
    assert probe["network_only"], "it is the host's ping that can forbid fragments"
    assert verdict(probe, "1430 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.1 ms\n")
    assert not verdict(probe, "ping: local error: message too long, mtu=1400\n", 1)


def test_a_refused_connection_proves_tcp() -> None:
    probe = refuses_by_tcp("box", "web", "10.0.0.2")
    assert probe["command"] == ["nc", "-w", "2", "10.0.0.2", "9"]
    assert verdict(probe, "nc: can't connect to remote host (10.0.0.2): Connection refused\n", 1)
    assert not verdict(probe, "nc: timed out\n", 1), "as with wrong checksums on the way"
    assert not verdict(probe, "nc: can't connect to remote host (10.0.0.2): No route to host\n", 1)


def test_a_refused_connection_has_passed_the_firewall() -> None:
    probe = gets_no_answer_by_tcp("box", "web", "10.0.0.2")
    assert verdict(probe, "nc: timed out\ntried\n")
    assert not verdict(probe, "nc: can't connect to remote host (10.0.0.2): Connection refused\ntried\n")


@pytest.mark.parametrize("routed", [True, False])
def test_an_answer_of_whom_must_not_be_reached_fails_the_check(routed: bool) -> None:
    probe = does_not_reach("box", "web", "10.0.0.2", routed=routed)
    assert not verdict(probe, ANSWER)
    assert verdict(probe, SILENCE if routed else "ping: sendto: Network is unreachable\nno answer\n", 1)


def test_a_ping_that_does_not_run_proves_no_isolation() -> None:
    assert not verdict(does_not_reach("box", "web", "10.0.0.2"), "sh: ping: not found\n", 127)


def test_the_path_to_the_outside_goes_by_certain_routers() -> None:
    probe = path_to_outside("box", ": path to the outside", "203.0.113.1", ["1 10.0.0.1", "2 192.168.1.1"])
    assert verdict(probe, "1  10.0.0.1  0.1 ms\n2  192.168.1.1  0.2 ms\n")
    assert not verdict(probe, "1  10.0.0.1  0.1 ms\n")
