# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A namespace or container that does not exist: in check mode an earlier task would have made it; nothing is in it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.support.module_runner import ModuleFailed, assert_unchanged, run_module

pytestmark = pytest.mark.usefixtures("docker_engine")  # which is asked for the container

PLACES = ("no-such-overlay", "container:no-such-container")
BRIDGE = {"name": "br0", "kind": "bridge"}
PAIR = {"name": "veth0", "master": "br0", "addresses": ["10.20.0.1/16"]}
ENTRIES = {"fdb": [{"mac": "02:42:0a:14:00:04", "dst": "192.168.1.245"}]}
ROUTE = {"dst": "10.21.0.0/16", "dev": "br0"}


def tasks(place: str) -> dict[str, dict[str, Any]]:
    """The arguments of each module that works in namespaces."""
    return {
        "network_link": {"netns": place, "links": [BRIDGE]},
        "veth_pair": {"pairs": [{**PAIR, "netns": place, "peer": {"name": "eth0", "netns": PLACES[0]}}]},
        "vxlan_fdb": {"netns": place, "dev": "vxlan0", **ENTRIES},
        "network_routes": {"netns": place, "routes": [ROUTE]},
    }


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("module", tasks(""))
def test_all_is_predicted_and_nothing_made(module: str, place: str) -> None:
    namespace = os.readlink("/proc/thread-self/ns/net")
    before = os.listdir("/run/netns") if os.path.exists("/run/netns") else []
    result = run_module(module, _check=True, **tasks(place)[module])
    assert result["changed"]
    assert os.readlink("/proc/thread-self/ns/net") == namespace
    assert (os.listdir("/run/netns") if os.path.exists("/run/netns") else []) == before


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("module", tasks(""))
def test_a_run_names_what_is_missing(module: str, place: str) -> None:
    with pytest.raises(ModuleFailed) as failure:
        run_module(module, **tasks(place)[module])
    assert place.rpartition(":")[2] in str(failure.value)


@pytest.mark.parametrize("place", ["a\0b", "half \ud800", "lines\nof it"])
@pytest.mark.parametrize("check", [True, False])
def test_a_name_that_no_file_has_is_refused(check: bool, place: str) -> None:
    pair = {"name": "veth0", "peer": {"name": "eth0", "netns": place}}
    with pytest.raises(ModuleFailed) as failure:
        run_module("veth_pair", _check=check, pairs=[pair])
    assert f"netns {place!r} is no network namespace" in str(failure.value)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("module", tasks(""))
def test_nothing_is_there_to_remove(module: str, place: str) -> None:
    assert_unchanged(module, state="absent", **tasks(place)[module])
