# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people write of a slow or cut line, and what the kernel is told."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.impairment import (
    Impairment,
    netem_options,
    parse_options,
    tbf_options,
)


def parse(**given) -> tuple[Impairment, list[str]]:
    problems: list[str] = []
    return Impairment.parse(given, "segment 'lan'", problems), problems


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ""),
        ({"delay": "50ms", "jitter": "200us"}, "delay 50ms, jitter 200us"),
        ({"delay": "1.5s"}, "delay 1.5s"),
        ({"loss": "0.5%", "rate": "2.5gbit"}, "loss 0.5%, rate 2.5gbit"),
        ({"loss": "100%"}, "loss 100%"),
        ({"rate": "64Kbit"}, "rate 64kbit"),
        ({"delay": "10ms", "reorder": "25%"}, "delay 10ms, reorder 25%"),
        ({"delay": "10ms", "cut": "yes"}, "cut"),
        ({"delay": None, "loss": "", "cut": False}, ""),
    ],
)
def test_what_is_written_is_told_again(given, words):
    found, problems = parse(**given)
    assert problems == []
    assert found.describe() == words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"delay": "50"}, "segment 'lan': delay '50' must be a time of at most 60s, as 50ms"),
        ({"delay": "61s"}, "delay '61s' must be a time"),
        ({"loss": "101%"}, "loss '101%' must be a part of all packets"),
        ({"loss": 1}, "loss '1' must be a part"),
        ({"rate": "10mbps"}, "rate '10mbps' must be a number of bits per second"),
        ({"rate": "1kbit"}, "from 8kbit"),
        ({"jitter": "5ms"}, "give a larger 'delay'"),
        ({"delay": "1ms", "jitter": "5ms"}, "give a larger 'delay'"),
        ({"reorder": "5%"}, "give a 'delay', too"),
        ({"cut": "maybe"}, "cut 'maybe' must be true or false"),
    ],
)
def test_what_cannot_be_is_refused(given, words):
    _found, (problem,) = parse(**given)
    assert words in problem


@pytest.mark.parametrize(
    "wanted",
    [
        Impairment(delay=50_000),
        Impairment(delay=50_000, jitter=10, loss=33.3333, reorder=0.0001, rate=8_000),
        Impairment(rate=100 * 10**9),
        Impairment(loss=100.0),
    ],
)
def test_the_kernel_is_told_what_is_read_back(wanted):
    assert parse_options("netem", netem_options(wanted)) == wanted
    if not wanted.needs_netem:
        assert parse_options("tbf", tbf_options(wanted, 9001)) == wanted


def test_a_frame_of_the_largest_size_passes_a_slow_line():
    """tbf drops what is larger than its burst, which is the first value of its last attribute."""
    options = tbf_options(Impairment(rate=8_000), 65535)
    assert int.from_bytes(options[-4:], "little") >= 65535 + 18


def test_other_disciplines_are_no_impairment():
    assert parse_options("fq_codel", b"") is None
