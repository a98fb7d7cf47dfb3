# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is copied to hosts, for programs that run there without Ansible."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.lookup import driver_sources
from ansible_collections.container_network.lab.plugins.module_utils import package_copy
from ansible_collections.container_network.lab.plugins.module_utils.commands import install
from ansible_collections.container_network.lab.plugins.module_utils.package_copy import imported_modules, package_files
from ansible_collections.container_network.lab.plugins.module_utils.recorded import restore_unit

MODULE_UTILS = Path(package_copy.__file__).parent
FILES = sorted(MODULE_UTILS.rglob("*.py"))
NETWORKS = [f"{path.parent.name}.driver" for path in MODULE_UTILS.glob("*/driver.py")]
PROGRAMS = {
    "restore unit": [restore_unit.PROGRAM],
    "commands": [f"commands.{command}" for command in install.COMMANDS],
    "network driver": [driver_sources.PROGRAM, *NETWORKS],
    "weave": ["weave.command"],
}


def parsed_imports(path: Path) -> set[str]:
    """What the file imports of this package, as Python's own parser sees it."""
    origin = path.relative_to(MODULE_UTILS).with_suffix("").parts
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            module = [*origin[: -node.level], *(node.module.split(".") if node.module else [])]
            if MODULE_UTILS.joinpath(*module).with_suffix(".py").exists():
                found.add(".".join(module))
            else:
                found |= {".".join([*module, alias.name]) for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(MODULE_UTILS)))
def test_all_imports_of_the_package_are_found(path: Path) -> None:
    name = ".".join(path.relative_to(MODULE_UTILS).with_suffix("").parts)
    assert set(imported_modules(name, path.read_text())) == parsed_imports(path)


@pytest.mark.parametrize("programs", PROGRAMS.values(), ids=PROGRAMS)
def test_a_copy_runs_alone(programs: list[str], tmp_path: Path) -> None:
    for path, text in package_files(tmp_path, programs).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    imports = "; ".join(f"import {package_copy.PACKAGE}.{program}" for program in programs)
    forbidden = "assert not [name for name in sys.modules if name.startswith('ansible')]"
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {imports}; {forbidden}"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_copy_has_only_what_its_program_imports() -> None:
    library = Path("/usr/local/lib/anywhere")
    files = package_files(library, ["kernel.addresses"])
    assert files == {
        library / "container_network/__init__.py": "",
        library / "container_network/kernel/__init__.py": "",
        library / "container_network/kernel/addresses.py": (MODULE_UTILS / "kernel/addresses.py").read_text(),
    }
