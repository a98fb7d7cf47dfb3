# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where containers are attached: the network namespaces of a host, their links, and the peer of each veth."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kernel.links import LinkState, LinkTable
from ..kernel.namespaces import NAMED_NAMESPACES, OWN_NAMESPACE, NoSuchNamespace
from ..kernel.veth import Namespace, Namespaces
from .host_namespaces import DOCKER_NAMESPACES, Identity, KnownNamespace, named_in, note

OWN_NAME = "host"


@dataclass(frozen=True)
class ContainerPlace:
    """A running container and the file that the engine keeps for its network namespace."""

    name: str
    id: str
    pid: int
    sandbox: str  # a path; empty where the engine tells none

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ContainerPlace:
        """Where a container is, from what ``docker inspect`` tells of it."""
        return cls(
            name=document["Name"].lstrip("/"),
            id=document["Id"],
            pid=document["State"]["Pid"],
            sandbox=document["NetworkSettings"].get("SandboxKey", ""),
        )


@dataclass
class FoundNamespace(KnownNamespace):
    """One network namespace and everything that is known about it."""

    containers: list[str] = field(default_factory=list)
    links: LinkTable = field(default_factory=LinkTable)
    neighbours: dict[int, str] = field(default_factory=dict)  # names of other namespaces, by the ids it has for them


@dataclass(frozen=True)
class OtherEnd:
    """The peer of a veth; ``bridge`` is the bridge it is a port of."""

    namespace: str
    name: str
    index: int
    bridge: str | None


def find_namespaces(containers: Iterable[ContainerPlace]) -> dict[str, FoundNamespace]:
    """All network namespaces that have a name or a container, by their name, with their links."""
    containers = list(containers)
    found: dict[Identity, FoundNamespace] = {}
    note(found, OWN_NAMESPACE, OWN_NAME, FoundNamespace)
    folders = [NAMED_NAMESPACES, DOCKER_NAMESPACES, *(os.path.dirname(c.sandbox) for c in containers if c.sandbox)]
    for folder in dict.fromkeys(folders):
        for path, name in named_in(folder):
            note(found, path, name, FoundNamespace)
    for container in containers:
        namespace = note(found, f"/proc/{container.pid}/ns/net", container.name, FoundNamespace)
        if namespace is not None:
            namespace.containers.append(container.name)
    namespaces = {namespace.name: namespace for namespace in found.values()}
    _read(namespaces)
    return namespaces


def other_end(namespaces: Mapping[str, FoundNamespace], namespace: FoundNamespace, link: LinkState) -> OtherEnd | None:
    """The peer of a veth; None for other kinds, and where the namespace of the peer has no name."""
    if link.kind != "veth" or link.lower is None:
        return None
    if link.lower_netnsid is None:
        there: FoundNamespace | None = namespace
    else:
        there = namespaces.get(namespace.neighbours.get(link.lower_netnsid, ""))
    if there is None:
        return None
    peer = next((candidate for candidate in there.links.values() if candidate.index == link.lower), None)
    return peer and OtherEnd(there.name, peer.name, peer.index, there.links.name_of(peer.master))


def describe_link(
    namespaces: Mapping[str, FoundNamespace], namespace: FoundNamespace, link: LinkState
) -> dict[str, Any]:
    """A link as plain data."""
    end = other_end(namespaces, namespace, link)
    return {
        "index": link.index,
        "name": link.name,
        "kind": link.kind,
        "mtu": link.mtu,
        "mac": link.mac,
        "up": link.up,
        "master": namespace.links.name_of(link.master),
        "addresses": sorted(link.addresses),
        "peer": end and {"namespace": end.namespace, "name": end.name, "index": end.index, "bridge": end.bridge},
    }


def describe_namespace(namespaces: Mapping[str, FoundNamespace], namespace: FoundNamespace) -> dict[str, Any]:
    """A namespace and its links, in the order of their indexes, as plain data."""
    links = sorted(namespace.links.values(), key=lambda link: link.index)
    return {
        "name": namespace.name,
        "names": namespace.names,
        "path": namespace.path,
        "containers": sorted(namespace.containers),
        "links": [describe_link(namespaces, namespace, link) for link in links],
    }


def describe_container(namespaces: Mapping[str, FoundNamespace], container: ContainerPlace) -> dict[str, Any]:
    """A container and its interfaces, the loopback device aside, as plain data."""
    namespace = next((each for each in namespaces.values() if container.name in each.containers), None)
    links = describe_namespace(namespaces, namespace)["links"] if namespace is not None else []
    return {
        "name": container.name,
        "id": container.id,
        "pid": container.pid,
        "sandbox": container.sandbox,
        "namespace": namespace and namespace.name,
        "interfaces": [link for link in links if link["name"] != "lo"],
    }


def _read(namespaces: dict[str, FoundNamespace]) -> None:
    """Read the links of each. A namespace that goes meanwhile, as that of a container does with it, is left out."""
    with Namespaces() as opened:
        for namespace in list(namespaces.values()):
            try:
                namespace.links = opened[None if namespace.name == OWN_NAME else namespace.path].links
            except NoSuchNamespace:
                del namespaces[namespace.name]
        for namespace in namespaces.values():
            if any(link.lower_netnsid is not None for link in namespace.links.values()):
                here = opened[None if namespace.name == OWN_NAME else namespace.path]
                ids = {_id_of(here, other.path): other.name for other in namespaces.values() if other is not namespace}
                namespace.neighbours = {number: name for number, name in ids.items() if number is not None}


def _id_of(namespace: Namespace, other: str) -> int | None:
    try:
        return namespace.id_of(other)
    except NoSuchNamespace:
        return None
