# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups as flows of br-int, and none at all: what the iptables of `test_kuryr` do, without them.

pytest -m long, on the lab of Kuryr: each firewall is a run of site.yml that moves all ports.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.kuryr_view import (
    ADDRESSES,
    GUARDED,
    HOSTS,
    answers_by_tcp,
    container,
    hears_nothing,
    port,
    reaches,
)
from tests.support.lab_runs import Lab, await_condition

pytestmark = pytest.mark.long
LAB = Lab("kuryr")
HYBRID_DEVICES = "ls /sys/class/net | grep -E '^(qbr|qvb|qvo)' || true"
CHAINS = "iptables -S | grep -e '-N neutron-openvswi-[io]' || true"


@pytest.fixture(scope="module", autouse=True)
def documented_firewall_in_the_end() -> Iterator[None]:
    """The tests behind these find the lab as those before them had it."""
    yield
    LAB.play("site.yml", "cni=kuryr", "kuryr_firewall=iptables_hybrid")
    assert HOSTS["kuryr-2"].lines(HYBRID_DEVICES) != []


def ports_are_plugged_in_directly() -> None:
    for name, host in HOSTS.items():
        tap = f"tap{port(ADDRESSES[name])['id'][:11]}"
        assert tap in host.lines("ovs-vsctl list-ports br-int"), name
        assert host.lines(HYBRID_DEVICES) == [], name
        assert host.lines(CHAINS) == [], name


def test_flows_let_in_what_security_groups_say() -> None:
    LAB.play("site.yml", "cni=kuryr", "kuryr_firewall=openvswitch")
    ports_are_plugged_in_directly()
    for name in HOSTS:
        assert reaches(name, container(name), GUARDED), "a rule about ICMP"
        assert not answers_by_tcp(name, container(name), GUARDED), name
        for other, address in ADDRESSES.items():
            if other != name:
                assert answers_by_tcp(name, container(name), address), (name, other)
    assert not reaches("kuryr-3", "guarded", ADDRESSES["kuryr-1"]), "it is no member of the group default"
    assert hears_nothing("kuryr-3", "guarded", container("kuryr-3"), ADDRESSES["kuryr-1"])
    assert f"nw_src={GUARDED}" in HOSTS["kuryr-3"].output("ovs-ofctl dump-flows br-int"), "no other address leaves it"
    assert LAB.play("site.yml", "cni=kuryr", "kuryr_firewall=openvswitch").changed_in_all == 0


def test_without_a_firewall_everybody_is_let_in() -> None:
    LAB.play("site.yml", "cni=kuryr", '{"kuryr_firewall": "noop", "kuryr_security_groups": []}')
    ports_are_plugged_in_directly()
    for name in HOSTS:
        await_condition(lambda name=name: answers_by_tcp(name, container(name), GUARDED), 30)
    assert reaches("kuryr-3", "guarded", ADDRESSES["kuryr-1"])
    assert "ct_state" not in HOSTS["kuryr-3"].output("ovs-ofctl dump-flows br-int")
