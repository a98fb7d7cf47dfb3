# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a host whose containers come and go: what goes meanwhile is left out, and the rest is there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker import container_links
from ansible_collections.container_network.lab.plugins.module_utils.topology import collect
from tests.support.kernel_view import ip
from tests.support.module_runner import run_module

NAMES = Path("/run/netns")


@pytest.fixture
def pair(netns_factory: Callable[[], str]) -> Iterator[tuple[str, str]]:
    """Two namespaces, of which the second one is to go; the first one has a neighbour in a third."""
    stays, goes, neighbour = netns_factory(), netns_factory(), netns_factory()
    ip(stays, f"link add to-other type veth peer name back netns {neighbour}")
    yield stays, goes
    subprocess.run(["ip", "netns", "add", goes], check=True)  # for the factory, which removes it


def going_before(module: ModuleType, step: str, netns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a namespace go before a step of a look, as the files of a container's do when it ends."""
    do = getattr(module, step)

    def go(*arguments: Any) -> Any:
        if (NAMES / netns).exists():
            subprocess.run(["ip", "netns", "delete", netns], check=True)
        return do(*arguments)

    monkeypatch.setattr(module, step, go)


@pytest.mark.parametrize(
    ("module", "step"), [(container_links, "_read"), (collect, "_still_there"), (collect, "_namespace")]
)
def test_a_namespace_that_goes_meanwhile_is_left_out(
    module: ModuleType, step: str, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stays, goes = pair
    going_before(module, step, goes, monkeypatch)
    seen = run_module("topology_info", namespaces=[goes, stays])["topology"]["namespaces"]
    assert [namespace["name"] for namespace in seen] == [stays]
    assert "to-other" in [device["name"] for device in seen[0]["devices"]]


def test_the_look_at_links_goes_on_as_well(pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    stays, goes = pair
    going_before(container_links, "_read", goes, monkeypatch)
    seen = {namespace["name"] for namespace in run_module("container_links_info")["namespaces"]}
    assert stays in seen
    assert goes not in seen
