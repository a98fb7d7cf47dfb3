# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that loads this collection into Ansible's own process, before that forks one for each task and host.

It is a lookup since of those Ansible loads the one that is asked for. Of filters it loads all others before.
"""

from __future__ import annotations

DOCUMENTATION = r"""
name: plugins_loaded
short_description: Load the collection's plugins before Ansible forks
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns a play's hosts as they are. Ansible evaluates them in its own process, where the lookup loads all filters
    and lookups of this collection, and the rules of its networks.
  - Otherwise each of the processes that Ansible forks, one for each task and host, would compile those again that the
    task uses, which is half of the processor time of a run that changes nothing.
  - Nor does garbage collection look through what is loaded by then, which would copy that memory into each of those
    processes, a twelfth of the time.
  - What is compiled, and what Ansible sends of modules to hosts, is kept in C(~/.ansible/container_network.lab), or
    below C(ANSIBLE_HOME), for the next run, which takes a fifth less of the processor's time by that. It can be removed
    at any time. A folder that other users may write to is not used.
options:
  _terms:
    description: Pattern of the hosts of a play, which is the first of its playbook.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Check the network
  hosts: "{{ lookup('container_network.lab.plugins_loaded', 'nodes') }}"
  tasks:
    - name: Verify it
      ansible.builtin.include_role:
        name: container_network.lab.flannel
        tasks_from: verify
"""

RETURN = r"""
_raw:
  description: The pattern.
  type: list
  elements: str
  sample: ["nodes"]
"""

import gc  # noqa: E402
import pkgutil  # noqa: E402
from importlib import import_module  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from ansible.plugins.loader import filter_loader, test_loader  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.container_network.lab.plugins.lookup.networks import find_networks  # noqa: E402
from ansible_collections.container_network.lab.plugins.plugin_utils.run_cache import use_run_cache  # noqa: E402

PLUGINS = __name__.rpartition(".lookup.")[0]


class LookupModule(LookupBase):
    """Loads plugins."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """The pattern of a play's hosts, as it is, when all plugins that templates use are loaded.

        Ansible evaluates a play's ``hosts`` itself, and nearly everything else in processes of its own for each task
        and host. What is loaded when it forks them is there in all of them.

        What is there now also stays: garbage collection need not look through it any more, which would give each of
        those processes a copy of its own of all that memory (gc.freeze of Python's library is made for this).
        """
        use_run_cache()
        for kind in ("filter", "lookup"):
            package = import_module(f"{PLUGINS}.{kind}")
            for module in pkgutil.iter_modules(package.__path__):
                import_module(f"{package.__name__}.{module.name}")
        # The rules of the networks, which the filters import by the network's name.
        for rules in Path(__file__).parents[1].glob("module_utils/*/inventory.py"):
            import_module(f"{PLUGINS}.module_utils.{rules.parent.name}.inventory")
        find_networks(variables or {})
        for loader, name in ((filter_loader, "default"), (test_loader, "defined")):
            loader.get(f"ansible.builtin.{name}")  # the first one loads all of Ansible's own
        gc.freeze()
        return terms
