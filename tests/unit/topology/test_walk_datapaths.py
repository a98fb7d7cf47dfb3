# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way through the kernel's Open vSwitch datapath, by the flows that Weave has there.

The lab's kernel has no such datapath. So a recorded lab is given one, with the flows that Weave would write on its
hosts, as bytes of netlink that are read as the kernel's answer is.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.datapath_flows import flow_line
from ansible_collections.container_network.lab.plugins.module_utils.kernel.openvswitch import Flow
from ansible_collections.container_network.lab.plugins.module_utils.kernel.rtnetlink import attribute, attributes
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.compute import compute_walk
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.request import Request
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.steps import DELIVERED, DROPPED, Walk
from ansible_collections.container_network.lab.plugins.module_utils.weave.dataplane import DesiredHost, flows
from ansible_collections.container_network.lab.plugins.module_utils.weave.peers import Peer
from tests.support.recorded_topologies import recorded

PORTS = {0: "datapath", 1: "vethwe-datapath", 2: "vxlan-6784"}
ONE = Peer("node-1", "d2:93:9d:07:70:4b", "192.168.1.68", 0x541)
THREE = Peer("node-3", "06:54:10:7c:2e:bc", "192.168.1.245", 0x70C)
FOUR = Peer("node-4", "ce:9b:5d:5b:4f:62", "192.168.0.33", 0x571)
OF_ONE = {"4e:8e:86:83:f6:a2": ONE, ONE.name: ONE}
OF_THREE = {"12:67:6d:bc:49:20": THREE, "82:88:5b:43:c8:9b": THREE, THREE.name: THREE}
HOSTS = {
    "node-1": DesiredHost(ONE, (THREE, FOUR), OF_THREE),
    "node-3": DesiredHost(THREE, (ONE, FOUR), OF_ONE),
}

Lines = dict[str, list[str]]


def line_of(flow: Flow) -> str:
    return flow_line(attributes(b"".join(flow.attributes()), 0), PORTS)


def lines() -> Lines:
    """The flows of both hosts."""
    return {name: [f"datapath {line_of(flow)}" for flow in flows(host)] for name, host in HOSTS.items()}


def with_datapaths(of_hosts: Lines) -> Callable[[str], str]:
    """The recorded lab, with datapaths in place of bridges."""

    def change(text: str) -> str:
        found = json.loads(text)
        for name, flow_lines in of_hosts.items():
            (host,) = [each for each in found["hosts"][name]["topology"]["namespaces"] if each["name"] == "host"]
            host["tables"]["datapath_flows"] = flow_lines
            for device in host["devices"]:
                if device["name"] == "datapath":
                    device["kind"] = "openvswitch"
                if device["name"] == "vxlan-6784":
                    device["tunnel"] = "vxlan dstport 6784"  # each packet is told its VNI
        return json.dumps(found)

    return change


def walk(of_hosts: Lines | None = None) -> Walk:
    topology = recorded("weave", with_datapaths(lines() if of_hosts is None else of_hosts))
    found = compute_walk(topology, Request("busybox-node-1", "node-3/plain-node-3"), [])
    assert found is not None
    return found


def test_flows_are_written_as_ovs_dpctl_does():
    assert [line_of(flow) for flow in flows(HOSTS["node-1"])] == [
        "in_port(vethwe-datapath),eth(dst=01:00:00:00:00:00/01:00:00:00:00:00), actions:"
        "set(tunnel(tun_id=0x70c541,src=192.168.1.68,dst=192.168.1.245,ttl=64)),vxlan-6784,"
        "set(tunnel(tun_id=0x571541,src=192.168.1.68,dst=192.168.0.33,ttl=64)),vxlan-6784",
        *(
            f"in_port(vethwe-datapath),eth(dst={mac}), actions:"
            "set(tunnel(tun_id=0x70c541,src=192.168.1.68,dst=192.168.1.245,ttl=64)),vxlan-6784"
            for mac in sorted(OF_THREE)
        ),
        "tunnel(tun_id=0x54170c,src=192.168.1.245,dst=192.168.1.68),in_port(vxlan-6784), actions:vethwe-datapath",
        "tunnel(tun_id=0x541571,src=192.168.0.33,dst=192.168.1.68),in_port(vxlan-6784), actions:vethwe-datapath",
    ]


def test_what_is_asked_besides_is_written_and_what_is_always_so_is_not():
    flow = attributes(b"".join(flows(HOSTS["node-1"])[1].attributes()), 0)
    recirculation, ether_type = attribute(20, bytes(4)), attribute(6, b"\x08\x00")
    flow[1] += recirculation + ether_type
    flow[7] += attribute(20, b"\xff" * 4) + attribute(6, b"\xff" * 2)
    asked, _colon, _actions = flow_line(flow, PORTS).partition(", actions:")
    assert asked == "in_port(vethwe-datapath),eth(dst=06:54:10:7c:2e:bc),field6(0800)"
    flow[2] = b""
    assert flow_line(flow, {}).endswith("actions:drop")
    assert flow_line(flow, {}).startswith("in_port(1),")


def test_a_frame_goes_by_the_flow_for_its_address_and_its_tunnel():
    found = walk()
    assert (found.way.end, found.back and found.back.end) == (DELIVERED, DELIVERED)
    assert [step.kind for step in found.way.steps] == [
        "send", "bridge", "bridge", "encapsulate", "bridge", "decapsulate", "bridge", "bridge", "deliver",
    ]  # fmt: skip
    met = [reason.line for step in found.way.steps for reason in step.reasons if reason.what == "flow datapath"]
    assert met == [
        "in_port(vethwe-datapath),eth(dst=82:88:5b:43:c8:9b), actions:"
        "set(tunnel(tun_id=0x70c541,src=192.168.1.68,dst=192.168.1.245,ttl=64)),vxlan-6784",
        "tunnel(tun_id=0x70c541,src=192.168.1.68,dst=192.168.1.245),in_port(vxlan-6784), actions:vethwe-datapath",
    ]
    (outer,) = [
        sight for sight in found.way.sights if (sight.label, sight.outgoing) == ("node-1:eth0", True)
    ]  # fmt: skip
    said = [f"{header.name} {header.describe()}" for header in outer.headers]
    assert said[1:4] == ["IPv4 192.168.1.68 > 192.168.1.245 ttl 64", "UDP port 6784", "VXLAN vni 7390529"]
    passed = [sight.label for sight in found.way.sights]
    assert [label for label in passed if "vxlan-6784" in label] == ["node-1:vxlan-6784", "node-3:vxlan-6784"]
    assert [doubt for step in found.way.steps for doubt in step.doubts] == []


@pytest.mark.parametrize(
    ("host", "without", "because"),
    [
        ("node-1", "dst=82:88", "datapath of node-1 has no flow for 82:88:5b:43:c8:9b from vethwe-datapath"),
        ("node-3", "tun_id=0x70c541", "datapath of node-3 has no flow for 82:88:5b:43:c8:9b from vxlan-6784"),
    ],
)
def test_a_flow_that_is_missing_is_where_it_ends(host, without, because):
    found = walk({**lines(), host: [line for line in lines()[host] if without not in line]})
    assert (found.way.end, found.way.because) == (DROPPED, because)


def test_a_flow_that_drops_is_named():
    changed = [line.partition("actions:")[0] + "actions:drop" for line in lines()["node-1"]]
    found = walk({**lines(), "node-1": changed})
    assert found.way.end == DROPPED
    assert found.way.because == (
        "datapath of node-1 drops it by the flow: in_port(vethwe-datapath),eth(dst=82:88:5b:43:c8:9b), actions:drop"
    )


def test_what_a_flow_asks_or_does_besides_is_not_guessed():
    changed = [line.replace(", actions:", ",field6(0800), actions:") for line in lines()["node-1"]]
    found = walk({**lines(), "node-1": changed})
    assert found.way.end == DELIVERED
    doubts = [doubt for step in found.way.steps for doubt in step.doubts]
    assert doubts[0] == "what field6 of the flow does cannot be told from here"
