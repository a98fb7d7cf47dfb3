# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups as flows of br-int, with the connections that the kernel's conntrack keeps for Open vSwitch."""

from __future__ import annotations

import re

import pytest

from tests.support.kuryr_view import (
    ADDRESSES,
    GUARDED,
    GUARDED_HOST,
    HOSTS,
    container,
    hears_nothing,
    port,
    reaches,
)
from tests.support.lab_host import eventually


def plugged(name: str) -> str:
    return f"tap{port(ADDRESSES[name])['id'][:11]}"


@pytest.mark.parametrize("name", HOSTS)
def test_a_containers_device_is_a_port_of_br_int_without_a_bridge_of_its_own(name: str) -> None:
    assert plugged(name) in HOSTS[name].lines("ovs-vsctl list-ports br-int")
    assert HOSTS[name].lines("ls /sys/class/net | grep -E '^(qbr|qvb|qvo)' || true") == []


@pytest.mark.parametrize("name", HOSTS)
def test_rules_are_flows_of_br_int_and_not_of_iptables(name: str) -> None:
    assert HOSTS[name].lines("iptables -S | grep -e '-N neutron-openvswi-[io]' || true") == []
    flows = HOSTS[name].output("ovs-ofctl dump-flows br-int")
    assert f"nw_src={ADDRESSES[name]}" in flows, "no other address leaves it"
    tag = HOSTS[name].output(f"ovs-vsctl get Port {plugged(name)} tag").strip()
    assert f"reg_net={int(tag):#x}" in flows or f"reg6={int(tag):#x}" in flows
    for kept in (r"ct_state=\+est-rel\+rpl", r"ct_state=\+new-est", r"ct\(commit,zone=NXM_NX_REG6\[0\.\.15\]\)"):
        assert re.search(kept, flows), (kept, flows)


def test_a_container_does_not_hear_what_its_neighbour_sends_to_another_host() -> None:
    other = next(name for name in HOSTS if name != GUARDED_HOST)
    assert hears_nothing(GUARDED_HOST, "guarded", container(GUARDED_HOST), ADDRESSES[other])


def test_the_kernel_keeps_connections_in_the_networks_zone() -> None:
    """A ping, as conntrack and the datapath's flows have it; the zone is the VLAN that the network has on the host."""
    host, source = HOSTS[GUARDED_HOST], ADDRESSES[GUARDED_HOST]
    zone = int(host.output(f"ovs-vsctl get Port {plugged(GUARDED_HOST)} tag"))

    def kept() -> list[str]:
        reaches(GUARDED_HOST, container(GUARDED_HOST), GUARDED)
        entries = host.output("ovs-dpctl dump-conntrack system@ovs-system").splitlines()
        return [one for one in entries if one.startswith(f"icmp,orig=(src={source},dst={GUARDED},")]

    assert f"zone={zone}" in eventually(kept, 60)[0].replace(")", ",").split(",")
    flows = host.output("ovs-dpctl --names dump-flows system@ovs-system")
    assert f"ct(zone={zone})" in flows
    assert f"ct(commit,zone={zone}" in flows
