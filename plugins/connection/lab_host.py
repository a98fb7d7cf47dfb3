# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to a lab host: into the namespaces of its container, without a round trip through Docker."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lab_host
short_description: Enter the namespaces of a lab host's container on this machine
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Runs tasks in a container of the Docker Engine on the controller by C(nsenter), with pipelining, in a third of the
    time of a connection through Docker.
  - Docker is asked for the container's process id. A container that does not run makes its host unreachable.
  - The tasks run as root, and the controller must run as root, as with C(sudo env "PATH=$PATH" ansible-playbook).
  - Tasks find a host's own environment, as they do over SSH, and nothing of the controller's.
extends_documentation_fragment:
  - connection_pipelining
options:
  container:
    description: Name of the container; that of the host in the inventory unless told otherwise.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_lab_host_container
notes:
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
"""

EXAMPLES = r"""
# in an inventory
all:
  vars:
    ansible_connection: container_network.lab.lab_host
"""

import getpass
import os
import subprocess
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.lab.entry import ENVIRONMENT, entering

display = Display()


class Connection(ConnectionBase):
    """Runs commands inside a container as its init process sees the world."""

    transport = "container_network.lab.lab_host"
    has_pipelining = True

    _enter: list[str]

    def _connect(self) -> Connection:
        """Find the container's init process; nothing is kept open."""
        if not self._connected:
            container = self.get_option("container")
            if os.geteuid() != 0:
                raise AnsibleConnectionFailure(
                    f"lab host {container} can be entered by root only, and this is user '{getpass.getuser()}': "
                    'run the same with sudo and your own search path, sudo env "PATH=$PATH" ansible-playbook ...'
                )
            try:
                self._enter = entering(container)
            except LabError as error:
                raise AnsibleConnectionFailure(
                    f"lab host {container} is not running: run playbooks/lab_up.yml with the same inventory. ({error})"
                ) from error
            self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a shell command line; returns exit status, output and error output."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._run(["/bin/sh", "-c", cmd], in_data)

    def _run(self, command: list[str], in_data: bytes | None = None) -> tuple[int, bytes, bytes]:
        display.vvv(f"EXEC {' '.join(self._enter)} {' '.join(command)}", host=self.get_option("container"))
        done = subprocess.run(
            self._enter + command, input=in_data or b"", capture_output=True, check=False, env=ENVIRONMENT
        )
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the host."""
        super().put_file(in_path, out_path)
        status, _output, error = self._run(["tee", out_path], Path(in_path).read_bytes())
        if status != 0:
            raise AnsibleError(f"{out_path} cannot be written: {error.decode(errors='replace').strip()}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the host."""
        super().fetch_file(in_path, out_path)
        status, output, error = self._run(["cat", in_path])
        if status != 0:
            raise AnsibleError(f"{in_path} cannot be read: {error.decode(errors='replace').strip()}")
        Path(out_path).write_bytes(output)

    def close(self) -> None:
        """Forget the process."""
        self._connected = False
