# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command docker_netns: list the network namespaces of Docker, and run commands in them.

It is docker_netns.sh of the document "implementation principle of mainstream Docker networks", as a command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ..docker.host_namespaces import docker_view
from ..errors import LabError
from ..kernel.namespaces import open_namespace, see_devices_of_own_network, set_namespace
from .runner import run

NAME = "docker_netns"
USAGE = """\
usage: docker_netns                       list the network namespaces of Docker, and those of "ip netns"
       docker_netns NAME COMMAND ...      run a command in one of them, or in that of a running container

NAME is a namespace of the list, or the name, the id, or the beginning of the id of a container.
"default" is the host's own namespace, 1-... is that of an overlay network.

examples: docker_netns busybox ip addr
          docker_netns 1-19c5d1a7ef bridge fdb
"""
# As shells and nsenter(1) do it (POSIX, Shell Command Language, 2.8.2).
CANNOT_RUN, NOT_FOUND = 126, 127


def main() -> int:
    """Run the command."""
    return run(NAME, USAGE, docker_netns)


def docker_netns(arguments: Sequence[str]) -> int:
    """List the namespaces, or become the given command in one of them."""
    if not arguments:
        sys.stdout.writelines(f"{namespace.name}\n" for namespace in docker_view())
        return 0
    name, *command = arguments
    path = namespace_file(name)
    if not command:
        raise LabError(f"No command specified: say what to run in '{name}', as in 'docker_netns {name} ip addr'.")
    enter(path, name)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"{NAME}: cannot run '{command[0]}': {error.strerror}.\n")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN


def namespace_file(name: str) -> str:
    """The file that stands for the namespace of this name, or for that of a container."""
    for namespace in docker_view():
        if name in namespace.names:
            return namespace.path
    from ..docker.engine import container_pid  # only here, because it takes longer to import than all the rest

    try:
        return f"/proc/{container_pid(name)}/ns/net"
    except LabError as error:
        raise LabError(
            f"Cannot open network namespace '{name}': No such file or directory. '{NAME}' lists what is there. {error}"
        ) from error


def enter(path: str, name: str) -> None:
    """Put this process into a namespace, for good."""
    descriptor = open_namespace(path)
    set_namespace(descriptor, name)
    os.close(descriptor)
    see_devices_of_own_network()
