# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented picture, in which each port has a bridge of its own, where iptables sees what enters and leaves.

A scenario on virtual machines runs these tests, too.
"""

from __future__ import annotations

import pytest

from tests.support.kuryr_view import ADDRESSES, HOSTS, container, port

MTU = 8951


@pytest.mark.parametrize("name", HOSTS)
def test_a_containers_card_is_on_a_bridge_of_its_own(name: str) -> None:
    short = port(ADDRESSES[name])["id"][:11]
    (tap,) = HOSTS[name].lines(f"ip -o link show dev tap{short}")
    assert f"mtu {MTU} qdisc noqueue master qbr{short} state UP" in tap
    (line,) = HOSTS[name].in_namespace_of(container(name), "ip -o link show dev eth0")
    assert line.split(":")[1].strip().startswith("eth0@if")
    assert f"eth0@if{tap.split(':')[0]}:" in line, "the tap is the other end of the container's card"
    ports = HOSTS[name].output(f"ls /sys/class/net/qbr{short}/brif").split()
    assert sorted(ports) == [f"qvb{short}", f"tap{short}"]


@pytest.mark.parametrize("name", HOSTS)
def test_the_bridge_leads_to_br_int(name: str) -> None:
    short = port(ADDRESSES[name])["id"][:11]
    (line,) = HOSTS[name].lines(f"ip -o link show dev qvb{short}")
    assert f"qvb{short}@qvo{short}: " in line
    assert {"patch-tun", f"qvo{short}"} <= set(HOSTS[name].lines("ovs-vsctl list-ports br-int"))
    tag = int(HOSTS[name].output(f"ovs-vsctl get Port qvo{short} tag"))
    assert 1 <= tag < 4095
