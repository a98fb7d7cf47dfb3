# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup of the files that make up a program which runs on hosts from this collection's own code."""

from __future__ import annotations

DOCUMENTATION = r"""
name: driver_sources
short_description: Files of the network driver
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns the files of the network driver and of its networks, a part of this collection's module_utils, as the Python
    package C(container_network); as entries for the option O(container_network.lab.recorded_files#module:files).
  - Networks may come from further packages, which are copied beside it, and import it by that name.
options:
  _terms:
    description:
      - The modules of the networks, as the driver's configuration names them, such as V(.calico.driver). A name without
        the dot is in one of the O(packages).
    type: list
    elements: str
  checksums:
    description:
      - Return the checksums of the files instead, one text of lines as C(sha256sum --check) reads them.
      - A look at a host by the shell costs a tenth of a task that compares contents.
    type: bool
    default: false
  library:
    description: The folder on the hosts under which the packages go.
    required: true
    type: path
  packages:
    description: Folders on the controller, each of which is a further Python package, whole.
    default: []
    type: list
    elements: path
"""

EXAMPLES = r"""
- name: Install the driver's code
  container_network.lab.recorded_files:
    files: "{{ query('container_network.lab.driver_sources', '.calico.driver', library='/usr/local/lib/driver') }}"

- name: Install it with a network that is not of this collection
  container_network.lab.recorded_files:
    files: >-
      {{ query('container_network.lab.driver_sources', 'my_networks.driver',
               library='/usr/local/lib/driver', packages=[playbook_dir ~ '/my_networks']) }}
"""

RETURN = r"""
_raw:
  description: One entry for each file, with C(path) and C(content); or one text with all checksums.
  type: list
  elements: raw
"""

from collections.abc import Iterable  # noqa: E402
from functools import cache  # noqa: E402
from hashlib import sha256  # noqa: E402
from pathlib import Path  # noqa: E402

from ansible.errors import AnsibleLookupError  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.container_network.lab.plugins.module_utils.package_copy import (  # noqa: E402
    PACKAGE,
    modules_used,
    package_files,
)

PROGRAM = "driver.__main__"


class LookupModule(LookupBase):
    """The files of the driver with some networks."""

    def run(self, terms, variables=None, **kwargs):
        """Return the files that a driver with these networks needs, as packages under ``library``."""
        self.set_options(var_options=variables, direct=kwargs)
        packages = tuple(Path(self._loader.path_dwim(folder)) for folder in self.get_option("packages"))
        files = driver_files(tuple(terms), Path(self.get_option("library")), packages)
        if self.get_option("checksums"):
            return ["\n".join(f"{sha256(text.encode()).hexdigest()}  {path}" for path, text in files.items())]
        return [{"path": str(path), "content": text} for path, text in files.items()]


@cache
def driver_files(modules: tuple[str, ...], library: Path, packages: tuple[Path, ...]) -> dict[Path, str]:
    """The text of each file on the hosts; the variables of a task ask for them several times.

    AnsibleLookupError names all that is wrong with the packages.
    """
    ours = [module[1:] for module in modules if module.startswith(".")]
    problems = package_problems([module for module in modules if not module.startswith(".")], packages)
    if problems:
        raise AnsibleLookupError("\n".join(problems))
    others = {library / folder.name / path: text for folder in packages for path, text in sources(folder).items()}
    try:
        return {**package_files(library, [PROGRAM, *ours, *modules_used(others.values())]), **others}
    except (FileNotFoundError, SyntaxError) as error:
        raise AnsibleLookupError(f"a package of {', '.join(map(str, packages))} cannot be used: {error}") from error


def sources(folder: Path) -> dict[Path, str]:
    """The text of all Python files of a package, by their paths in it."""
    return {path.relative_to(folder): path.read_text() for path in sorted(folder.rglob("*.py"))}


def package_problems(modules: Iterable[str], folders: Iterable[Path]) -> list[str]:
    """What is wrong with the folders, and which modules are in none of them."""
    by_name = {folder.name: folder for folder in folders}
    problems = [
        f"the package {folder} must be a folder with an __init__.py, whose name Python can import"
        for folder in by_name.values()
        if not folder.name.isidentifier() or not (folder / "__init__.py").is_file()
    ]
    if PACKAGE in by_name:
        problems.append(f"the package {by_name[PACKAGE]} has the name of this collection's own: rename it")
    for module in modules:
        name, *parts = module.split(".")
        path = by_name.get(name, Path(name)).joinpath(*parts)
        if name not in by_name or not (path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()):
            problems.append(
                f"the module '{module}' is in none of the packages ({', '.join(by_name) or 'none'}): "
                "add its package's folder, or begin the name with a dot if it is one of this collection's"
            )
    return problems
