# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of tests/fuzz share: how many inputs are drawn, and odd values in the place of right ones."""

from __future__ import annotations

import copy
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))
"""Of each test; ``make fuzz`` draws thousands."""
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
)

TELLING = [
    *("", "x", "no", "true", "0", "-1", "26", "²", "9" * 5000, "1e3", "a b", "../x", "a/b", "..", "%d", "a\0b", "a\nb"),
    *("\ud800", 'a"b', "a -j ACCEPT", "x\n-I INPUT 1 -j ACCEPT\n", "10.0.0.1 evil.example #", "10.0.0.0-10.0.255.255"),
    *("10.0.0.0/16", "10.0.0.1/24", "10.0.0.1", "127.0.0.0/8", "224.0.0.0/4", "0.0.0.0/0", "fd80::/64", "fe80::1%x"),
    *("192.168.1.9:179", "4e:55:ee:0a:90:38", "ff:ff:ff:ff:ff:ff", "host1", "a in b", "[", "{}", "null"),
]
"""Texts that have been mistaken for what they are not."""
scalars = (
    st.none() | st.booleans() | st.integers(-1, 1 << 40) | st.floats() | st.text(max_size=8) | st.sampled_from(TELLING)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "node", "subnet", "a", ""]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def broken(draw: Any, right: Any) -> Any:
    """A value in which one to three values, anywhere, are missing or replaced by anything."""
    document = {"": copy.deepcopy(right)}
    for _change in range(draw(st.integers(1, 3))):
        place: Any = document
        key: Any = ""
        while isinstance(place[key], (dict, list)) and place[key] and draw(st.integers(0, 4)):
            place = place[key]
            key = draw(st.sampled_from(sorted(place, key=str) if isinstance(place, dict) else range(len(place))))
        if place is not document and isinstance(place, dict) and draw(st.integers(0, 3)) == 0:
            del place[key]
        else:
            place[key] = draw(values)
    return document[""]
