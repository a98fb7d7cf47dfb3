# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of Open vSwitch's trace, as they were recorded on the hosts of the lab kuryr, read as values."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.switch_trace import (
    OuterHeaders,
    Output,
    SwitchTrace,
    decode_trace,
    split_actions,
)
from tests.support.recorded_topologies import RECORDED

TRACES = dict(
    part.split("\n", 1) for part in (RECORDED / "open_vswitch_traces.txt").read_text().split("##### ") if part
)


def trace(name: str) -> SwitchTrace:
    return decode_trace(TRACES[name].splitlines())


def outer(destination: str, mac: str) -> OuterHeaders:
    return OuterHeaders("192.168.1.68", destination, 92, 4789, 64, "02:66:8f:d8:78:5a", mac)


def met(name: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(flow.bridge, flow.line, flow.remarks) for flow in trace(name).flows]


def test_flows_of_all_bridges_and_the_outer_packet_of_a_tunnel():
    assert met("into a tunnel") == [
        ("br-int", 'table=0, priority=9,in_port="qvo10220bad-ab" actions=goto_table:25', ()),
        ("br-int", 'table=25, priority=2,in_port="qvo10220bad-ab",dl_src=02:42:69:0b:1f:7e actions=goto_table:30', ()),
        ("br-int", "table=30, priority=0 actions=goto_table:58", ()),
        ("br-int", "table=58, priority=0 actions=goto_table:59", ()),
        ("br-int", "table=59, priority=0 actions=goto_table:60", ()),
        ("br-int", "table=60, priority=1 actions=NORMAL", ("forwarding to learned port",)),
        ("br-tun", 'table=0, priority=1,in_port="patch-int" actions=goto_table:2', ()),
        ("br-tun", "table=2, priority=0,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00 actions=goto_table:20", ()),
        (
            "br-tun",
            "table=20, priority=1,vlan_tci=0x0001/0x0fff,dl_dst=02:42:fc:ee:4b:ec "
            'actions=load:0->NXM_OF_VLAN_TCI[],load:0x5c->NXM_NX_TUN_ID[],output:"vxlan-c0a801fe"',
            ("tunneling to 192.168.1.254 via br-phy",),
        ),
        ("br-phy", "table=0, priority=0 actions=NORMAL", ("forwarding to learned port",)),
    ]
    assert trace("into a tunnel").outputs == (Output("eth0", outer("192.168.1.254", "02:37:d2:8b:c4:a6")),)


def test_copies_leave_by_all_tunnels_each_with_its_outer_packet():
    """The flow of br-tun goes on behind what stands further to the right, of the bridge that sends the copies."""
    found = trace("flooded")
    assert found.outputs == (
        Output("3", changes=("push_vlan(vid=1,pcp=0)",)),
        Output("1", outer("192.168.0.33", "02:82:5a:44:e2:63")),
        Output("1", outer("192.168.1.254", "02:37:d2:8b:c4:a6")),
        Output("1", outer("192.168.1.245", "02:15:08:25:c5:03")),
    )
    flooding = found.flows[-4]
    assert (flooding.bridge, flooding.line) == (
        "br-tun",
        "table=22, priority=1,dl_vlan=1 actions=pop_vlan,set_field:0x5c->tun_id,output:2,output:3,output:4",
    )
    assert [flow.bridge for flow in found.flows[-3:]] == ["br-phy"] * 3


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("another MAC address than its own", "table=25, no flow for it"),
        ("a VNI that it does not know", "table=4, priority=0 actions=drop"),
        ("a flow that drops it", "table=0, priority=200,icmp,nw_dst=10.88.0.12 actions=drop"),
    ],
)
def test_what_is_dropped_has_no_output_and_the_flow_is_the_last_one(name, last):
    found = trace(name)
    assert (found.outputs, found.taken_out_by) == ((), "")
    assert found.flows[-1].line == last


def test_behind_connection_tracking_it_goes_on_in_the_bridge_that_asked():
    """As a security group of Kuryr drops it in Open vSwitch; the heading has the bridge that was asked first."""
    found = trace("connection tracking")
    assert (found.outputs, found.taken_out_by) == ((), "")
    assert [(flow.bridge, flow.line, flow.remarks) for flow in found.flows[-3:]] == [
        (
            "br-int",
            "table=81, priority=90,ct_state=-trk,ip,reg5=0x4 actions=ct(table=82,zone=NXM_NX_REG6[0..15]),drop",
            (),
        ),
        ("br-int", "table=82, priority=40,ct_state=-est,reg5=0x4 actions=resubmit(,93)", ()),
        ("br-int", "table=93, priority=0 actions=drop", ()),
    ]
    assert [flow.bridge for flow in found.flows[:3]] == ["br-tun"] * 3


def test_the_outer_packet_is_taken_out_where_its_address_is():
    found = trace("the outer packet")
    assert (found.outputs, found.taken_out_by) == ((), "5")


def test_out_of_a_tunnel_to_a_port():
    found = trace("out of a tunnel")
    assert found.outputs == (Output("6"),)
    assert [flow.line for flow in found.flows if flow.bridge == "br-tun"] == [
        "table=0, priority=1,in_port=3 actions=goto_table:4",
        "table=4, priority=1,tun_id=0x5c actions=push_vlan:0x8100,set_field:4097->vlan_vid,goto_table:10",
        "table=10, priority=1 actions=learn(…),output:1",
    ]


@pytest.mark.parametrize(
    ("actions", "expected"),
    [  # ovs-actions(7) and the datapath's own words, as of a kernel with Open vSwitch
        (
            "set(tunnel(tun_id=0x3e5,src=192.168.1.68,dst=192.168.1.254,ttl=64,tp_dst=4789,flags(df|key))),vxlan_sys_4789",
            Output("vxlan_sys_4789", OuterHeaders("192.168.1.68", "192.168.1.254", 0x3E5, 4789, 64)),
        ),
        ('push_vlan(vid=7,pcp=0),"eth-1"', Output("eth-1", changes=("push_vlan(vid=7,pcp=0)",))),
        ("ct(commit,zone=1),recirc(0x2),qvo1", Output("qvo1")),
    ],
)
def test_other_actions_of_the_datapath(actions, expected):
    assert decode_trace([f"Datapath actions: {actions}"]).outputs == (expected,)


def test_actions_are_split_between_their_brackets():
    assert split_actions("clone(a(1,2),b),3, drop") == ["clone(a(1,2),b)", "3", " drop"]
    assert decode_trace(["nothing of all that", "    drop"]) == SwitchTrace(())
