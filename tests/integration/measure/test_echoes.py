# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers, sizes and what is on the wire between real namespaces: 10.9.8.1 - .2, and over VXLAN 10.9.7.1 - .2."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import NAMED_NAMESPACES, inside
from ansible_collections.container_network.lab.plugins.module_utils.measure import wire
from ansible_collections.container_network.lab.plugins.module_utils.measure.echoes import (
    first_answer,
    full_size_passes,
    packet,
    round_trips,
)
from tests.support.kernel_view import ip

NEAR, TUNNELLED, NOBODY = "10.9.8.2", "10.9.7.2", "10.9.8.99"


@pytest.fixture
def pair(veth_ends: tuple[str, str]) -> tuple[str, str]:
    """With a tunnel over the veth pair."""
    here, there = veth_ends
    for end, own, other in ((here, 1, 2), (there, 2, 1)):
        ip(end, f"link add tunnel type vxlan id 7 dstport 8472 local 10.9.8.{own} remote 10.9.8.{other}")
        ip(end, f"addr add 10.9.7.{own}/24 dev tunnel")
        ip(end, "link set tunnel up")
    return here, there


def test_every_answer_counts_but_the_first(pair):
    here, _there = pair
    found = round_trips(here, NEAR, 20)
    assert len(found) == 20
    assert all(0 < milliseconds < 1000 for milliseconds in found)
    assert round_trips(here, NOBODY, 20) == []
    assert round_trips(here, "10.9.6.1", 20) == []  # to where no route leads


def test_the_first_answer_comes_as_soon_as_there_is_a_way(pair):
    here, there = pair
    ip(there, "link set vb down")
    later = threading.Timer(0.5, ip, (there, "link set vb up"))
    later.start()
    try:
        assert 0.5 < first_answer(here, NEAR, 30) < 30
    finally:
        later.join()
    assert first_answer(here, NOBODY, 0.2) is None


def test_packets_as_large_as_the_interface_takes(pair):
    here, _there = pair
    assert full_size_passes(here, NEAR, 1500) is True
    assert full_size_passes(here, NEAR, 1501) is False
    ip(here, "link set va mtu 1600")  # and not its other end
    assert full_size_passes(here, NEAR, 1600) is False


@pytest.mark.parametrize(
    ("address", "found"),
    [
        (NEAR, {"by": "as it is", "overhead": 0, "readable": True}),
        (TUNNELLED, {"by": "VXLAN UDP 8472", "overhead": 50, "readable": True}),
        (NOBODY, {"by": "", "overhead": None, "readable": None}),
    ],
)
def test_what_is_on_the_wire(pair, address, found):
    here, _there = pair
    path = f"{NAMED_NAMESPACES}/{here}"
    with inside(here):
        assert wire.watch(path, packet(address), "va", NEAR) == found
