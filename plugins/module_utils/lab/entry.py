# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a command gets into a lab host: through the namespaces of its container, without a round trip through Docker."""

from __future__ import annotations

from ..docker.engine import container_pid

ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "LOGNAME": "root",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SHELL": "/bin/bash",
    "USER": "root",
}
"""What root finds after logging in on a Debian host."""
_NAMESPACES = ("--ipc", "--mount", "--net", "--pid", "--uts", "--cgroup")


def entering(container: str) -> list[str]:
    """The words before a command that run it where the container's init process runs.

    Raises ``LabError`` when the container does not run, or Docker does not answer.
    """
    return ["nsenter", f"--target={container_pid(container)}", *_NAMESPACES, "--"]
