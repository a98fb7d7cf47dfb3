# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup of the process id by which a connection enters a lab host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: container_pid
short_description: Process id of a running container on the Ansible controller
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns the process id of the first process of a container of the Docker Engine on the controller, for
    P(community.docker.nsenter#connection), which reaches a lab host in half the time of a connection through Docker.
  - Needs neither the C(docker) program nor the Docker SDK for Python.
options:
  _terms:
    description: Names of the containers.
    required: true
    type: list
    elements: string
notes:
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.docker_containers
"""

EXAMPLES = r"""
# in an inventory
all:
  vars:
    ansible_connection: community.docker.nsenter
    ansible_nsenter_pid: "{{ lookup('container_network.lab.container_pid', inventory_hostname) }}"
"""

RETURN = r"""
_raw:
  description: The process ids, in the order of the names.
  type: list
  elements: int
"""

from ansible.errors import AnsibleLookupError  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.container_network.lab.plugins.module_utils.docker_engine import (  # noqa: E402
    Engine,
    EngineNotRunning,
    container_pid,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError  # noqa: E402

WAY_OUT = "run playbooks/lab_up.yml with the same inventory"


class LookupModule(LookupBase):
    """Process ids of containers, by name."""

    def run(self, terms, variables=None, **kwargs):
        """Return one process id for each name in ``terms``."""
        self.set_options(var_options=variables, direct=kwargs)
        engine = Engine()
        return [_pid(engine, name) for name in terms]


def _pid(engine: Engine, name: str) -> int:
    try:
        return container_pid(name, engine)
    except EngineNotRunning as error:
        raise AnsibleLookupError(f"lab host {name} is not running: {WAY_OUT}. {error}") from None
    except LabError as error:
        raise AnsibleLookupError(f"lab host {name} is not running: {WAY_OUT}. ({error})") from None
