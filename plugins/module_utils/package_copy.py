# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a part of this package, for programs that run on a host without Ansible."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "container_network"  # the name of the copy

# This package imports itself relatively, and only with `from … import …`.
_IMPORT = re.compile(r"^\s*from (\.+)([\w.]*) import (\([^)]*\)|[^\n]+)", re.MULTILINE)


def package_files(library: Path, programs: Iterable[str]) -> dict[Path, str]:
    """The text of every file of a copy that can run these modules (``recorded.restore``): they and all they import.

    ``library`` is a folder of Python's search path, in which the copy is a package of its own.
    """
    package = library / PACKAGE
    files = {package / f"{name.replace('.', '/')}.py": text for name, text in sorted(_closure(programs).items())}
    folders = {parent for path in files for parent in path.parents if parent.is_relative_to(package)}
    return {**{folder / "__init__.py": "" for folder in sorted(folders)}, **files}


def _closure(programs: Iterable[str]) -> dict[str, str]:
    """The source of modules, and of all modules of this package that they import, by dotted name."""
    sources: dict[str, str] = {}
    missing = list(programs)
    while missing:
        name = missing.pop()
        if name not in sources:
            sources[name] = source(name)
            missing += imported_modules(name, sources[name])
    return sources


def imported_modules(module: str, text: str) -> Iterator[str]:
    """The modules of this package that the text of one of them imports, also inside of functions."""
    for dots, path, names in _IMPORT.findall(text):
        origin = [*module.split(".")[: -len(dots)], *filter(None, path.split("."))]
        if origin and not _is_package(".".join(origin)):
            yield ".".join(origin)
        else:
            yield from (".".join([*origin, name.split()[0]]) for name in names.strip("()").split(",") if name.strip())


def modules_used(texts: Iterable[str]) -> set[str]:
    """The modules that programs beside the copy import of it, as ``from container_network.driver import network``.

    SyntaxError if a text is not Python.
    """
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            is_module = node.module.startswith(f"{PACKAGE}.") and not _is_package(node.module[len(PACKAGE) + 1 :])
            names |= {node.module} if is_module else {f"{node.module}.{alias.name}" for alias in node.names}
    return {name[len(PACKAGE) + 1 :] for name in names if name.startswith(f"{PACKAGE}.")}


def _is_package(name: str) -> bool:
    spec = find_spec(f"{__package__}.{name}")
    return spec is not None and spec.submodule_search_locations is not None


def source(name: str) -> str:
    """The text of a module of this package."""
    # By the package's loader, because on a host Ansible runs modules from an archive.
    return pkgutil.get_data(str(__package__), f"{name.replace('.', '/')}.py").decode()  # type: ignore[union-attr]
