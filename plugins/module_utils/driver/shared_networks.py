# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that are created once, and are on every host: ``…/shared/NAME`` in the datastore.

``docker network create`` on one host stores how the network was made, and every other host makes the same; ``docker
network rm`` on any host removes that, and every other host removes its network. A host that was down does so when it is
back. One whose containers still use the network keeps it, says so, and removes it once they are gone.

To the Docker of each host the networks are local ones. That is what upstream's plugins had from Docker's own
cluster store, which Docker dropped in version 23.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..datastore.etcd import Delete, Put, holds, unchanged_since
from ..errors import LabError
from ..kernel.addresses import plain
from .complaints import Complaints
from .docker_view import DockerNetwork, DockerView
from .host import Host
from .network_records import DEFINITION_LABEL, NetworkRecord, NetworkRecords

LEAVING = Path("/run/container-network/leaving")
"""While this file is there, the host's networks go because the host leaves, and those of the others stay."""
LEAVING_SECONDS = 600.0
"""For so long after it was written: a removal that was given up does not count for ever."""
_KINDS: Mapping[str, Any] = {
    "name": str,
    "driver": str,
    "ipam_driver": str,
    "ipv6": bool,
    "internal": bool,
    "subnets": ipaddress.ip_network,
    "gateways": ipaddress.ip_address,
    "ranges": ipaddress.ip_network,
    "options": dict,
    "ipam_options": dict,
    "labels": dict,
    "token": str,
}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkDefinition:
    """How ``docker network create`` made a network."""

    name: str
    driver: str
    ipam_driver: str
    ipv6: bool = False
    internal: bool = False
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()  # without prefix length
    ranges: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    ipam_options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    """Distinguishes it from a later network of the same name."""

    @classmethod
    def of(cls, network: DockerNetwork, driver: str, token: str) -> NetworkDefinition:
        """Of a network as Docker has it."""
        return cls(
            network.name,
            driver,
            network.ipam_driver,
            network.ipv6,
            network.internal,
            network.subnets,
            plain(network.gateways),
            network.ranges,
            network.options,
            network.ipam_options,
            network.labels,
            token,
        )

    def text(self) -> str:
        """As stored."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> NetworkDefinition:
        """From the stored text, where unknown fields are left out; LabError for what is no definition."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise LabError(f"it is no JSON: {error}") from error
        if not isinstance(content, dict):
            raise LabError("it is no object")
        known = {name: _checked(name, value) for name, value in content.items() if name in _KINDS}
        missing = {"name", "driver", "ipam_driver"} - set(known)
        if missing:
            raise LabError(f"it has no {', '.join(sorted(missing))}")
        return cls(**known)

    def is_like(self, other: NetworkDefinition) -> bool:
        """Whether containers see the same network.

        A host may assign addresses from a range of its own; labels are the business of people and their tools.
        """
        ours, theirs = asdict(self), asdict(other)
        return all(ours[name] == theirs[name] for name in ours if name not in ("ranges", "labels", "token"))

    def create_body(self) -> dict[str, Any]:
        """The document that ``POST /networks/create`` takes."""
        pools = []
        for subnet in self.subnets:
            pool = {"Subnet": subnet}
            for key, texts in (("Gateway", self.gateways), ("IPRange", self.ranges)):
                inner = [text for text in texts if _within(text, subnet)]
                if inner:
                    pool[key] = inner[0]
            pools.append(pool)
        return {
            "Name": self.name,
            "CheckDuplicate": True,  # Engines before 25 have networks of one name otherwise
            "Driver": self.driver,
            "IPAM": {"Driver": self.ipam_driver, "Config": pools, "Options": dict(self.ipam_options)},
            "EnableIPv6": self.ipv6,
            "Internal": self.internal,
            "Options": dict(self.options),
            "Labels": {**self.labels, DEFINITION_LABEL: self.token},
        }


def _checked(name: str, value: Any) -> Any:
    """A field of a stored definition, if it is of its kind."""
    kind = _KINDS[name]
    try:
        if kind in (ipaddress.ip_network, ipaddress.ip_address) and isinstance(value, list):
            return tuple(str(kind(_text(item))) for item in value)
        if kind is dict and isinstance(value, dict):
            return {key: _text(item) for key, item in value.items()}
        if kind in (bool, str) and isinstance(value, kind):
            return value
    except ValueError as error:
        raise LabError(f"{name}: {error}") from error
    raise LabError(f"{name} is {value!r}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _within(text: str, subnet: str) -> bool:
    inner, outer = ipaddress.ip_network(text), ipaddress.ip_network(subnet)
    return inner.version == outer.version and inner.subnet_of(outer)


class SharedNetworks:
    """The networks of one driver, on this host."""

    def __init__(self, host: Host, driver: str, prefix: str, records: NetworkRecords) -> None:
        """``prefix`` is the driver's place in the datastore."""
        self._host = host
        self._driver = driver
        self._prefix = f"{prefix}shared/"
        self._records = records
        self._changing = threading.Lock()
        """Held while a network is shared, created because of others, or removed by hand."""
        self._complaints = Complaints()

    def trigger(self) -> object:
        """What of the watched keys matters here: when it is another, `follow` has something to do."""
        copy = self._host.copy()
        shared = [(item.key, item.mod_revision) for item in copy.get_prefixes(self._prefix)[0]]
        return shared, self._records.of_copy(copy)

    @contextlib.contextmanager
    def removing(self, network_id: str) -> Iterator[None]:
        """``docker network rm`` was typed on this host, which forgets the network within the block.

        It goes everywhere, unless this host alone leaves. Meanwhile nothing is shared or created, so that a network
        which is removed at once does not come back.
        """
        with self._changing:
            record = self._records.all().get(network_id)  # as the datastore has it: the watch's copy may be older
            if record is not None and record.definition:
                self._remove_definition(record)
            yield

    def _remove_definition(self, record: NetworkRecord) -> None:
        key = self._key(record.name)
        item = self._host.etcd.get(key)
        if item is None or self._parsed(item.key, item.value, record.definition) is None:
            return
        others_have_it = is_leaving() and self._records.exists_elsewhere(record.name)
        if not others_have_it:
            self._host.etcd.commit([holds(key, item.value)], [Delete(key)])

    def follow(self) -> bool:
        """Create, remove and share networks, until this host's are those of all hosts.

        Whether Docker has listed all that this host has: one that it is about to create has to be looked for again.
        """
        if is_leaving():
            return True
        # In this order: what is removed here meanwhile is no longer defined when the definitions are read.
        view = self._host.docker.view(self._driver)
        records = self._records.all()
        definitions = self._definitions()
        complaints: list[str | None] = []
        here = set()
        for network in view.networks.values():
            here.add(network.name)
            record = records.get(network.network_id)
            if record is None or not record.name:
                continue  # the reconciliation is about to store it
            definition = definitions.get(network.name)
            if not record.definition:
                complaints.append(self._share(network, record, definition))
            elif definition is None or definition.token != record.definition:
                complaints.append(self._remove(network, view))
        complaints += [self._create(definitions[name]) for name in sorted(set(definitions) - here)]
        self._complaints.are(filter(None, complaints))
        return records.keys() <= view.networks.keys()

    def _share(self, network: DockerNetwork, record: NetworkRecord, definition: NetworkDefinition | None) -> str | None:
        """A network that was created on this host: the others get it, too, unless they have one of that name."""
        own = NetworkDefinition.of(network, self._driver, secrets.token_hex(8))
        with self._changing:
            if self._records.get(network.network_id) is None:
                return None  # it was removed meanwhile
            return self._agree(own, record, definition)

    def _agree(self, own: NetworkDefinition, record: NetworkRecord, definition: NetworkDefinition | None) -> str | None:
        if definition is not None:
            if not own.is_like(definition):
                return (
                    f"network '{own.name}' is another one than the other hosts have by that name, and stays this "
                    f"host's alone: remove it ('docker network rm {own.name}'), and theirs comes here"
                )
            self._records.put(record.of_definition(definition.token))
        elif self._host.etcd.commit([unchanged_since(self._key(own.name), 0)], [Put(self._key(own.name), own.text())]):
            self._records.put(record.of_definition(own.token))
            log.info("network %s shared with all hosts", own.name)
        return None

    def _remove(self, network: DockerNetwork, view: DockerView) -> str | None:
        """A network that was removed on another host."""
        users = sorted(one.container for one in view.endpoints.values() if one.network_id == network.network_id)
        if users:
            return (
                f"network '{network.name}' was removed on another host, and stays here as long as a container uses it: "
                f"{', '.join(users)}"
            )
        try:
            self._host.docker.remove_network(network.network_id)
        except LabError as error:
            return f"network '{network.name}' was removed on another host, and Docker keeps it here: {error}"
        log.info("network %s removed, as on another host", network.name)
        return None

    def _create(self, definition: NetworkDefinition) -> str | None:
        """A network that was created on another host."""
        try:
            with self._changing:
                item = self._host.etcd.get(self._key(definition.name))
                if item is None or self._parsed(item.key, item.value, definition.token) is None:
                    return None  # it was removed meanwhile, here: Docker lists it no more before it tells
                network_id = self._host.docker.create_network(definition.create_body())
                record = self._records.get(network_id) if network_id else None
                if record is not None:
                    # Before anybody can remove it, and without a question: Docker may list it no more.
                    self._records.put(record.of_definition(definition.token).updated(definition))
        except LabError as error:
            return f"network '{definition.name}' of the other hosts cannot be created here: {error}"
        log.info("network %s created, as on another host", definition.name)
        return None

    def _key(self, name: str) -> str:
        return f"{self._prefix}{quote(name, safe='')}"

    def _definitions(self) -> dict[str, NetworkDefinition]:
        """By name, as the datastore has them now."""
        found: Iterable[NetworkDefinition | None] = (
            self._parsed(item.key, item.value) for item in self._host.etcd.get_prefixes(self._prefix)[0]
        )
        return {definition.name: definition for definition in found if definition is not None}

    def _parsed(self, key: str, text: str, token: str | None = None) -> NetworkDefinition | None:
        """What a key holds, if that is a network of this driver, and of that token if one is given."""
        try:
            definition = NetworkDefinition.parse(text)
        except LabError as error:
            log.warning("%s is no network, and is left out: %s", key, error)
            return None
        if definition.driver != self._driver or key != self._key(definition.name):
            log.warning("%s is a network of another driver or name, and is left out", key)
            return None
        return definition if token in (None, definition.token) else None


def is_leaving() -> bool:
    """Whether this host is about to leave its networks to the others."""
    try:
        return time.time() - LEAVING.stat().st_mtime < LEAVING_SECONDS
    except OSError:
        return False
