# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore unit: what is copied to a host, and what the unit says."""

from __future__ import annotations

import ast
from pathlib import Path

from plugins.module_utils import restore_unit

MODULE_UTILS = Path(restore_unit.__file__).parent


def imported_by(name: str) -> set[str]:
    """The modules of the package that one of its modules imports at its top."""
    found: set[str] = set()
    for node in ast.parse((MODULE_UTILS / f"{name}.py").read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found.update([node.module] if node.module else [alias.name for alias in node.names])
    return found


def test_the_copy_is_complete_and_has_nothing_else() -> None:
    needed: set[str] = set()
    todo = {"restore"}
    while todo:
        name = todo.pop()
        needed.add(name)
        todo |= imported_by(name) - needed
    assert sorted(restore_unit.COPIED) == sorted(needed)


def test_no_copied_module_needs_ansible() -> None:
    for name in restore_unit.COPIED:
        text = (MODULE_UTILS / f"{name}.py").read_text()
        assert "import ansible" not in text
        assert "from ansible" not in text


def test_the_unit() -> None:
    text = next(text for path, text in restore_unit.wanted_files().items() if path.name == restore_unit.UNIT)
    assert "Before=docker.service" in text
    assert "ConditionDirectoryNotEmpty=/etc/container-network\n" in text
    assert "Environment=PYTHONPATH=/usr/local/lib/container-network\n" in text
    assert "TimeoutStartSec=90\n" in text
    assert "{" not in text
