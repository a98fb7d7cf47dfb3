# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs at the same time: all of them succeed, and nothing is left that no record owns."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_redirect import ensure_redirection
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_server import clean_host
from ansible_collections.container_network.lab.plugins.module_utils.recorded import records
from tests.support.kernel_view import links, rules
from tests.support.module_runner import run_module

AT_ONCE = 20


def failures_of(runs: Sequence[Callable[[], object]]) -> list[int]:
    """Start all at the same moment, each in a process of its own; the numbers of those that failed."""
    ready, go = os.pipe(), os.pipe()
    children = []
    for run in runs:
        child = os.fork()
        if child == 0:
            os.close(go[1])
            os.write(ready[1], b".")
            os.read(go[0], 1)  # until the other end is closed
            try:
                run()
            except BaseException:
                traceback.print_exc(file=sys.stderr)
                os._exit(1)
            os._exit(0)
        children.append(child)
    for _child in children:
        os.read(ready[0], 1)
    os.close(go[1])
    failed = [number for number, child in enumerate(children) if os.waitpid(child, 0)[1] != 0]
    for end in (*ready, go[0]):
        os.close(end)
    return failed


def recorded_files(folder: Path, *names: str) -> dict[str, object]:
    files = [{"path": str(folder / name), "content": name} for name in names]
    return {"name": "lab", "persistent": True, "files": files}


def test_runs_of_one_set(host: str, tmp_path: Path) -> None:
    wanted = recorded_files(tmp_path / "lab", "a", "b", "c")
    assert failures_of([lambda: run_module("recorded_files", **wanted)] * AT_ONCE) == []
    assert sorted(path.name for path in (tmp_path / "lab").iterdir()) == ["a", "b", "c"]
    assert [path.name for path in (records.RECORDS / "recorded_files").iterdir()] == ["lab.json"]


@pytest.mark.parametrize("_round", range(3))
def test_several_sets_of_one_name(host: str, tmp_path: Path, _round: int) -> None:
    folder = tmp_path / "lab"
    several = [recorded_files(folder, *(f"{letter}{number}" for number in range(5))) for letter in "abcd"]
    assert failures_of([lambda one=one: run_module("recorded_files", **one) for one in several * 2]) == []
    record = json.loads((records.RECORDS / "recorded_files" / "lab.json").read_text())
    assert sorted(map(str, folder.iterdir())) == sorted(file["path"] for file in record["files"])
    run_module("recorded_files", name="lab", state="absent")
    assert not folder.exists()


def test_runs_that_make_the_same_links(host: str) -> None:
    wanted = {"links": [{"name": "br0", "kind": "bridge"}, {"name": "br1", "kind": "bridge"}]}
    assert failures_of([lambda: run_module("network_link", **wanted)] * AT_ONCE) == []
    assert {"br0", "br1"} <= set(links(host).values())


def test_runs_that_make_the_same_pairs(host: str) -> None:
    wanted = {"pairs": [{"name": "p0", "peer": {"name": "q0"}}]}
    assert failures_of([lambda: run_module("veth_pair", **wanted)] * AT_ONCE) == []
    assert {"p0", "q0"} <= set(links(host).values())


def test_services_that_make_the_same_jumps(host: str) -> None:
    """At a boot the server of names and the network driver start in the same moment."""
    address = "169.254.20.10"
    assert failures_of([lambda: ensure_redirection(address)] * AT_ONCE) == []
    found = rules(host)
    assert [jump for jump in set(found) if jump.endswith("-j CONTAINER-NAMES") and found.count(jump) > 1] == []
    assert any(jump.endswith("-j CONTAINER-NAMES") for jump in found)
    clean_host(address)
    assert not any("CONTAINER-NAMES" in rule for rule in rules(host))
