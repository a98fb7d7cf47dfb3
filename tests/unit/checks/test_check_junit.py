# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of checks as JUnit writes them."""

from __future__ import annotations

from xml.etree import ElementTree

from ansible_collections.container_network.lab.plugins.filter.check_junit import check_junit
from ansible_collections.container_network.lab.plugins.module_utils.checks.check import Check

GOOD = Check("route", ("ip", "route"), expect=("a",)).result(True, ["a"])
BAD = Check("ping <10.0.0.1>", ("ping", "10.0.0.1"), "busybox", expect=("0% packet loss",)).result(
    False, ["x", "100% \x1b[1mloss\x1b[0m & more"]
)


def cases(results) -> dict[tuple[str, str], str | None]:
    """The message of each case's failure, or None, by host and name."""
    root = ElementTree.fromstring(check_junit(results))
    failures = {(case.get("classname"), case.get("name")): case.find("failure") for case in root.iter("testcase")}
    return {key: None if failure is None else failure.get("message") for key, failure in failures.items()}


def test_a_case_for_each_check():
    assert cases({"node-1": [GOOD], "node-10": [GOOD, BAD]}) == {
        ("node-1", "route"): None,
        ("node-10", "route"): None,
        ("node-10", "ping <10.0.0.1>"): "0% packet loss",
    }


def test_a_host_without_results_failed():
    assert cases({"node-2": []}) == {("node-2", "results"): "(the host gave no results)"}


def test_suites_count_their_cases():
    root = ElementTree.fromstring(check_junit({"node-1": [GOOD], "node-10": [GOOD, BAD], "node-2": []}))
    counts = {element.get("name"): (element.get("tests"), element.get("failures")) for element in [root, *root]}
    assert counts == {
        "container_network.lab": ("4", "2"),
        "node-1": ("1", "0"),
        "node-10": ("2", "1"),
        "node-2": ("1", "1"),
    }


def test_a_failure_says_what_was_found_and_what_xml_cannot_hold_is_replaced():
    failure = ElementTree.fromstring(check_junit({"node-10": [BAD]})).find(".//failure")
    assert failure.text.splitlines() == [
        "FAIL node-10: ping <10.0.0.1>",
        "  on container busybox of node-10: ping 10.0.0.1",
        "  EXPECTED       | FOUND",
        "  0% packet loss | x",
        "                 | 100% \N{REPLACEMENT CHARACTER}[1mloss\N{REPLACEMENT CHARACTER}[0m & more",
    ]
