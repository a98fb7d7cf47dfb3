# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is on a host, as values: its namespaces with their devices and tables, its containers, its services.

A value is made on its host, travels as JSON, and is read again where the hosts are put together. A network namespace
has an identity that no other one has on its kernel, whatever host looks at it, so the two ends of a veth pair find each
other across lab hosts, which share a kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Peer:
    """The other end of a veth pair, or the device below, where that is in another namespace."""

    namespace: str  # its identity
    index: int


@dataclass(frozen=True)
class Device:
    """One device of a namespace."""

    name: str
    index: int
    kind: str | None  # None for cards, and for lo
    mac: str | None
    mtu: int  # bytes
    up: bool
    addresses: tuple[str, ...] = ()  # with prefix lengths; without those that mean something on the link only
    local_addresses: tuple[str, ...] = ()  # those that mean something on the link or the host only
    master: str | None = None  # the bridge, or the Open vSwitch datapath, that it is a port of
    lower: str | None = None  # the device below, in the same namespace
    peer: Peer | None = None
    tunnel: str = ""  # vxlan id 1 local 192.168.1.68 dstport 8472
    impairment: str = ""  # delay 50ms, loss 1%

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Device:
        """From plain data."""
        peer = data.get("peer")
        lists = {name: tuple(data.get(name) or ()) for name in ("addresses", "local_addresses")}
        return _read(cls, data, **lists, peer=Peer(**peer) if peer else None)


@dataclass(frozen=True)
class Tables:
    """What decides where packets go, line by line in the words of ip(8), bridge(8) and iptables-save(8)."""

    routes: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    forwarding: tuple[str, ...] = ()
    policy_rules: tuple[str, ...] = ()
    policy_rules_6: tuple[str, ...] = ()
    iptables: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()  # and their members, where rules name some, in the words of ipset(8)
    settings: tuple[str, ...] = ()  # whether it forwards, answers for others …, in the words of sysctl(8)
    sockets: tuple[str, ...] = ()  # what listens: tcp 0.0.0.0:80
    hosts_file: tuple[str, ...] = ()  # of the host, or of the container that the namespace is of, as hosts(5)
    resolver: tuple[str, ...] = ()  # the same as resolv.conf(5), with Docker's own remarks
    dns_views: tuple[str, ...] = ()  # names that the host answers its containers: PORT ADDRESS NAME …
    switch_ports: tuple[str, ...] = ()  # of Open vSwitch's bridges: BRIDGE NAME type TYPE …
    datapath_flows: tuple[str, ...] = ()  # of the kernel's Open vSwitch without its daemon: DATAPATH FLOW

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Tables:
        """From plain data."""
        return cls(**{f.name: tuple(data.get(f.name) or ()) for f in fields(cls)})


@dataclass(frozen=True)
class Namespace:
    """One network namespace."""

    id: str
    name: str  # host, the name of a container, or that of ip-netns(8) or Docker
    path: str  # a file that stands for it, on its host
    containers: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    tables: Tables = field(default_factory=Tables)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Namespace:
        """From plain data."""
        return _read(
            cls,
            data,
            containers=tuple(data.get("containers") or ()),
            devices=tuple(map(Device.from_data, data.get("devices") or ())),
            tables=Tables.from_data(data.get("tables") or {}),
        )

    def device(self, name: str) -> Device | None:
        """The device of a name."""
        return next((device for device in self.devices if device.name == name), None)


@dataclass(frozen=True)
class Attachment:
    """A container's connection to one of Docker's networks."""

    network: str
    addresses: tuple[str, ...] = ()  # with prefix lengths
    mac: str = ""
    network_id: str = ""  # the same on all hosts of a swarm for the swarm's networks
    names: tuple[str, ...] = ()  # by which Docker itself answers for it there

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Attachment:
        """From plain data."""
        return _read(cls, data, **{name: tuple(data.get(name) or ()) for name in ("addresses", "names")})


@dataclass(frozen=True)
class Container:
    """A container of the host's Engine, running or not."""

    name: str
    image: str
    status: str  # running, exited …; with its health, if it has a check of its own
    namespace: str | None = None  # the identity of its network namespace, while it runs
    attachments: tuple[Attachment, ...] = ()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Container:
        """From plain data."""
        return _read(cls, data, attachments=tuple(map(Attachment.from_data, data.get("attachments") or ())))


@dataclass(frozen=True)
class Host:
    """Everything that was seen on a host."""

    name: str
    system: str = ""  # Debian GNU/Linux 13 (trixie)
    kernel: str = ""
    engine: str | None = None  # version of its Docker Engine; None if none answers
    engine_problem: str = ""  # why none answers, although there is one
    networks: tuple[str, ...] = ()  # of this collection's roles
    services: Mapping[str, str] = field(default_factory=dict)  # active, failed … by unit
    containers: tuple[Container, ...] = ()
    namespaces: tuple[Namespace, ...] = ()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Host:
        """From plain data."""
        return _read(
            cls,
            data,
            networks=tuple(data.get("networks") or ()),
            containers=tuple(map(Container.from_data, data.get("containers") or ())),
            namespaces=tuple(map(Namespace.from_data, data.get("namespaces") or ())),
        )

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def namespace(self, identity: str | None) -> Namespace | None:
        """The namespace of an identity."""
        return next((each for each in self.namespaces if each.id == identity), None)


def _read(kind: type[_Value], data: Mapping[str, Any], **values: Any) -> _Value:
    """A value of a class, of plain data and of ``values`` that were read already; what neither has is the default."""
    known = {f.name: data[f.name] for f in fields(kind) if f.name in data}  # type: ignore[arg-type]
    return kind(**{**known, **values})
