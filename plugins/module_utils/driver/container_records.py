# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of a `NamedFollower` in the datastore, one key each: ``…/containers/NODE/ENDPOINT``.

The keys have a lease of their host, so those of a host that was lost or taken out end by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..datastore.etcd import Etcd
from ..datastore.mirror import EtcdSnapshot
from ..datastore.reading import Reading, ipv4_address, word, words
from .dns_names import ContainerName
from .host import Host

LEASE_SECONDS = 90
"""How long after its host's last sign of life a container has its name."""


@dataclass(frozen=True)
class NamedContainer:
    """A container's connection to one network."""

    endpoint_id: str
    container: str  # the container's name
    network: str
    addresses: tuple[str, ...]  # without prefix length
    aliases: tuple[str, ...] = ()

    def text(self) -> str:
        """As stored."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> NamedContainer:
        """From the stored document, where fields that are not known here are passed over."""
        addresses = tuple(map(ipv4_address, words(document, "addresses")))
        texts = (word(document, name) for name in ("endpoint_id", "container", "network"))
        return cls(*texts, addresses, words(document, "aliases"))


class ContainerRecords:
    """Of one network. ``prefix`` is its place in the datastore."""

    def __init__(self, host: Host, prefix: str) -> None:
        self._host = host
        self._own = own_prefix(prefix, host.node)
        self._lease = 0

    def publish(self, containers: Iterable[NamedContainer]) -> None:
        """Make the datastore have this host's containers and no others of it, for as long as this host lives."""
        etcd = self._host.etcd
        left, _granted = etcd.time_to_live(self._lease) if self._lease else (-1, 0)
        if left < 0:
            self._lease = etcd.grant(LEASE_SECONDS)
        else:
            etcd.keep_alive(self._lease)
        wanted = {f"{self._own}{one.endpoint_id}": one.text() for one in containers}
        stored = {item.key: item for item in etcd.get_prefixes(self._own)[0]}
        for key, text in wanted.items():
            if key not in stored or (stored[key].value, stored[key].lease) != (text, self._lease):
                etcd.put(key, text, self._lease)
        for key in stored.keys() - wanted.keys():
            etcd.delete(key)


def names(copy: EtcdSnapshot, prefix: str, reading: Reading) -> list[ContainerName]:
    """The names of all hosts' containers; their age is that of their keys. Pure."""
    found = []
    for item in copy.get_prefixes(f"{prefix}containers/")[0]:
        one = reading.document(item.key, NamedContainer.from_document, item.value)
        if one:
            found.append(
                ContainerName(
                    one.container,
                    one.network,
                    one.addresses,
                    item.mod_revision,
                    aliases=one.aliases,
                    endpoint_id=one.endpoint_id,
                )
            )
    return found


def own_prefix(prefix: str, node: str) -> str:
    """What the keys of a host begin with."""
    return f"{prefix}containers/{node}/"


def forget(etcd: Etcd, prefix: str, node: str) -> None:
    """Remove the keys of a host that is taken out."""
    for item in etcd.get_prefixes(own_prefix(prefix, node))[0]:
        etcd.delete(item.key)
