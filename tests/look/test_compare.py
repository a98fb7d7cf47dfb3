# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three networks compared on a real lab, in short runs; a fourth cannot be made there, and stops nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab_runs import PAIR, Lab, on_host

SHORT = ("runs=1", "seconds=1", "echoes=10")


@pytest.fixture(scope="module")
def folder(fresh_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the results of a comparison are."""
    found = tmp_path_factory.mktemp("comparison")
    fresh_lab.play("compare.yml", "networks=flannel-vxlan,flannel-host-gw,calico,kuryr", f"dest={found}", *SHORT)
    return found


def result(folder: Path, name: str) -> dict[str, Any]:
    """What was written of a network."""
    return json.loads((folder / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("name", "by", "mtu"),
    [("flannel-vxlan", "VXLAN UDP 8472", 1450), ("flannel-host-gw", "as it is", 1500), ("calico", "as it is", 1500)],
)
def test_a_network_is_measured(folder: Path, name: str, by: str, mtu: int) -> None:
    found = result(folder, name)
    assert found["converge"] > 1
    measured = found["measured"]
    assert (measured["mtu"], measured["shared_kernel"]) == (mtu, True)
    (peer,) = measured["peers"]
    assert (peer["to"], peer["across"], peer["reached"], peer["full_size"]) == ("right", False, True, True)
    assert (peer["wire"]["by"], peer["wire"]["readable"]) == (by, True)
    assert len(peer["latency"]["host"]) >= 5
    assert len(peer["latency"]["container"]) >= 5
    for size in ("default", "equal"):
        runs = peer["throughput"][size]
        assert runs["problem"] == ""
        for end in ("host", "container"):
            (run,) = runs[end]
            assert all(run[key] > 0 for key in ("sent", "received", "processor"))
    (start,) = measured["starts"]
    assert start["answer"] > 0
    assert start["bare"] > 0


def test_what_networks_do_is_told_from_each_other(folder: Path) -> None:
    flannel, calico = (result(folder, name)["measured"] for name in ("flannel-vxlan", "calico"))
    assert flannel["peers"][0]["wire"]["overhead"] == 50
    assert calico["peers"][0]["wire"]["overhead"] == 0
    assert (flannel["isolation"]["isolated"], calico["isolation"]["isolated"]) == (False, True)
    assert (flannel["names"], calico["names"]) == (False, True)


def test_a_network_that_cannot_be_made_is_named(folder: Path) -> None:
    found = result(folder, "kuryr")
    assert (found["measured"], found["converge"]) == (None, None)
    assert found["problem"].startswith("left: ")  # and what it lacks


def test_all_stand_side_by_side(folder: Path) -> None:
    page = (folder / "comparison.html").read_text()
    assert page.count("<svg") >= 6
    assert all(name in page for name in ("flannel-vxlan", "calico", "Not measured"))
    rows = list(csv.DictReader((folder / "comparison.csv").open()))
    assert {"flannel-vxlan", "flannel-host-gw", "calico", "kuryr"} == {row["network"] for row in rows}


def test_nothing_of_it_is_left(folder: Path) -> None:
    for host in PAIR:
        shown = on_host(
            host, "sh", "-c", "docker ps -aq --filter label=container_network.lab.measurement; pgrep iperf3; :"
        )
        assert shown.split() == []
        assert "measurement-" not in on_host(host, "docker", "network", "ls")


def test_a_network_that_cannot_be_removed_is_named_and_the_next_one_is_tried(
    folder: Path, fresh_lab: Lab, tmp_path: Path
) -> None:
    on_host("right", "systemctl", "mask", "--now", "docker.socket", "docker.service")
    try:
        fresh_lab.play("compare.yml", "networks=flannel", f"dest={tmp_path}", *SHORT)
    finally:
        on_host("right", "systemctl", "unmask", "docker.socket", "docker.service")
        on_host("right", "systemctl", "start", "docker.service")
        fresh_lab.play("teardown.yml")
    for name in ("flannel-vxlan", "flannel-host-gw", "flannel-aws-vpc"):
        found = result(tmp_path, name)
        assert (found["measured"], found["converge"]) == (None, None)
        assert found["problem"].startswith("right: No Docker Engine answers on right's socket")


def test_wrong_input_is_told_before_anything_changes(folder: Path, fresh_lab: Lab, tmp_path: Path) -> None:
    assert "'flanel' is neither a network nor a variant" in fresh_lab.fail("compare.yml", "networks=flanel")
    assert "runs: 0 must be from 1 to 100" in fresh_lab.fail("compare.yml", "runs=0", f"dest={tmp_path / 'none'}")
    assert not (tmp_path / "none").exists()
