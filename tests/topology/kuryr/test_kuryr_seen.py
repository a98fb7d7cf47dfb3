# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kuryr as the playbooks that look see it: walks through Open vSwitch, a measurement, a host's card without an address.

What Open vSwitch's own trace says of a packet is compared with where the packet is seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.kuryr_view import ADDRESSES, HOSTS, UNDERLAY, container, neutron, port, reaches
from tests.support.lab_runs import Lab, await_condition

LAB = Lab("kuryr")
Walk = Callable[..., dict[str, Any]]


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """The document of a walk from kuryr-1's container to that of another host."""

    def run(other: str, *extra_vars: str) -> dict[str, Any]:
        await_condition(lambda: reaches("kuryr-1", container("kuryr-1"), ADDRESSES[other]), 60)
        ends = (f"from=kuryr-1/{container('kuryr-1')}", f"to={other}/{container(other)}")
        report = tmp_path / "walk.json"
        LAB.play("walk.yml", *ends, f"walk_json={report}", f"dest={tmp_path}", *extra_vars)
        return json.loads(report.read_text())

    return run


def steps(way: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [step for step in way["steps"] if step["kind"] == kind]


def flows(step: dict[str, Any], bridge: str) -> list[str]:
    return [reason["line"] for reason in step["reasons"] if reason["what"] == f"flow {bridge}"]


@pytest.mark.parametrize("other", ["kuryr-2", "kuryr-4"])
def test_the_way_through_open_vswitch_is_as_its_trace_says(walk: Walk, other: str, tmp_path: Path) -> None:
    found = walk(other, "expect=delivered")
    assert (found["agrees"], found["answered"], found["notes"], found["elsewhere"]) == (True, True, [], [])
    out, inner = steps(found["way"], "switch")
    assert (out["place"], inner["place"]) == ("kuryr-1", other)
    assert [step["place"] for step in steps(found["way"], "decapsulate")] == [other]
    own, far = port(ADDRESSES["kuryr-1"]), port(ADDRESSES[other])
    assert f'in_port="qvo{own["id"][:11]}"' in flows(out, "br-int")[0]
    (learned,) = [line for line in flows(out, "br-tun") if line.startswith("table=20,")]
    assert f"dl_dst={far['mac_address']}" in learned
    (vni,) = re.findall(r"tun_id=(0x[0-9a-f]+)", " ".join(flows(inner, "br-tun")))
    assert f"load:{vni}->NXM_NX_TUN_ID[]" in learned
    (tunnel,) = steps(found["way"], "encapsulate")
    outer = {header["name"]: header for header in tunnel["passes"][0]["headers"]}
    assert tunnel["passes"][0]["on"] == "kuryr-1:eth0"
    assert outer["VXLAN"]["vni"] == str(int(vni, 16))
    names = [header["name"] for header in tunnel["passes"][0]["headers"]]
    assert names == ["Ethernet", "IPv4", "UDP", "VXLAN", "Ethernet", "IPv4", "ICMP"]
    first = tunnel["passes"][0]["headers"][1]
    assert (first["from"], first["to"]) == (UNDERLAY["kuryr-1"], UNDERLAY[other])
    assert inner["passes"][0]["on"] == f"{other}:qvo{far['id'][:11]}"
    assert flows(out, "br-tun")[1] in (tmp_path / "walk.html").read_text()


@contextmanager
def flow(host: str, bridge: str, match: str) -> Iterator[None]:
    """A flow that drops what it is for."""
    HOSTS[host].output(f"ovs-ofctl add-flow {bridge} '{match} actions=drop'")
    try:
        yield
    finally:
        HOSTS[host].output(f"ovs-ofctl --strict del-flows {bridge} '{match}'")


@pytest.mark.parametrize(("host", "bridge"), [("kuryr-1", "br-int"), ("kuryr-2", "br-tun")])
def test_a_flow_that_drops_it_is_named(walk: Walk, host: str, bridge: str) -> None:
    await_condition(lambda: reaches("kuryr-1", container("kuryr-1"), ADDRESSES["kuryr-2"]), 60)
    with flow(host, bridge, f"table=0,priority=200,icmp,nw_dst={ADDRESSES['kuryr-2']},icmp_type=8"):
        ends = (f"from=kuryr-1/{container('kuryr-1')}", f"to=kuryr-2/{container('kuryr-2')}")
        failure = LAB.fail("walk.yml", *ends, "expect=delivered")
    line = f"table=0, priority=200,icmp,nw_dst={ADDRESSES['kuryr-2']},icmp_type=8 actions=drop"
    assert f"{bridge} of {host} drops it by the flow: {line}" in failure
    assert "Sent, and seen as computed" in failure


def test_a_host_is_reached_by_the_bridge_that_has_its_card(walk: Walk, tmp_path: Path) -> None:
    report = tmp_path / "walk.json"
    LAB.play("walk.yml", "from=kuryr-1", "to=kuryr-4", "expect=delivered", f"walk_json={report}", f"dest={tmp_path}")
    found = json.loads(report.read_text())
    assert (found["agrees"], found["elsewhere"]) == (True, [])
    assert [step["place"] for step in steps(found["way"], "switch")] == ["kuryr-1", "kuryr-4"]


# --- measured, cut, shown ---------------------------------------------------------------------------------------------


def test_how_packets_are_carried_and_a_second_network_is_measured_and_nothing_is_left(tmp_path: Path) -> None:
    kinds = ("networks", "subnets", "subnetpools", "ports")
    before = {kind: sorted(one["id"] for one in neutron(kind)[kind]) for kind in kinds}
    report = tmp_path / "measured.json"
    LAB.play("measure.yml", "cni=kuryr", "runs=1", "seconds=1", "echoes=4", f"measure_json={report}")
    found = json.loads(report.read_text())
    carried = {"by": "VXLAN UDP 4789", "overhead": 50, "readable": True}
    assert [(peer["to"], peer["wire"]) for peer in found["peers"]] == [("kuryr-2", carried), ("kuryr-4", carried)]
    assert (found["isolation"], found["names"]) == ({"isolated": True, "problem": ""}, True)
    assert {kind: sorted(one["id"] for one in neutron(kind)[kind]) for kind in kinds} == before


def test_a_host_is_cut_at_its_card_and_status_says_so(tmp_path: Path) -> None:
    LAB.play("impair.yml", "on=kuryr-4", "cut=true")
    try:
        assert not reaches("kuryr-1", container("kuryr-1"), ADDRESSES["kuryr-4"])
        report = tmp_path / "status.json"
        LAB.play("status.yml", f"status_json={report}")
        found = json.loads(report.read_text())
    finally:
        LAB.play("impair.yml", "on=kuryr-4", "heal=true")
    impaired = {each["device"]: each["impairment"] for each in found["impaired"]}
    assert impaired == {"kuryr-4:eth0": "cut", "underlay-kuryr:kuryr-4-eth0": "cut"}
    running = {unit for unit, state in found["hosts"]["kuryr-1"]["services"].items() if state == "active"}
    wanted = {"neutron-server.service", "mariadb.service", "rabbitmq-server.service", "ovs-vswitchd.service"}
    assert {*wanted, "neutron-openvswitch-agent.service", "kuryr-libnetwork.service"} <= running
    await_condition(lambda: reaches("kuryr-1", container("kuryr-1"), ADDRESSES["kuryr-4"]), 60)
