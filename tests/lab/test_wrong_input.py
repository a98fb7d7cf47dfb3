# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong input: a clear message that names variable, value, rule and way out, and no change at all.

Every single message is the subject of tests/unit/test_flannel_problems.py; here a run stops before its first change.
"""

from __future__ import annotations

import pytest

from tests.support.lab_runs import Lab
from tests.support.snapshot import difference, host_state

WRONG = {
    "unknown cni": (["cni=flanel"], ["cni", "flanel", "flannel"]),
    "network over the underlay": (
        ["flannel_network=10.12.0.0/16"],
        ["flannel_network", "10.12.0.0/16", "10.12.31.211/22"],
    ),
    "no such interface": (["underlay_interface=eth9"], ["eth9", "ens160"]),
    "pin taken twice": (["flannel_subnet=10.244.7.0/24"], ["10.244.7.0/24", "host1", "host2"]),
}


@pytest.fixture(scope="module")
def bare(fresh_lab: Lab) -> dict[str, dict]:
    """The state of the hosts before."""
    fresh_lab.play("teardown.yml")
    return {host: host_state(host) for host in ("host1", "host2")}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused(fresh_lab: Lab, bare: dict[str, dict], case: str) -> None:
    variables, words = WRONG[case]
    if "cni" not in case:
        variables = ["cni=flannel", *variables]
    text = fresh_lab.fail("site.yml", *variables)
    assert not [word for word in words if word not in text], text
    assert "Traceback" not in text


def test_all_problems_are_reported_together(fresh_lab: Lab, bare: dict[str, dict]) -> None:
    text = fresh_lab.fail(
        "site.yml", "cni=flannel", "flannel_vni=16777216", "flannel_subnet_len=31", "flannel_subnet=10.1.2.0/24"
    )
    for word in ("16777216", "flannel_subnet_len", "10.1.2.0/24"):
        assert word in text


def test_nothing_has_changed(bare: dict[str, dict]) -> None:
    for host, before in bare.items():
        assert difference(before, host_state(host)) == {}


def test_an_etcd_that_does_not_answer_is_named(fresh_lab: Lab, bare: dict[str, dict]) -> None:
    text = fresh_lab.fail("site.yml", "cni=flannel", '{"etcd_endpoints": ["http://10.12.31.211:1"]}')
    assert "http://10.12.31.211:1" in text
    assert "refused" in text
    fresh_lab.play("teardown.yml")
