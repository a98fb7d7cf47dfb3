# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that loads this collection into Ansible's own process, before that forks one for each task and host."""

from __future__ import annotations

import gc
import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

PLUGINS = __name__.rpartition(".filter.")[0]


def plugins_loaded(hosts: str) -> str:
    """The pattern of a play's hosts, as it is, when all plugins that templates use are loaded.

    Ansible evaluates a play's ``hosts`` itself, and nearly everything else in processes of its own for each task and
    host. What is loaded when it forks them is there in all of them. The rest each of them compiles anew, since modules
    of collections have no cached bytecode (``_AnsibleCollectionPkgLoaderBase.get_code`` of ansible-core).

    What is there now also stays: garbage collection need not look through it any more, which would give each of those
    processes a copy of its own of all that memory (gc.freeze of Python's library is made for this).
    """
    for kind in ("filter", "lookup"):
        package = import_module(f"{PLUGINS}.{kind}")
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
    # The rules of the networks, which the filters import by the network's name.
    for rules in Path(__file__).parents[1].glob("module_utils/*/inventory.py"):
        import_module(f"{PLUGINS}.module_utils.{rules.parent.name}.inventory")
    gc.freeze()
    return hosts


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"plugins_loaded": plugins_loaded}
