# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker networks of this host, by id, in the datastore: ``…/networks/NODE/ID``.

Docker identifies a network by an id, which differs from host to host; the hosts share its name. Docker omits the name
when it creates the network, so the name is queried afterwards, and stored for boots, when Docker answers no query.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..datastore.documents import parse_object, updated_document
from ..datastore.etcd import KeyValue, Put, unchanged_since
from ..datastore.mirror import EtcdSnapshot
from ..datastore.reading import Reading, value, word, words
from ..errors import LabError
from .docker_view import DockerNetwork, DockerView
from .host import Host
from .libnetwork import NetworkRequest, PoolId

DEFINITION_LABEL = "container_network.lab.definition"
"""A network that this service made because another host has it bears the token of its definition."""
NAME_SECONDS = 5.0
"""How long Docker may take to list a network that it has just created."""


class Described(Protocol):
    """What a record takes from a network, as Docker has it or as it was defined."""

    @property
    def name(self) -> str:
        """Of ``docker network create``."""

    @property
    def subnets(self) -> tuple[str, ...]:
        """In CIDR notation."""

    @property
    def ranges(self) -> tuple[str, ...]:
        """Of ``--ip-range``."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Of ``--label``, and the service's own."""


@dataclass(frozen=True)
class NetworkRecord:
    """A Docker network of this host."""

    network_id: str
    name: str = ""  # empty until Docker has been queried
    ipv6: bool = False
    internal: bool = False
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()  # with prefix length
    ranges: tuple[str, ...] = ()  # of ``--ip-range``; known with the name
    options: Mapping[str, str] = field(default_factory=dict)  # of ``docker network create --opt``
    tokens: tuple[str, ...] = ()  # of its pools
    definition: str = ""  # token of what all hosts made it from, see `shared_networks`; empty for this host's alone

    @classmethod
    def of_request(cls, request: NetworkRequest, tokens: Iterable[str] = ()) -> NetworkRecord:
        """From Docker's request. A pool of all addresses is no subnet."""
        return cls(
            request.network_id,
            ipv6=request.ipv6,
            internal=request.internal,
            subnets=tuple(str(pool.subnet) for pool in request.pools if pool.subnet.prefixlen),
            gateways=tuple(str(pool.gateway) for pool in request.pools if pool.gateway and pool.subnet.prefixlen),
            options=request.options,
            tokens=tuple(tokens),
        )

    def updated(self, network: Described) -> NetworkRecord:
        """With what a query of Docker returned, or with what Docker was asked to make."""
        return dataclasses.replace(
            self,
            name=network.name,
            subnets=network.subnets or self.subnets,
            ranges=network.ranges,
            definition=self.definition or network.labels.get(DEFINITION_LABEL, ""),
        )

    def of_definition(self, token: str) -> NetworkRecord:
        """Made as all hosts have it."""
        return dataclasses.replace(self, definition=token)

    def text(self) -> str:
        """As stored."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> NetworkRecord:
        """From the stored text; fields that are not known here are passed over. Raises what `Reading.text` expects."""
        content = parse_object(text, "it")
        return cls(
            word(content, "network_id"),
            value(content, "name", str, ""),
            value(content, "ipv6", bool, False),
            value(content, "internal", bool, False),
            *(_addresses(content, name) for name in ("subnets", "gateways", "ranges")),
            options=_texts(content, "options"),
            tokens=words(content, "tokens"),
            definition=word(content, "definition", ""),
        )


def _addresses(content: Mapping[str, Any], name: str) -> tuple[str, ...]:
    listed = words(content, name)
    for text in listed:
        ipaddress.ip_interface(text)
    return listed


def _texts(content: Mapping[str, Any], name: str) -> dict[str, str]:
    found = value(content, name, dict, {})
    if not all(isinstance(text, str) for text in found.values()):
        raise LabError(f"'{name}' has values that are no texts")
    return found


class NetworkRecords:
    """The records of one driver's networks on this host. ``prefix`` is the driver's place in the datastore."""

    def __init__(self, host: Host, prefix: str) -> None:
        self._host = host
        self._all = f"{prefix}networks/"
        self._own = f"{self._all}{host.node}/"

    def put(self, record: NetworkRecord) -> NetworkRecord:
        """Store a record; what another version has noted in the one that is there stays in it."""
        key = f"{self._own}{record.network_id}"
        self._host.etcd.put(key, _text(self._host.etcd.get(key), record) or record.text())
        return record

    def remove(self, network_id: str) -> None:
        """Remove a record; it need not exist."""
        self._host.etcd.delete(f"{self._own}{network_id}")

    def get(self, network_id: str) -> NetworkRecord | None:
        """One record, with its name if that is known."""
        key = f"{self._own}{network_id}"
        record = _read(self._host.copy().get(key))
        return record if record and record.name else _read(self._host.etcd.get(key))

    def all(self) -> dict[str, NetworkRecord]:
        """All records of this host, by id."""
        return {record.network_id: record for record in records_in(self._host.etcd.get_prefixes(self._own)[0])}

    def has_unnamed(self) -> bool:
        """Whether the name of a network of this host is not known yet."""
        return not all(record.name for record in self.all().values())

    def of_copy(self, copy: EtcdSnapshot) -> list[NetworkRecord]:
        """All records of this host, as the watch has them."""
        return records_in(copy.get_prefixes(self._own)[0])

    def unread(self, copy: EtcdSnapshot) -> dict[str, str]:
        """Keys of this host's records that cannot be read, with the reasons."""
        reading = Reading()
        for item in copy.get_prefixes(self._own)[0]:
            reading.text(item.key, NetworkRecord.parse, item.value)
        return reading.unread

    def exists_elsewhere(self, name: str) -> bool:
        """Whether another host has a network of this name."""
        return any(not key.startswith(self._own) for key in self._keys_of(name))

    def exists_anywhere(self, name: str) -> bool:
        """Whether any host has a network of this name."""
        return bool(self._keys_of(name))

    def _keys_of(self, name: str) -> list[str]:
        """The keys of all hosts' networks of this name."""
        items = self._host.etcd.get_prefixes(self._all)[0]
        return [item.key for item in items for record in records_in([item]) if record.name == name]

    def named(self, network_id: str) -> NetworkRecord:
        """A record with its name, queried from Docker if needed. Do not call it in CreateNetwork: it deadlocks."""
        record = self.get(network_id)
        if record is not None and record.name:
            return record
        deadline = time.monotonic() + NAME_SECONDS
        while True:
            found = self._host.docker.network(network_id)
            if found is not None:
                item = self._host.etcd.get(f"{self._own}{network_id}")
                record = _updated(item, found)
                if self._replace(item, record) or (item is not None and _read(item) is None):
                    return record
            if time.monotonic() > deadline:
                raise LabError(f"Docker does not know network {network_id[:12]}: was it removed meanwhile?")
            time.sleep(0.1)

    def of_pool(self, pool: PoolId) -> NetworkRecord | None:
        """The network to which a pool belongs, with its name; None while that network is being created.

        A record that was lost, and restored from Docker, has no token: then the subnet identifies it.
        """
        records = self.all().values()
        found = [record for record in records if pool.token in record.tokens]
        if not found:
            found = [record for record in records if not record.tokens and str(pool.subnet) in record.subnets]
        return self.named(found[0].network_id) if len(found) == 1 else None

    def sync(self, view: DockerView) -> Iterable[str]:
        """Store what Docker has; yields a line for each network that was not stored so."""
        items = {item.key: item for item in self._host.etcd.get_prefixes(self._own)[0]}
        for network_id, network in view.networks.items():
            item = items.get(f"{self._own}{network_id}")
            record = _updated(item, network)
            if (item is None or record != _read(item)) and self._replace(item, record):
                yield f"network {network.name} stored"

    def _replace(self, item: KeyValue | None, record: NetworkRecord) -> bool:
        """Store a record, unless it is another than the one that was read, as that of a network removed meanwhile.

        One that cannot be read stays as it is: what Docker says is enough to go on.
        """
        key, text = f"{self._own}{record.network_id}", _text(item, record)
        unchanged = unchanged_since(key, item.mod_revision if item else 0)
        return text is not None and self._host.etcd.commit([unchanged], [Put(key, text)])

    def vanished(self, view: DockerView) -> list[str]:
        """Ids of networks that Docker does not list, or not yet."""
        return sorted(set(self.all()) - set(view.networks))


def _updated(item: KeyValue | None, network: DockerNetwork) -> NetworkRecord:
    """The stored record, or one that is made again, with what Docker has."""
    return (_read(item) or _of_docker(network)).updated(network)


def _read(item: KeyValue | None) -> NetworkRecord | None:
    """A stored record; None if there is none, or none that can be read."""
    return next(iter(records_in([item] if item else [])), None)


def records_in(items: Iterable[KeyValue]) -> list[NetworkRecord]:
    """All stored records that can be read."""
    reading = Reading()
    return list(filter(None, (reading.text(item.key, NetworkRecord.parse, item.value) for item in items)))


def _text(item: KeyValue | None, record: NetworkRecord) -> str | None:
    """A record as it is stored, with what another version has noted there; None if what is there cannot be read."""
    if item is None:
        return record.text()
    if _read(item) is None:
        return None
    return json.dumps(updated_document(item.value, dataclasses.asdict(record)), sort_keys=True)


def _of_docker(network: DockerNetwork) -> NetworkRecord:
    return NetworkRecord(
        network.network_id,
        ipv6=network.ipv6,
        internal=network.internal,
        gateways=network.gateways,
        options=network.options,
    )
