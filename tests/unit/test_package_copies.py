# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is copied to hosts, for programs that run there without Ansible."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from plugins.module_utils import host_commands, package_copy, restore_unit

MODULE_UTILS = Path(package_copy.__file__).parent
COPIES = {
    "restore unit": (restore_unit.COPIED, {"restore"}),
    "commands": (host_commands.COPIED, set(host_commands.COMMANDS)),
}


def imported_by(name: str) -> set[str]:
    """The modules of the package that one of its modules imports."""
    tree = ast.parse((MODULE_UTILS / f"{name}.py").read_text())
    # What a function imports is needed only where the function is called; the restore unit names no containers.
    nodes = ast.walk(tree) if name in host_commands.COMMANDS else tree.body
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found.update([node.module] if node.module else [alias.name for alias in node.names])
    return found


@pytest.mark.parametrize("copy", COPIES)
def test_the_copy_is_complete_and_has_nothing_else(copy: str) -> None:
    copied, todo = COPIES[copy]
    needed: set[str] = set()
    todo = set(todo)
    while todo:
        name = todo.pop()
        needed.add(name)
        todo |= imported_by(name) - needed
    assert sorted(copied) == sorted(needed)


@pytest.mark.parametrize("copy", COPIES)
def test_no_copied_module_needs_ansible(copy: str) -> None:
    for name in COPIES[copy][0]:
        text = (MODULE_UTILS / f"{name}.py").read_text()
        assert "import ansible" not in text
        assert "from ansible" not in text


def test_a_copy_is_a_package() -> None:
    library = Path("/usr/local/lib/anywhere")
    files = package_copy.package_files(library, ["errors"])
    assert files == {
        library / "container_network/__init__.py": "",
        library / "container_network/errors.py": (MODULE_UTILS / "errors.py").read_text(),
    }
