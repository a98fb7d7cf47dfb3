# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints and addresses of a network's datastore, in a form that all networks share. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from .dns_names import ContainerName


class HeldAddress(NamedTuple):
    """An address (without prefix length), and the space in which it is unique: see `Network.space`."""

    space: str
    address: str


@dataclass(frozen=True)
class StoredEndpoint:
    """A container's connection to a network, on any host, as the datastore has it."""

    endpoint_id: str
    node: str
    network: str  # by name, which is the same on all hosts
    addresses: tuple[str, ...]  # without prefix length
    device: str  # the host end of its veth pair
    container: str = ""  # the container's name; empty until it is known
    revision: int = 0  # of its key: the older the endpoint, the lower

    def described(self) -> str:
        """For messages."""
        return f"container {self.container or self.endpoint_id[:11]} on {self.node} (network {self.network})"


def container_names(endpoints: Iterable[StoredEndpoint]) -> list[ContainerName]:
    """The names of all containers; their age is that of the endpoint."""
    newest: dict[tuple[str, str, str], StoredEndpoint] = {}
    for endpoint in endpoints:
        if endpoint.container and endpoint.network:
            # Names of containers are unique on a host: an older endpoint of one is about to be removed.
            key = (endpoint.node, endpoint.container, endpoint.network)
            newest[key] = max(endpoint, newest.get(key, endpoint), key=lambda one: one.revision)
    return [
        ContainerName(one.container, one.network, one.addresses, one.revision, endpoint_id=one.endpoint_id)
        for one in newest.values()
    ]
