# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Open vSwitch's database says of bridges and ports, as it was on kuryr-2, and questions that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.vswitchd import (
    TraceQuestion,
    cards_of,
    port_lines,
)

RECORDED = (Path(__file__).parent / "recorded_open_vswitch.json").read_text()


def test_ports_of_all_bridges():
    assert port_lines(RECORDED) == [
        "br-int br-int type internal",
        "br-int patch-tun type patch peer patch-int",
        "br-int qvob59d7e3b-5b type system tag 1",
        "br-phy br-phy type internal",
        "br-phy eth0 type system",
        "br-tun br-tun type internal",
        "br-tun patch-int type patch peer patch-tun",
        "br-tun vxlan-c0a80021 type vxlan local_ip 192.168.1.254 remote_ip 192.168.0.33 in_key flow out_key flow",
        "br-tun vxlan-c0a80144 type vxlan local_ip 192.168.1.254 remote_ip 192.168.1.68 in_key flow out_key flow",
        "br-tun vxlan-c0a801f5 type vxlan local_ip 192.168.1.254 remote_ip 192.168.1.245 in_key flow out_key flow",
    ]


def test_what_the_database_says_otherwise_is_no_port():
    assert port_lines("") == []
    assert port_lines("ovs-vsctl: a warning\n" + RECORDED) == port_lines(RECORDED)
    first, second, _third = RECORDED.splitlines()
    assert port_lines("\n".join([first, second, '{"data":[],"headings":["_uuid","name","type","options"]}'])) == []


def test_a_bridge_and_its_cards():
    lines = port_lines(RECORDED)
    assert (cards_of(lines, "br-phy"), cards_of(lines, "br-tun"), cards_of(lines, "eth0")) == (["eth0"], [], [])


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"bridge": "--help"}, "bridge: '--help' is no name of a bridge"),
        ({"bridge": "br int"}, "bridge: 'br int' is no name of a bridge"),
        (
            {"flow": "icmp,in_port=1"},
            "flow: 'icmp,in_port=1' must be FIELD=VALUE with commas between them, in_port first",
        ),
        ({"flow": "in_port=1 -generate"}, "flow: 'in_port=1 -generate' must be FIELD=VALUE with"),
        ({"state": "old"}, "state: 'old' must be one of new, established"),
    ],
)
def test_a_question_has_one_bridge_and_one_packet(changed, problem):
    asked = {"bridge": "br-int", "flow": "in_port=qvob59d7e3b-5b,icmp,nw_dst=10.88.0.12", "state": "new"}
    assert list(TraceQuestion(**asked).problems()) == []
    (found,) = TraceQuestion(**{**asked, **changed}).problems()
    assert found.startswith(problem)
