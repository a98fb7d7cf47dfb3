# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a part of this package, for programs that run on a host without Ansible."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from pathlib import Path

PACKAGE = "container_network"  # the name of the copy


def package_files(library: Path, modules: Iterable[str]) -> dict[Path, str]:
    """The text of every file of a copy of these modules, in a folder that a program looks for packages in."""
    package = library / PACKAGE
    return {package / "__init__.py": "", **{package / f"{name}.py": _source(name) for name in modules}}


def _source(module: str) -> str:
    # By the package's loader, because on a host Ansible runs modules from an archive.
    return pkgutil.get_data(str(__package__), f"{module}.py").decode()  # type: ignore[union-attr]
