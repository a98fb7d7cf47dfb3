# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network namespaces of a host that have a name: its own, those of ip-netns(8), and those of its Docker Engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from ..kernel.namespaces import NAMED_NAMESPACES, OWN_NAMESPACE, NoSuchNamespace
from .engine import ContainerNotRunning, EngineNotRunning, container_pid

DOCKER_NAMESPACES = "/var/run/docker/netns"  # where the Docker Engine keeps those of containers and overlays
# What the Docker Engine calls the host's own namespace, from the first container on that uses it.
DOCKERS_NAME_OF_OWN = "default"


@dataclass
class KnownNamespace:
    """One network namespace: a file that stands for it, and all its names, the best known first."""

    path: str
    names: list[str]

    @property
    def name(self) -> str:
        """The name by which it is spoken of."""
        return self.names[0]


def namespace_of_container(name: str) -> str:
    """The file that stands for the namespace of a running container."""
    try:
        return f"/proc/{container_pid(name)}/ns/net"
    except (ContainerNotRunning, EngineNotRunning) as error:
        raise NoSuchNamespace(str(error)) from error


Identity = tuple[int, int]  # device and inode of the files that stand for one namespace
Known = TypeVar("Known", bound=KnownNamespace)


def docker_view() -> list[KnownNamespace]:
    """The namespaces as the documents list them, sorted by name: those of Docker, here with those of ip-netns(8)."""
    found: dict[Identity, KnownNamespace] = {}
    note(found, OWN_NAMESPACE, DOCKERS_NAME_OF_OWN, KnownNamespace)
    for path, name in (*named_in(DOCKER_NAMESPACES), *named_in(NAMED_NAMESPACES)):
        note(found, path, name, KnownNamespace)
    return sorted(found.values(), key=lambda namespace: namespace.name)


def named_in(folder: str) -> Iterator[tuple[str, str]]:
    """The paths and names of a folder's files; none if there is no such folder."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for name in names:
        yield f"{folder}/{name}", name


def note(found: dict[Identity, Known], path: str, name: str, new: Callable[[str, list[str]], Known]) -> Known | None:
    """Add a namespace, or another name of one that is known; None where the file stands for no namespace (any more)."""
    try:
        status, own = os.stat(path), os.stat(OWN_NAMESPACE)
    except OSError:
        return None
    if status.st_dev != own.st_dev:  # a leftover file, on which no namespace is mounted
        return None
    namespace = found.setdefault((status.st_dev, status.st_ino), new(path, []))
    if name not in namespace.names:
        namespace.names.append(name)
    return namespace
