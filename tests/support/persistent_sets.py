# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of recorded sets need: a stand-in for a host, and runs that are killed."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel import iptables, netlink
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.recorded import files, records, restore_unit
from tests.support.kernel_view import ip


@pytest.fixture
def host(netns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Stands for a host: the test runs inside a namespace of its own, and records are kept in a folder of its own."""
    monkeypatch.setattr(records, "RECORDS", tmp_path / "records")
    with inside(netns):
        yield netns


def stand_in_for_systemctl(folder: Path, units: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that notes how it is called, in the file that is returned, and enables units as systemctl does."""
    wants, calls, program = units / "multi-user.target.wants", folder / "calls", folder / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
        echo "$@" >> {calls}
        for unit; do :; done
        case "$1" in
            enable) mkdir -p {wants}; ln -s ../$unit {wants}/$unit ;;
            disable) rm {wants}/$unit ;;
        esac
        """
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return calls


@pytest.fixture
def node(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A host with an underlay interface, whose units and libraries are in folders of the test."""
    monkeypatch.setattr(restore_unit, "UNITS", tmp_path / "units")
    monkeypatch.setattr(restore_unit, "LIBRARY", tmp_path / "library")
    stand_in_for_systemctl(tmp_path, tmp_path / "units", monkeypatch)
    ip(host, "link add eth0 type bridge")
    ip(host, "link set eth0 up")
    ip(host, "address add 192.168.1.68/24 dev eth0")
    return host


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Killer:
    """Kills runs where a test says."""
    return Killer(monkeypatch)


class Killer:
    """Kills a run at the n-th step that would reach the kernel or a file; 0 never does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 0
        self.steps = 0
        for owner, name in (
            (netlink.NetlinkSocket, "batch"),
            (netlink.NetlinkSocket, "_acknowledgements"),  # after each part of a batch that was sent
            (records, "save_record"),
            (records, "remove_record"),
            (iptables, "run"),
            (files, "replace_file"),
        ):
            monkeypatch.setattr(owner, name, self._counting(getattr(owner, name)))
        monkeypatch.setattr(netlink, "MESSAGES_PER_SEND", 2)

    def _counting(self, step: Callable) -> Callable:
        def counted(*arguments: object, **options: object) -> object:
            self.steps += 1
            if self.steps == self.at:
                raise Killed
            return step(*arguments, **options)

        return counted

    def run(self, at: int, action: Callable[[], object]) -> bool:
        """Run the action and kill it at the given step; False if it ended before."""
        self.at, self.steps = at, 0
        try:
            action()
        except Killed:
            return True
        finally:
            self.at = 0
        return False


def killed_everywhere(killer: Killer, start: Callable[[], object], change: Callable[[], object]) -> Iterator[int]:
    """Bring ``start`` about and kill ``change`` at its first step, then again at its second, until it is not reached.

    Yields the step after each kill, for the test to run the change again and look.
    """
    for step in itertools.count(1):
        start()
        if not killer.run(step, change):
            assert step > 2, "no run was killed half-way"
            return
        yield step
