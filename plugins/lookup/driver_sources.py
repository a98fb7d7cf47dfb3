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
options:
  _terms:
    description: The modules of the networks, as the driver's configuration names them, such as V(.calico.driver).
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
"""

EXAMPLES = r"""
- name: Install the driver's code
  container_network.lab.recorded_files:
    files: "{{ query('container_network.lab.driver_sources', '.calico.driver', library='/usr/local/lib/driver') }}"
"""

RETURN = r"""
_raw:
  description: One entry for each file, with C(path) and C(content); or one text with all checksums.
  type: list
  elements: raw
"""

from functools import cache  # noqa: E402
from hashlib import sha256  # noqa: E402
from pathlib import Path  # noqa: E402

from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.container_network.lab.plugins.module_utils.package_copy import package_files  # noqa: E402

PROGRAM = "driver.__main__"


@cache
def _files(library: str, modules: tuple[str, ...]) -> dict[Path, str]:
    """The files of the driver with these modules; the variables of a task ask for them several times."""
    return package_files(Path(library), [PROGRAM, *modules])


class LookupModule(LookupBase):
    """The files of the driver with some networks."""

    def run(self, terms, variables=None, **kwargs):
        """Return the files that a driver with these networks needs, as a package under ``library``."""
        self.set_options(var_options=variables, direct=kwargs)
        files = _files(self.get_option("library"), tuple(term[1:] for term in terms if term.startswith(".")))
        if self.get_option("checksums"):
            return ["\n".join(f"{sha256(text.encode()).hexdigest()}  {path}" for path, text in files.items())]
        return [{"path": str(path), "content": text} for path, text in files.items()]
