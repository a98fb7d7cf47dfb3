# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A packet is followed on a real lab: proven on each device, and where a rule drops it, the rule is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab_runs import PAIR, Lab, on_host, ping_across

Walk = Callable[..., dict[str, Any]]


@pytest.fixture
def walk(flannel: Lab, tmp_path: Path) -> Walk:
    """The document of a walk."""
    ping_across(PAIR)

    def run(*extra_vars: str) -> dict[str, Any]:
        report = tmp_path / "walk.json"
        flannel.play("walk.yml", *extra_vars, f"walk_json={report}", f"dest={tmp_path}")
        return json.loads(report.read_text())

    return run


@contextmanager
def typed(host: str, begin: str, end: str) -> Iterator[None]:
    """Something that is typed on a host, and taken back."""
    on_host(host, "sh", "-c", begin)
    try:
        yield
    finally:
        on_host(host, "sh", "-c", end)


def rules(host: str) -> list[str]:
    """All rules of a host, those of nftables' own tables too, without what they have counted."""
    saved = on_host(host, "sh", "-c", "iptables-save; nft --stateless list ruleset")
    return [line.partition(" [")[0] for line in saved.splitlines() if not line.startswith("#")]


def test_every_device_and_rule_of_the_way_is_proven_and_nothing_is_left(walk: Walk, tmp_path: Path) -> None:
    before = {host: rules(host) for host in PAIR}
    found = walk("from=bbox1", "to=bbox2", "expect=delivered")
    assert (found["agrees"], found["answered"], found["notes"]) == (True, True, [])
    for way, first in ((found["way"], ["name"]), (found["back"], [])):
        kinds = [step["kind"] for step in way["steps"]]
        assert kinds == [*first, "send", "route", "encapsulate", "bridge", "decapsulate", "route", "deliver"]
        assert all(sight["seen"] and "differences" not in sight for step in way["steps"] for sight in step["passes"])
        assert [line for step in way["steps"] for line in step["rules"]["confirmed"]]
        assert [line for step in way["steps"] for line in step["rules"]["unconfirmed"]] == []
    assert {host: rules(host) for host in before} == before
    assert 'id="walk"' in (tmp_path / "walk.html").read_text()
    for host in before:
        assert on_host(host, "sh", "-c", "ls /tmp | grep container-network-walk || true") == ""


def test_a_rule_that_drops_it_is_computed_and_proven(walk: Walk, flannel: Lab) -> None:
    rule = "DOCKER-USER -p icmp -j DROP"
    with typed("right", f"iptables -I {rule}", f"iptables -D {rule}"):
        found = walk("from=bbox1", "to=bbox2")
        failure = flannel.fail("walk.yml", "from=bbox1", "to=bbox2", "expect=delivered")
    assert (found["agrees"], found["answered"], found["back"]) == (True, False, None)
    assert found["way"]["end"] == "dropped"
    assert found["way"]["steps"][-1]["place"] == "right"
    assert found["way"]["lost"] == [f"right dropped it by the rule: iptables -t filter -A {rule}"]
    assert f"iptables -t filter -A {rule}" in failure


def test_a_rule_that_is_not_computed_is_found_by_what_is_seen(walk: Walk) -> None:
    """As those in tables of nftables, which no program for iptables shows."""
    wall = (
        "nft add table inet wall; nft 'add chain inet wall forward { type filter hook forward priority -10; }'; "
        "nft add rule inet wall forward icmp type echo-reply drop"
    )
    with typed("right", wall, "nft delete table inet wall"):
        found = walk("from=bbox1", "to=bbox2")
    assert (found["agrees"], found["answered"]) == (False, False)
    assert found["way"]["agrees"]
    assert found["back"]["says"] == "It was lost: last seen on right:docker0, and not on right:flannel.1 any more."
    (lost,) = found["back"]["lost"]
    assert lost == "right dropped it by the rule: a rule of the chain forward in the table wall of nftables"


def test_a_refusal_is_seen_to_come_back(walk: Walk) -> None:
    rule = "DOCKER-USER -p icmp -m icmp --icmp-type 8 -j REJECT --reject-with icmp-host-prohibited"
    with typed("right", f"iptables -I {rule}", f"iptables -D {rule}"):
        found = walk("from=bbox1", "to=bbox2")
    assert found["way"]["end"] == "dropped"
    assert [line for line in found["way"]["lost"] if rule in line]
    answers = {each["headers"][-1].get("type") for each in found["elsewhere"]}
    assert answers == {"destination unreachable, host prohibited"}


def test_hosts_and_wrong_names(walk: Walk, flannel: Lab) -> None:
    assert walk("from=left", "to=right", "expect=delivered")["agrees"]
    assert walk("from=left/bbox1", "to=172.21.5.12", "expect=delivered")["agrees"]
    failure = flannel.fail("walk.yml", "from=bbox1", "to=nobody")
    assert "to: 'nobody' is neither a host (left, right), nor a running container (bbox1, bbox2)" in failure


def test_packets_with_ports_meet_the_rules_for_ports_and_are_answered_by_the_kernel(walk: Walk) -> None:
    """Nobody listens there: the kernel of the container says so by TCP's RST, or by an ICMP error."""
    rule = "DOCKER-USER -p tcp -m tcp --dport 80 -j DROP"
    with typed("right", f"iptables -I {rule}", f"iptables -D {rule}"):
        dropped = walk("from=left/bbox1", "to=right/bbox2", "protocol=tcp", "port=80")
        passed = walk("from=left/bbox1", "to=right/bbox2", "protocol=tcp", "port=81", "expect=delivered")
    assert dropped["way"]["lost"] == [f"right dropped it by the rule: iptables -t filter -A {rule}"]
    assert (passed["agrees"], passed["answer"]) == (True, "RST ACK")
    datagram = walk("from=left/bbox1", "to=right/bbox2", "protocol=udp", "port=80", "expect=delivered")
    assert (datagram["agrees"], datagram["answer"]) == (True, "destination unreachable, port")


STOP, START = "systemctl stop container-network-driver", "systemctl start container-network-driver"


def test_a_missing_forwarding_entry_and_a_wrong_next_hop_are_said(walk: Walk) -> None:
    """While the driver, which mends both, does not run."""
    entries = on_host("left", "bridge", "fdb", "show", "dev", "flannel.1").splitlines()
    (entry,) = [line.split() for line in entries if " dst " in line]
    there = entry[entry.index("dst") + 1]
    change = f"{entry[0]} dev flannel.1 dst {there}"
    with typed("left", f"{STOP}; bridge fdb del {change}", f"bridge fdb replace {change} self permanent; {START}"):
        found = walk("from=left/bbox1", "to=right/bbox2")
    assert found["way"]["agrees"]
    assert found["way"]["lost"][0] == f"left: flannel.1 knows no VTEP for {entry[0]}"
    assert any("flannel.1 tx_dropped" in line for line in found["way"]["lost"])
    (route,) = [line for line in on_host("left", "ip", "route").splitlines() if "dev flannel.1" in line]
    card = on_host("left", "ip", "-o", "route", "get", there).split()[2]
    wrong = f"ip route replace {route.split()[0]} via 172.21.5.250 dev {card}"
    with typed("left", f"{STOP}; {wrong}", f"ip route replace {route}; {START}"):
        found = walk("from=left/bbox1", "to=right/bbox2")
    assert found["way"]["agrees"]
    assert f"nobody is known to answer for the next hop 172.21.5.250 on {card}" in found["way"]["lost"][0]
