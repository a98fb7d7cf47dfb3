# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks by Ansible's raw: over SSH they run on a terminal, which is 80 columns wide and ends lines its own way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
FILES = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")])


def raw_commands(entry: object) -> list[str]:
    """The commands of all raw tasks below an entry of a playbook or of a list of tasks."""
    if isinstance(entry, list):
        return [command for item in entry for command in raw_commands(item)]
    if not isinstance(entry, dict):
        return []
    own = [entry["ansible.builtin.raw"]] if "ansible.builtin.raw" in entry else []
    return own + [command for value in entry.values() for command in raw_commands(value)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_lists_of_processes_are_not_cut_off_at_the_width_of_a_terminal(path: Path) -> None:
    for command in raw_commands(yaml.safe_load(path.read_text())):
        assert not re.search(r"\bps (?!-ww)", command), command


NOISE = "sudo: unable to resolve host node-1: Temporary failure in name resolution\r\n"


def expression(path: str, pattern: str) -> str:
    """What of a Jinja expression the pattern's group finds in a file."""
    found = re.search(pattern, (ROOT / path).read_text())
    assert found, f"{path} has no {pattern}"
    return found[1]


@pytest.mark.parametrize("name", ["site", "teardown", "tasks/find_network"])
def test_what_a_terminal_shows_beside_the_networks_is_no_network(name: str) -> None:
    """On a terminal sudo's complaints stand in the output, in lines and words of their own."""
    words = expression(f"playbooks/{name}.yml", r"regex_findall'?[(,] ?'([^']+)'\)")
    assert re.findall(words, f"{NOISE}network=flannel\r\nnetwork=plain_network\r\n") == ["flannel", "plain_network"]
