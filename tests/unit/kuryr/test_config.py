# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of Kuryr, as people write them."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kuryr.config import parsed_networks


def read(*entries):
    problems: list[str] = []
    return parsed_networks(entries, problems), problems


def test_gateway_and_pool_follow_from_the_subnet():
    (spec,), problems = read({"name": "kuryr", "subnet": "10.88.0.0/24"})
    assert problems == []
    assert (str(spec.gateway), spec.subnet_pool) == ("10.88.0.1", "kuryrPool-10.88.0.0/24")
    assert spec.allocation_pools == [{"start": "10.88.0.2", "end": "10.88.0.254"}]


def test_a_gateway_within_the_pool_is_left_out_of_it():
    entry = {"name": "kuryr", "subnet": "10.88.0.0/24", "gateway": "10.88.0.129", "pool": "10.88.0.128/25"}
    (spec,), problems = read(entry)
    assert problems == []
    assert spec.allocation_pools == [
        {"start": "10.88.0.128", "end": "10.88.0.128"},
        {"start": "10.88.0.130", "end": "10.88.0.254"},
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"subnet": "10.88.0.0/24"}, "entry 0 (''): a name has letters"),
        ({"name": "bridge", "subnet": "10.88.0.0/24"}, "none of Docker's own"),
        ({"name": "kuryr\n", "subnet": "10.88.0.0/24"}, "a name has letters"),
        ({"name": "kuryr", "subnet": "10.88.0.7/24"}, "subnet '10.88.0.7/24' is not an IPv4 network"),
        ({"name": "kuryr"}, "subnet '' is not an IPv4 network"),
        ({"name": "kuryr", "subnet": "10.88.0.0/31"}, "no room for a gateway and a container"),
        ({"name": "kuryr", "subnet": "10.88.0.0/24", "gateway": "10.88.1.1"}, "no address that a host of subnet"),
        ({"name": "kuryr", "subnet": "10.88.0.0/24", "gateway": "10.88.0.255"}, "no address that a host of subnet"),
        ({"name": "kuryr", "subnet": "10.88.0.0/24", "gateway": "first"}, "gateway 'first' is not an IPv4 address"),
        ({"name": "kuryr", "subnet": "10.88.0.0/24", "pool": "10.89.0.0/25"}, "is no part of its subnet"),
        ({"name": "kuryr", "subnet": "10.88.0.0/24", "pool": "10.88.0.1/32"}, "no address beside the gateway's"),
        ({"name": "kuryr", "subnet": "10.88.0.0/24", "ip_range": "10.88.0.0/25"}, "unknown key 'ip_range'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(entry, message):
    networks, problems = read(entry)
    assert networks == []
    assert [message in problem for problem in problems] == [True]


def test_all_that_is_wrong_is_told_at_once():
    _networks, problems = read(
        {"name": "one", "subnet": "10.88.0.0/24", "gateway": "10.0.0.1"}, {"name": "one", "subnet": "x"}
    )
    assert len(problems) == 3
