# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor plan of module_utils: which package may import which. docs/architecture.md explains it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils import package_copy
from ansible_collections.container_network.lab.plugins.module_utils.package_copy import imported_modules

MODULE_UTILS = Path(package_copy.__file__).parent
ROOT = MODULE_UTILS.parents[1]

# What the packages below a floor may import is on lower floors. What is on one floor knows nothing of its neighbours.
FLOORS = (
    {"errors"},
    {"outcome", "validation", "atomic_file"},
    {"kernel", "datastore", "aws_vpc"},
    {"package_copy"},
    {"recorded"},
    {"docker"},
    {"driver", "checks", "commands", "lab", "topology"},
    {"flannel", "calico", "weave", "overlay", "kuryr", "course", "measure"},
)
# The adapter to Ansible stands beside the house: modules import it, and nothing else does.
ADAPTER = "ansible_module"
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path.relative_to(MODULE_UTILS) for path in MODULE_UTILS.rglob("*.py") if path.name != "__init__.py")


def room_of(module: str) -> str:
    """The package of a module, or the module itself if it is directly in module_utils."""
    return module.partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_go_one_way(path: Path) -> None:
    module = ".".join(path.with_suffix("").parts)
    room = room_of(module)
    imported = {room_of(name) for name in imported_modules(module, (MODULE_UTILS / path).read_text())} - {room}
    if room == ADAPTER:
        return
    assert room in FLOOR_OF, f"{room} has no floor: put the file into a package, or the package into FLOORS"
    assert {name for name in imported if FLOOR_OF.get(name, len(FLOORS)) >= FLOOR_OF[room]} == set()


def test_the_pages_name_every_package_and_every_file_of_the_driver() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    packages = {str(path.parent) for path in FILES} - {"."}
    assert {name for name in packages if f"`{name}`" not in page} == set()
    page = (ROOT / "roles/network_driver/README.md").read_text()
    driver = {path.name for path in FILES if path.parts[0] == "driver"}
    assert {name for name in driver if f"`{name}`" not in page} == set()


def test_few_files_are_outside_of_a_package() -> None:
    outside = {path.stem for path in FILES if len(path.parts) == 1}
    assert outside == {"errors", "outcome", "validation", "atomic_file", "package_copy", ADAPTER}
