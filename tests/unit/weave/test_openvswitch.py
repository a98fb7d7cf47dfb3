# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows of the kernel's Open vSwitch datapath, byte for byte (linux/openvswitch.h)."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.addresses import packed_mac
from ansible_collections.container_network.lab.plugins.module_utils.kernel.openvswitch import Flow, Tunnel, output
from ansible_collections.container_network.lab.plugins.module_utils.weave.dataplane import DesiredHost, flows
from ansible_collections.container_network.lab.plugins.module_utils.weave.peers import Peer

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are those of a little-endian machine")

H1 = Peer("h1", "7a:00:00:00:00:01", "192.168.1.68", 0x541)
H2 = Peer("h2", "7a:00:00:00:00:02", "192.168.1.254", 0x571)
H3 = Peer("h3", "7a:00:00:00:00:03", "192.168.1.245", 0x70C)
CONTAINER = "ca:bd:7a:5c:78:89"
H1_TO_H2 = (
    "0c00 0000 0000000000571541"  # tunnel id 0x571541, big-endian
    "0800 0100 c0a80144"  # from 192.168.1.68
    "0800 0200 c0a801fe"  # to 192.168.1.254
)


def hexadecimal(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


def test_output():
    assert output(2) == hexadecimal("0800 0100 02000000")


def test_the_action_that_encapsulates():
    """set(tunnel(tun_id=0x571541,src=192.168.1.68,dst=192.168.1.254,ttl=64,flags(df|key)))"""
    tunnel = H1_TO_H2 + "0500 0400 40000000" + "0400 0500"  # TTL 64, do not fragment
    assert Tunnel(0x571541, "192.168.1.68", "192.168.1.254").action() == hexadecimal("3000 0300 2c00 1000" + tunnel)


def test_a_flow_out():
    """in_port(vethwe-datapath),eth(dst=ca:bd:7a:5c:78:89)"""
    flow = Flow(1, packed_mac(CONTAINER), b"\xff" * 6, None, (output(2),))
    assert flow.key() == hexadecimal("0800 0300 01000000" + "1000 0400 000000000000 cabd7a5c7889")
    assert flow.mask() == hexadecimal("0800 0300 ffffffff" + "1000 0400 000000000000 ffffffffffff")
    assert [attribute[2:4].hex() for attribute in flow.attributes()] == ["0100", "0900", "0700", "0200"]


def test_a_flow_in():
    """tunnel(tun_id=0x571541,src=192.168.1.68,dst=192.168.1.254,ttl=0/0),in_port(vxlan-6784)"""
    flow = Flow(2, bytes(6), bytes(6), Tunnel(0x571541, "192.168.1.68", "192.168.1.254"), (output(1),))
    assert flow.key() == hexadecimal(
        "2800 1000" + H1_TO_H2 + "0500 0400 00000000" + "0800 0300 02000000" + "1000 0400" + 24 * "0"
    )
    assert flow.mask() == hexadecimal(
        "2800 1000 0c00 0000 ffffffffffffffff 0800 0100 ffffffff 0800 0200 ffffffff 0500 0400 00000000"
        "0800 0300 ffffffff" + "1000 0400" + 24 * "0"
    )


def test_a_flow_that_changes_is_another_one():
    flow = Flow(1, packed_mac(CONTAINER), b"\xff" * 6, None, (output(2),))
    same = Flow(1, packed_mac(CONTAINER), b"\xff" * 6, None, (output(2),))
    moved = Flow(1, packed_mac(CONTAINER), b"\xff" * 6, None, (output(3),))
    assert flow.identifier() == same.identifier() != moved.identifier()
    assert len(flow.identifier()) == 16


def test_flows_of_a_host():
    desired = DesiredHost(H1, (H2, H3), {CONTAINER: H2, H2.name: H2, H3.name: H3})
    to_h2 = Tunnel(0x571541, H1.address, H2.address).action()
    to_h3 = Tunnel(0x70C541, H1.address, H3.address).action()
    to_all, *known, from_h2, from_h3 = flows(desired)
    assert to_all.destination_mask == bytes.fromhex("010000000000")
    assert to_all.actions == (to_h2, output(2), to_h3, output(2))
    assert {flow.destination: flow.actions for flow in known} == {
        packed_mac(CONTAINER): (to_h2, output(2)),
        packed_mac(H2.name): (to_h2, output(2)),
        packed_mac(H3.name): (to_h3, output(2)),
    }
    assert from_h2.tunnel == Tunnel(0x541571, H2.address, H1.address)
    assert from_h3.tunnel == Tunnel(0x54170C, H3.address, H1.address)
    assert from_h2.actions == from_h3.actions == (output(1),)


def test_a_peer_alone_has_no_flows():
    assert flows(DesiredHost(H1, (), {})) == []
