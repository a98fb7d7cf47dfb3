# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import csv
import io
import re

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.measure.comparison import Compared, compared
from ansible_collections.container_network.lab.plugins.module_utils.measure.comparison_page import comparison_page
from ansible_collections.container_network.lab.plugins.module_utils.measure.comparison_text import (
    comparison_csv,
    comparison_text,
)
from ansible_collections.container_network.lab.plugins.module_utils.measure.spread import Spread, number
from tests.support.comparisons import comparison, measured, peer, variant


def one(**other) -> Compared:
    return Compared.from_data(variant("flannel", measured(**other)))


def test_a_spread_is_that_of_what_is_known():
    assert Spread.of([3.0, None, 1.0, 2.0, 10.0]) == Spread(1.0, 2.5, 10.0, 4)
    assert Spread.of([None]) is None
    assert Spread.of([0.5]).describe() == "0.5"
    assert Spread.of([1, 2, 30]).describe() == "2 (1-30)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.012345, "0.0123"),
        (1.0, "1"),
        (99.96, "100"),
        (123.4, "123"),
        (12345.6, "12346"),
        (0, "0"),
        (1.234e-5, "0.0000123"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_numbers_stand_beside_those_of_hosts():
    numbers = one().numbers
    assert (numbers["latency"].value.median, numbers["latency"].ratio) == (0.4, pytest.approx(2.0))
    assert numbers["throughput"].value == Spread(10, 11.0, 12, 4)  # both directions of two runs
    assert numbers["throughput"].ratio == pytest.approx(11 / 21.5)
    assert numbers["throughput_equal"].ratio == pytest.approx(6.5 / 8.5)
    assert numbers["processor"].ratio == 2.0
    assert (numbers["start"].value, numbers["start"].ratio) == (Spread(1.0, 1.25, 1.5, 2), 2.5)
    assert (numbers["converge"].value.median, numbers["converge"].ratio) == (61.5, None)


def test_what_was_not_measured_has_no_number():
    unreached = peer(reached=False, wire=None, full_size=None, latency={"host": [1.0], "container": []})
    unreached["throughput"] = {"default": {"host": [], "container": [], "problem": "it is not allowed"}}
    found = Compared.from_data(variant("flannel", measured(unreached, starts=[{"answer": None, "bare": 0.5}])))
    assert set(found.numbers) == {"converge"}
    assert found.notes == ("it is not allowed", "node-2: no answer came from its container")
    nothing = Compared.from_data(variant("kuryr", None))
    assert (nothing.numbers, nothing.problem) == ({}, "it was not measured")


def test_facts_are_those_that_were_seen():
    facts = {key: fact.here for key, fact in one().facts.items()}
    assert facts == {
        "mtu": "8951 of 9001",
        "carried": "VXLAN UDP 8472, +50 bytes",
        "subnets": "yes",
        "isolation": "yes",
        "names": "no",
        "encryption": "no",
        "speed": "round trip 2 times that of hosts, throughput 0.512 times that of hosts",
    }


@pytest.mark.parametrize(
    ("found", "key", "says"),
    [
        (measured(peer(full_size=False)), "mtu", "8951 of 9001, which does not pass"),
        (measured(peer(), peer(True, reached=False)), "subnets", "no"),
        (measured(peer(), outside=["node-4"]), "subnets", "no: node-4 takes no part"),
        (measured(peer()), "subnets", "no host behind a router"),
        (measured(isolation={"isolated": None, "problem": "refused"}), "isolation", "one network only"),
        (measured(isolation={"isolated": False, "problem": ""}), "isolation", "no"),
        (measured(names=None), "names", "not known"),
        (measured(peer(wire={"by": "ESP", "overhead": None, "readable": False})), "encryption", "yes"),
        (measured(peer(wire={"by": "", "overhead": None, "readable": None})), "encryption", "not known"),
        (measured(peer(wire={"by": "ESP", "overhead": None, "readable": False})), "carried", "ESP"),
        (measured(peer(wire={"by": "as it is", "overhead": 0, "readable": True})), "carried", "as it is"),
        (
            measured(peer(wire={"by": "as it is", "overhead": 0, "readable": True}), peer(True)),
            "carried",
            "as it is; across the router VXLAN UDP 8472, +50 bytes",
        ),
    ],
)
def test_a_fact(found, key, says):
    assert Compared.from_data(variant("any", found)).facts[key].here == says


def test_the_table_has_everything():
    text = comparison_text(compared(comparison()))
    assert re.search(
        r"^flannel-vxlan +0\.4 \(0\.3-0\.9\) x2 +0\.4 \(0\.3-0\.9\) x2 +1\.25 \(1-1\.5\) x2\.5 +61\.5$", text, re.M
    )
    assert re.search(r"^flannel-vxlan +11 \(10-12\) x0\.512 +6\.5 \(6-7\) x0\.765 +11 \(10-12\) x0\.512$", text, re.M)
    assert re.search(r"^calico & more +0\.4 \(0\.3-0\.9\) x2 +- +1\.25", text, re.M)
    assert re.search(r"^flannel-vxlan +Across the router +no: hosts must be in one subnet +yes$", text, re.M)
    assert "NOT MEASURED\nkuryr: node-1: kuryr_controller has no hosts <here>" in text
    assert "calico & more: a second network: a <b>" in text
    assert not [line for line in text.splitlines() if len(line) > 160]


def test_nothing_measured_is_said():
    only = comparison_text([Compared.from_data(variant("kuryr", None, problem="no"))])
    assert only == "NOT MEASURED\nkuryr: no"


def test_the_csv_can_be_read():
    rows = list(csv.DictReader(io.StringIO(comparison_csv(compared(comparison())))))
    found = {(row["network"], row["quantity"]): row for row in rows}
    latency = found["flannel-vxlan", "latency"]
    assert [latency[key] for key in ("unit", "least", "median", "most", "runs", "beside_median", "ratio")] == [
        "ms", "0.3", "0.4", "0.9", "3", "0.2", "2",
    ]  # fmt: skip
    assert found["flannel-vxlan", "mtu"]["documented"] == found["flannel-vxlan", "mtu"]["text"] == "8951 of 9001"
    assert found["kuryr", "problem"]["text"] == "node-1: kuryr_controller has no hosts <here>"


def test_the_page_writes_names_as_text_and_loads_nothing():
    page = comparison_page(compared(comparison()), {"latency": "<svg></svg>", "unknown": "<svg>x</svg>"}, "A <title>")
    assert "calico &amp; more" in page
    assert "A &lt;title&gt;" in page
    assert "Chapter &lt;4&gt;" in page
    assert "<here>" not in page
    assert page.count("<svg>") == 1
    assert not re.search(r"""(?:src|href)=|url\(|@import""", page)


def test_a_page_of_nothing():
    assert "Not measured" in comparison_page([Compared.from_data(variant("kuryr", None, problem="no"))], {}, "None")
    assert "<h1>None</h1>" in comparison_page([], {}, "None")
