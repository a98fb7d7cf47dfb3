# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labs on this machine, as its Docker tells by the ``docker`` SDK: their hosts, and whether they run."""

from __future__ import annotations

import os
from typing import Any

from ..docker.containers import GROUP_LABEL
from ..kernel.namespaces import NAMED_NAMESPACES

PACKAGE = "docker"
"""The SDK's name on PyPI; in Debian it is python3-docker."""
_GROUP_PREFIX = "lab-"


def find_labs() -> tuple[list[dict[str, Any]], str]:
    """The labs by name, each with its hosts, and why they could not be looked for (empty: they could).

    A machine without Docker, or whose Docker does not run, has no labs, and is none the worse for it.
    """
    try:
        import docker
    except ImportError:
        return (
            [],
            f"the Python that runs Ansible lacks the package {PACKAGE}: install it to see the labs of this machine",
        )
    try:
        client = docker.from_env()
        found = client.containers.list(all=True, filters={"label": GROUP_LABEL}, ignore_removed=True)
    except docker.errors.DockerException as error:
        return [], f"this machine's Docker cannot be asked for labs: {error}"
    hosts: dict[str, list[dict[str, Any]]] = {}
    for container in found:
        group = container.labels[GROUP_LABEL]
        if group.startswith(_GROUP_PREFIX):
            hosts.setdefault(group[len(_GROUP_PREFIX) :], []).append(
                {
                    "name": container.name,
                    "status": container.status,
                    "image": container.attrs["Config"]["Image"],
                }
            )
    return [
        {
            "name": name,
            "router": f"underlay-{name}" if os.path.exists(f"{NAMED_NAMESPACES}/underlay-{name}") else None,
            "hosts": sorted(hosts[name], key=lambda host: host["name"]),
        }
        for name in sorted(hosts)
    ], ""
