# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave's ring: how a range is divided, given away, and given back."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.weave.ring import Address, Ring, Span

RANGE = ipaddress.IPv4Network("172.111.222.0/24")


def address(last: int) -> Address:
    return RANGE[last]


def three_peers() -> Ring:
    """As three real peers divided it: the third one asked the first, which had a container."""
    ring = Ring(RANGE).seed(["low", "high"])
    span = ring.donation("third", [])
    assert span
    return ring.given(span, "third")


def shares(ring: Ring) -> dict[str, int]:
    return {peer: ring.share(peer) for peer in ring.peers()}


def test_three_peers_have_128_96_and_32():
    ring = three_peers()
    assert shares(ring) == {"low": 96, "third": 32, "high": 128}
    assert ring.document() == {"172.111.222.0": "low", "172.111.222.96": "third", "172.111.222.128": "high"}


def test_first_addresses_are_those_of_real_weave():
    ring = three_peers()
    firsts = [ring.free_address(peer, RANGE, []) for peer in ("low", "third", "high")]
    assert firsts == [address(1), address(96), address(128)]


def test_document_is_read_again():
    assert Ring.parse(RANGE, three_peers().document()) == three_peers()


def test_one_peer_has_all():
    assert shares(Ring(RANGE).seed(["only"])) == {"only": 256}


def test_fourth_peer_asks_whoever_has_most_free():
    ring = three_peers()
    span = ring.donation("fourth", [])
    assert span == Span(int(address(192)), int(address(255)) + 1)
    # With the upper half in use, the lower peer has more.
    used = [address(last) for last in range(128, 255)]
    assert ring.owner(Address(ring.donation("fourth", used).first)) == "low"


def test_a_donation_is_a_block_and_free():
    ring = Ring(RANGE).seed(["a", "b"])
    used = [address(last) for last in (1, 70, 100)]
    span = ring.donation("c", used)
    assert len(span) & (len(span) - 1) == 0
    assert span.first % len(span) == 0
    assert not any(span.first <= int(one) < span.end for one in used)


def test_a_donation_within_a_subnet():
    subnet = ipaddress.IPv4Network("172.111.222.32/27")
    span = three_peers().donation("high", [], subnet)
    assert int(subnet[0]) <= span.first
    assert span.end <= int(subnet[-1]) + 1


def test_no_peer_gives_what_is_used_or_unusable():
    ring = Ring(RANGE).seed(["a", "b"])
    used = [address(last) for last in range(1, 255)]
    assert ring.donation("c", used) is None


def test_a_peer_that_leaves_gives_its_part_back():
    assert three_peers().without("third").document() == {"172.111.222.0": "low", "172.111.222.128": "high"}
    assert three_peers().without("low").document() == {"172.111.222.0": "third", "172.111.222.128": "high"}
    assert Ring(RANGE).seed(["only"]).without("only").document() == {}


def test_a_single_address_changes_hands():
    ring = three_peers().given(Span(int(address(200)), int(address(201))), "third")
    assert ring.owner(address(200)) == "third"
    assert (ring.owner(address(199)), ring.owner(address(201))) == ("high", "high")
    assert shares(ring) == {"low": 96, "third": 33, "high": 127}


def test_used_addresses_and_the_ends_of_the_subnet_are_not_given():
    ring = Ring(RANGE).seed(["only"])
    assert ring.free_address("only", RANGE, [address(1), address(2), address(4)]) == address(3)
    subnet = ipaddress.IPv4Network("172.111.222.64/30")
    assert ring.free_address("only", subnet, [address(65)]) == address(66)
    assert ring.free_address("only", subnet, [address(65), address(66)]) is None


@pytest.mark.parametrize("count", range(1, 41))
def test_any_number_of_peers_divides_all_of_it_once(count):
    peers = [f"peer-{number}" for number in range(count)]
    ring = Ring(RANGE).seed(peers[:2])
    for peer in peers[2:]:
        span = ring.donation(peer, [])
        ring = ring.given(span, peer)
    assert sum(shares(ring).values()) == 256
    assert set(ring.peers()) == set(peers)
    for peer in peers:
        ring = ring.without(peer)
        assert sum(shares(ring).values()) in (0, 256)
    assert not ring.tokens
