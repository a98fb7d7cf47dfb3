# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that finds the networks that there are."""

from __future__ import annotations

DOCUMENTATION = r"""
name: networks
short_description: Container networks, and the roles that make them
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns the roles that are networks, by the name of the network, which is that of the role.
  - A role is a network if it has the file C(meta/network.yml). Looked at are the roles of this collection, and those in
    the folder C(roles) beside the playbook and in Ansible's search path of roles.
options: {}
"""

EXAMPLES = r"""
- name: Show which networks there are
  ansible.builtin.debug:
    msg: "{{ lookup('container_network.lab.networks') | join(', ') }}"
"""

RETURN = r"""
_raw:
  description:
    - One dictionary with an entry for each network, which has C(role), the full name of the role, and C(declaration),
      the path of its C(meta/network.yml), C(docker_drivers), the drivers of its Docker networks, C(iptables_chains),
      what the names of its iptables chains begin with, C(variants), the forms of it that are compared, none if there
      is but one, and C(joins_workloads), whether it has tasks for the time when the workloads run.
  type: list
  elements: dict
  sample:
    - calico:
        role: container_network.lab.calico
        declaration: /collection/roles/calico/meta/network.yml
        docker_drivers: [calico]
        iptables_chains: [cali-]
        variants: [{name: calico}]
        joins_workloads: false
"""

from collections.abc import Mapping  # noqa: E402
from functools import cache  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import yaml  # noqa: E402
from ansible import constants  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

COLLECTION = "container_network.lab"
DECLARATION = "meta/network.yml"
WORKLOADS = "tasks/workloads.yml"


@cache
def networks_in(folder: Path, prefix: str = "") -> dict[str, dict[str, Any]]:
    """The networks in a folder of roles, as they were when a run first asked: plays ask with nearly each task."""
    return {
        path.parents[1].name: {
            "role": f"{prefix}{path.parents[1].name}",
            "declaration": str(path),
            "docker_drivers": declared["network_docker_drivers"],
            "iptables_chains": declared.get("network_iptables_chains", []),
            "variants": declared.get("network_variants", []),
            "joins_workloads": (path.parents[1] / WORKLOADS).exists(),
        }
        for path in sorted(folder.glob(f"*/{DECLARATION}"))
        for declared in (yaml.safe_load(path.read_text()),)
    }


def find_networks(variables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The networks of the collection, and those of the user whose play has these variables."""
    beside_playbook = Path(variables.get("playbook_dir", ".")) / "roles"
    found: dict[str, dict[str, Any]] = {}
    for place in (beside_playbook, *map(Path, constants.DEFAULT_ROLES_PATH)):
        found.update(networks_in(place))
    found.update(networks_in(Path(__file__).parents[2] / "roles", f"{COLLECTION}."))
    return found


class LookupModule(LookupBase):
    """Networks and their roles."""

    def run(self, terms, variables=None, **kwargs):
        """Return the networks of the collection, and those of the user."""
        self.set_options(var_options=variables, direct=kwargs)
        return [find_networks(variables or {})]
