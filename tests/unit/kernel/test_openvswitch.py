# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to Open vSwitch as bytes: its kernel module is not everywhere where the tests run."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.kernel.openvswitch import NETDEV, VXLAN, request
from ansible_collections.container_network.lab.plugins.module_utils.kernel.writer import packed

NEW, DELETE = "01", "02"


def test_a_new_datapath() -> None:
    message = request("ovs_datapath", 1, 0, {"NAME": "datapath", "UPCALL_PID": 0})
    header = NEW + "020000" + "00000000"  # version 2, no interface index
    assert packed(message).hex() == header + "0d0001006461746170617468000000000800020000000000"


def test_a_datapath_to_remove() -> None:
    message = request("ovs_datapath", 2, 0, {"NAME": "datapath"})
    assert packed(message).hex() == DELETE + "020000" + "00000000" + "0d000100646174617061746800000000"


def test_ports() -> None:
    numbers = {"PORT_NO": 2, "TYPE": VXLAN, "NAME": "vxlan-6784", "UPCALL_PID": 0}
    header = NEW + "010000" + "07000000"  # version 1, interface index 7
    tunnel = request("ovs_vport", 1, 7, {**numbers, "OPTIONS": {"attrs": [("OVS_TUNNEL_ATTR_DST_PORT", 6784)]}})
    number_type_name = "0800010002000000" + "0800020004000000" + "0f00030076786c616e2d363738340000"
    assert packed(tunnel).hex() == header + number_type_name + "0800050000000000" + "0c00040006000100801a0000"
    device = request("ovs_vport", 1, 7, {**numbers, "TYPE": NETDEV})
    assert packed(device).hex() == header + number_type_name.replace("20004", "20001") + "0800050000000000"
