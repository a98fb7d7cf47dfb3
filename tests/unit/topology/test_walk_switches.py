# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk through Open vSwitch, as it was recorded on two hosts of the lab kuryr: questions, answers, what was seen."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.filter.walk import (
    open_vswitch_answers,
    topology_walk,
    topology_walk_report,
)
from ansible_collections.container_network.lab.plugins.module_utils.topology.joined import Topology
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.seen import observations_of
from tests.support.recorded_topologies import RECORDED

FACTS = json.loads((RECORDED / "kuryr_walk.json").read_text())
WALK = {name: FACTS[name] for name in ("source", "destination", "routers")}
DROPPING = ["Flow: …", "", 'bridge("br-int")', "-" * 16, " 0. icmp, priority 200, cookie 0x77", "    drop", "",
            "Final flow: unchanged", "Megaflow: …", "Datapath actions: drop"]  # fmt: skip


def report(answers: list[dict[str, Any]], seen: bool = True) -> dict[str, Any]:
    proof = {"collected": FACTS["collected"], "sent": FACTS["sent"]} if seen else {}
    return topology_walk_report(FACTS["hosts"], **WALK, answers=answers, **proof)


def changed(number: int, **values: Any) -> list[dict[str, Any]]:
    """The answers up to one of them, which is another one."""
    answers = copy.deepcopy(FACTS["answers"][: number + 1])
    answers[number].update(values)
    return answers


def steps(way: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [step for step in way["steps"] if step["kind"] == kind]


def test_each_answer_leads_to_the_next_question():
    answers: list[dict[str, Any]] = []
    for told in FACTS["answers"]:
        asked = topology_walk(FACTS["hosts"], **WALK, answers=answers)["questions"]
        assert asked == {told["host"]: [{name: told[name] for name in ("bridge", "flow", "state")}]}
        results = {told["host"]: {"answers": [{k: v for k, v in told.items() if k != "host"}]}, "other": {}}
        answers = open_vswitch_answers(results, asked, answers)
    assert [each["bridge"] for each in answers] == ["br-int", "br-phy", "br-tun"] * 2
    assert [each["state"] for each in answers] == ["new", "new", "new", "established", "new", "established"]
    assert answers[0]["flow"] == (
        "in_port=qvodc456f56-83,icmp,dl_src=02:42:c7:3a:af:4b,dl_dst=02:42:2d:a6:3d:8a,"
        "nw_src=10.88.0.11,nw_dst=10.88.0.12,nw_ttl=64,icmp_type=8,icmp_code=0"
    )
    assert answers[2]["flow"].startswith(
        "in_port=vxlan-c0a80144,tun_id=0xac,tun_src=192.168.1.68,tun_dst=192.168.1.254,icmp,"
    )
    assert topology_walk(FACTS["hosts"], **WALK, answers=answers)["questions"] == {}


def test_what_was_seen_is_as_open_vswitch_says():
    document = report(FACTS["answers"])["document"]
    assert (document["agrees"], document["answered"], document["elsewhere"]) == (True, True, [])
    kinds = [step["kind"] for step in document["way"]["steps"]]
    assert kinds == ["send", "bridge", "switch", "encapsulate", "bridge", "decapsulate", "switch", "bridge", "deliver"]
    out, inner = steps(document["way"], "switch")
    assert [reason["what"] for reason in out["reasons"]] == ["flow br-int"] * 6 + ["flow br-tun"] * 3 + ["flow br-phy"]
    assert out["reasons"][8]["line"] == (
        "table=20, priority=1,vlan_tci=0x0001/0x0fff,dl_dst=02:42:2d:a6:3d:8a "
        'actions=load:0->NXM_OF_VLAN_TCI[],load:0xac->NXM_NX_TUN_ID[],output:"vxlan-c0a801fe" '
        "(tunneling to 192.168.1.254 via br-phy)"
    )
    assert "It goes through br-int, br-tun and br-phy." in out["says"]
    (tunnel,) = steps(document["way"], "encapsulate")
    assert [sight["on"] for sight in tunnel["passes"]] == ["kuryr-1:eth0", "underlay-kuryr:kuryr-1-eth0"]
    assert tunnel["passes"][0]["headers"][1:4] == [
        {"name": "IPv4", "from": "192.168.1.68", "to": "192.168.1.254", "ttl": "64"},
        {"name": "UDP", "port": "4789"},
        {"name": "VXLAN", "vni": "172"},
    ]
    assert [sight["on"] for sight in inner["passes"]] == ["kuryr-2:qvo0a3a3d3b-ec", "kuryr-2:qvb0a3a3d3b-ec"]


def test_flows_are_in_the_text_and_on_the_page():
    found = report(FACTS["answers"])
    assert "flow br-tun       table=4, priority=1,tun_id=0xac" in found["text"]
    assert "vxlan-c0a801fe puts it into UDP, with the VNI 172, for 192.168.1.254." in found["html"]
    assert "table=4, priority=1,tun_id=0xac" in found["html"]


def test_a_flow_that_drops_it_is_named():
    found = report(changed(0, lines=DROPPING), seen=False)
    assert found["outcome"] == "dropped"
    said = "br-int of kuryr-1 drops it by the flow: table=0, priority=200,icmp actions=drop"
    assert found["document"]["way"]["because"] == said
    assert said in found["summary"]
    assert steps(found["document"]["way"], "drop")[0]["reasons"] == [
        {"what": "flow br-int", "line": "table=0, priority=200,icmp actions=drop"}
    ]


def test_what_is_seen_otherwise_than_open_vswitch_says_is_told():
    found = report(changed(0, lines=DROPPING))
    assert not found["document"]["agrees"]
    assert found["document"]["way"]["says"].startswith("It goes on where no way was computed: seen on kuryr-1:eth0")


def test_the_kernels_own_copy_of_what_open_vswitch_takes_is_no_loss():
    """In user space it takes frames from the card, and a rule keeps the kernel from answering them, too."""
    dropped = "iptables -t raw -A PREROUTING -i eth0 -j DROP"
    assert any(dropped in line for lines in FACTS["collected"]["kuryr-2"]["traces"].values() for line in lines)
    topology = Topology.from_results(FACTS["hosts"], FACTS["routers"])
    met = observations_of(topology, FACTS["collected"], FACTS["sent"]).met
    assert [each for each in met if each.drops] == []
    assert met != ()


@pytest.mark.parametrize(("version", "counters"), [(4, ["Ip.InAddrErrors"]), (6, ["Ip.InAddrErrors", "Ip6InNoRoutes"])])
def test_what_ipv6_lost_by_itself_is_no_hint_on_an_ipv4_packet(version: int, counters: list[str]):
    """A link that has just come up has router solicitations and reports of groups of its own."""
    topology = Topology.from_results(FACTS["hosts"], FACTS["routers"])
    collected = {"kuryr-1": {"counters": {"net:[1]": {"Ip.InAddrErrors": 1, "Ip6InNoRoutes": 2}}}}
    (hints,) = observations_of(topology, collected, FACTS["sent"], version=version).hints.values()
    assert [hint.rpartition("(")[2].rstrip(")") for hint in hints] == counters


def test_the_outer_packet_is_compared_with_the_one_that_is_seen():
    lines = [line.replace("vni=0xac", "vni=0xad") for line in FACTS["answers"][0]["lines"]]
    (tunnel,) = steps(report(changed(0, lines=lines))["document"]["way"], "encapsulate")
    assert tunnel["passes"][0]["differences"] == ["VXLAN vni: computed 173, seen 172"]


def test_an_open_vswitch_that_does_not_answer_is_said_and_the_way_goes_on():
    found = report(changed(0, lines=[], problem="ovs-appctl is not installed on kuryr-1."), seen=False)
    (step,) = steps(found["document"]["way"], "switch")
    assert step["doubts"][0] == "ovs-appctl is not installed on kuryr-1."
    assert "kuryr-2/busybox-kuryr-2:eth0 has 02:42:2d:a6:3d:8a" in step["says"]


def test_a_hosts_own_packets_come_to_the_bridge_that_has_its_address():
    answers: list[dict[str, Any]] = []
    walk = {"source": "kuryr-1", "destination": "192.168.1.254", "routers": FACTS["routers"]}
    for output in ("eth0", "br-phy", "eth0", "br-phy"):  # out by the card, and up to the host
        ((host, (question,)),) = topology_walk(FACTS["hosts"], **walk, answers=answers)["questions"].items()
        answers.append({**question, "host": host, "lines": [f"Datapath actions: {output}"], "problem": ""})
    assert [(each["host"], each["bridge"], each["flow"].split(",")[0]) for each in answers] == [
        (host, "br-phy", f"in_port={port}")
        for host, port in (("kuryr-1", "br-phy"), ("kuryr-2", "eth0"), ("kuryr-2", "br-phy"), ("kuryr-1", "eth0"))
    ]
    found = topology_walk_report(FACTS["hosts"], **walk, answers=answers)["document"]
    assert (found["way"]["end"], found["back"]["end"]) == ("delivered", "delivered")
    passed = [sight["on"] for step in found["way"]["steps"] for sight in step["passes"]]
    assert passed == [
        "kuryr-1:br-phy", "kuryr-1:eth0", "underlay-kuryr:kuryr-1-eth0", "underlay-kuryr:kuryr-2-eth0",
        "kuryr-2:eth0", "kuryr-2:br-phy",
    ]  # fmt: skip


def with_kernel_datapath() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same with Open vSwitch in the kernel: the card has its address, and the host's routes the outer packet."""
    text = json.dumps(FACTS["hosts"])
    text = text.replace("dev br-phy", "dev eth0").replace("-i eth0 -j DROP", "-i eth7 -j DROP")
    hosts = json.loads(text)
    for host in hosts.values():
        (own,) = [each for each in host["topology"]["namespaces"] if each["name"] == "host"]
        devices = {device["name"]: device for device in own["devices"]}
        devices["eth0"]["addresses"] = devices["br-phy"]["addresses"]
        own["devices"] = [device for name, device in devices.items() if name != "br-phy"]
        tables = own["tables"]
        tables["switch_ports"] = [line for line in tables["switch_ports"] if not line.startswith("br-phy ")]
    answers = [copy.deepcopy(each) for each in FACTS["answers"] if each["bridge"] != "br-phy"]
    for answer in answers:
        answer["lines"] = [NATIVE.sub(IN_KERNEL, line) for line in answer["lines"]]
    return hosts, answers


NATIVE = re.compile(r"Datapath actions: tnl_push\(.*ipv4\(src=(\S+?),dst=(\S+?),.*vni=(0x\w+)\).*")
IN_KERNEL = r"Datapath actions: set(tunnel(tun_id=\3,src=\1,dst=\2,ttl=64,tp_dst=4789,flags(df|key))),vxlan_sys_4789"


def test_in_the_kernel_the_hosts_routes_lead_the_outer_packet_and_the_host_takes_it_out():
    hosts, answers = with_kernel_datapath()
    assert topology_walk(hosts, **WALK, answers=answers)["questions"] == {}
    found = topology_walk_report(hosts, **WALK, answers=answers)["document"]
    assert (found["way"]["end"], found["back"]["end"]) == ("delivered", "delivered")
    kinds = [step["kind"] for step in found["way"]["steps"]]
    assert kinds == ["send", "bridge", "switch", "encapsulate", "bridge", "decapsulate", "switch", "bridge", "deliver"]
    (tunnel,) = steps(found["way"], "encapsulate")
    assert [reason["what"] for reason in tunnel["reasons"] if reason["what"] in ("route", "neighbour")] == [
        "route",
        "neighbour",
    ]
    assert [
        (header["from"], header["to"]) for header in tunnel["passes"][0]["headers"] if header["name"] == "IPv4"
    ] == [
        ("192.168.1.68", "192.168.1.254"),
        ("10.88.0.11", "10.88.0.12"),
    ]


def test_a_tunnel_of_another_kind_is_not_guessed():
    hosts = json.loads(json.dumps(FACTS["hosts"]).replace(" type vxlan ", " type gre "))
    found = topology_walk_report(hosts, **WALK, answers=FACTS["answers"][:1])["document"]["way"]
    assert (found["end"], found["because"]) == (
        "unknown",
        "vxlan-c0a801fe is no tunnel of VXLAN, and what others do is not computed",
    )


def test_a_host_that_cannot_be_asked_is_an_answer_too():
    questions = topology_walk(FACTS["hosts"], **WALK)["questions"]
    (answer,) = open_vswitch_answers({"kuryr-1": {"failed": True, "msg": "no\nat all"}}, questions)
    assert (answer["host"], answer["lines"]) == ("kuryr-1", [])
    assert answer["problem"] == "Open vSwitch of kuryr-1 was not asked: no"
    assert report([answer], seen=False)["document"]["way"]["end"] == "delivered"


def test_a_way_that_was_not_asked_for_ends_there_and_says_so():
    found = report([], seen=False)
    assert found["outcome"] == "unknown"
    assert found["document"]["way"]["because"] == "Open vSwitch of kuryr-1 has not been asked what becomes of it"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"protocol": "tcp", "port": 80}, "tcp,dl_src=02:42:c7:3a:af:4b,dl_dst=02:42:2d:a6:3d:8a,nw_src=10.88.0.11,"
         "nw_dst=10.88.0.12,nw_ttl=64,tcp_dst=80,tcp_flags=0x002"),
        ({"protocol": "udp", "port": 53}, "udp,dl_src=02:42:c7:3a:af:4b,dl_dst=02:42:2d:a6:3d:8a,nw_src=10.88.0.11,"
         "nw_dst=10.88.0.12,nw_ttl=64,udp_dst=53"),
    ],
)  # fmt: skip
def test_packets_with_ports_are_asked_for_with_them(kind, words):
    (question,) = topology_walk(FACTS["hosts"], **WALK, **kind)["questions"]["kuryr-1"]
    assert question["flow"] == f"in_port=qvodc456f56-83,{words}"
