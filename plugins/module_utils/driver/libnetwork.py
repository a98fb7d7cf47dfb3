# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of libnetwork's remote network driver and IPAM driver, as values. Pure.

Docker POSTs a JSON document to ``/NetworkDriver.X`` or ``/IpamDriver.X`` on the plugin's socket and expects one back;
see https://github.com/moby/moby/blob/master/libnetwork/docs/remote.md and ipam.md.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from ..datastore.documents import is_of_kind
from ..errors import LabError, raise_if_any
from ..kernel.addresses import is_device_mac
from ..kernel.links import SMALLEST_MTU
from ..validation import number_between, shown

Subnet = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
Document = Mapping[str, Any]

GATEWAY_DATA = "com.docker.network.gateway"
MTU_OPTION = "com.docker.network.driver.mtu"
_ENABLE_IPV6 = "com.docker.network.enable_ipv6"
_INTERNAL = "com.docker.network.internal"
_DRIVER_OPTIONS = "com.docker.network.generic"
_ADDRESS_KIND = "RequestAddressType"
_PORT_MAP = "com.docker.network.portmap"
PROTOCOLS = {6: "tcp", 17: "udp", 132: "sctp"}
_ID = re.compile("[0-9A-Za-z]{1,64}")
_LARGEST_PORT = 65535
_CONNECTED = 1  # the RouteType of a destination on the link itself


def interface(subnet: Subnet, number: int) -> Address:
    """The nth address of a subnet, with its prefix length."""
    return ipaddress.ip_interface(f"{subnet[number]}/{subnet.prefixlen}")


class BadRequest(LabError):
    """A message that is not what libnetwork sends."""


@dataclass(frozen=True)
class PoolId:
    """What a pool's id says: written as ``DRIVER/4``, ``DRIVER/4/17.2.0.0/16`` or ``DRIVER/4/17.2.0.0/16/TOKEN``.

    The answer to RequestPool is all that Docker passes to the later requests for addresses, also after a restart of the
    driver. So it has all that they need: IP version and subnet. ``token`` distinguishes networks of equal subnets, see
    `pool_tokens`.
    """

    driver: str
    version: int
    subnet: Subnet | None = None
    token: str = ""

    def text(self) -> str:
        """The id as Docker keeps it."""
        parts = (self.driver, str(self.version), str(self.subnet or ""), self.token)
        return "/".join(part for part in parts if part)

    @classmethod
    def of(cls, document: Document) -> PoolId:
        """The pool that a request is about."""
        return cls.parse(_text(document, "PoolID"))

    @classmethod
    def parse(cls, text: str) -> PoolId:
        """From the id that Docker sends back."""
        driver, version, address, length, token = [*text.split("/"), "", "", "", "", ""][:5]
        try:
            subnet = ipaddress.ip_network(f"{address}/{length}") if address else None
        except ValueError:
            subnet = None
        made = cls(driver, int(version) if version in ("4", "6") else 0, subnet, token)
        if not made.driver or not made.version or made.text() != text:
            raise BadRequest(f"{shown(text)} is not a pool id of this driver.")
        return made


@dataclass(frozen=True)
class PoolRequest:
    """``docker network create``: which addresses will the network use? ``pool`` is the value of ``--subnet``."""

    version: int
    pool: Subnet | None
    sub_pool: Subnet | None
    options: Mapping[str, str]
    taken: Collection[str] = ()
    """Subnets of other pools, whose networks are about to be created: a network must not choose one of them."""

    @classmethod
    def parse(cls, document: Document) -> PoolRequest:
        """From the document of IpamDriver.RequestPool."""
        return cls(
            version=6 if document.get("V6") else 4,
            pool=_subnet(document, "Pool"),
            sub_pool=_subnet(document, "SubPool"),
            options=_texts(document, "Options"),
        )


@dataclass(frozen=True)
class AddressRequest:
    """One address of a pool is requested, or released; ``address`` is the value of ``--ip``."""

    pool: PoolId
    address: Address | None
    for_gateway: bool

    @classmethod
    def parse(cls, document: Document) -> AddressRequest:
        """From the document of IpamDriver.RequestAddress or ReleaseAddress."""
        options = _texts(document, "Options")
        return cls(PoolId.of(document), _address(document, "Address"), options.get(_ADDRESS_KIND) == GATEWAY_DATA)


@dataclass(frozen=True)
class NetworkPool:
    """A pool of a new network, as its IPAM driver answered it. ``auxiliary`` are the values of ``--aux-address``."""

    address_space: str
    subnet: Subnet
    gateway: Address | None
    auxiliary: Mapping[str, str]

    @classmethod
    def parse(cls, document: Document) -> NetworkPool:
        """From an entry of IPv4Data or IPv6Data."""
        _text(document, "Pool")
        return cls(
            _optional_text(document, "AddressSpace"),
            _parsed(document, "Pool", ipaddress.ip_network),
            _address(document, "Gateway"),
            _texts(document, "AuxAddresses"),
        )


@dataclass(frozen=True)
class NetworkRequest:
    """A network is created or deleted on this host; Docker omits its name. ``options`` are those of ``--opt``."""

    network_id: str
    ipv6: bool = False
    internal: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    pools: tuple[NetworkPool, ...] = ()

    @classmethod
    def parse(cls, document: Document) -> NetworkRequest:
        """From the document of NetworkDriver.CreateNetwork or DeleteNetwork."""
        options = _object(document, "Options")
        pools = [*_objects(document, "IPv4Data"), *_objects(document, "IPv6Data")]
        return cls(
            network_id=_id(document, "NetworkID"),
            ipv6=bool(options.get(_ENABLE_IPV6)) or bool(document.get("IPv6Data")),
            internal=bool(options.get(_INTERNAL)),
            options=_texts(options, _DRIVER_OPTIONS),
            pools=tuple(NetworkPool.parse(pool) for pool in pools),
        )


@dataclass(frozen=True)
class EndpointRequest:
    """A container's connection to a network is created or deleted, with the addresses that IPAM assigned."""

    network_id: str
    endpoint_id: str
    addresses: tuple[Address, ...] = ()
    mac: str = ""

    @classmethod
    def parse(cls, document: Document) -> EndpointRequest:
        """From the document of NetworkDriver.CreateEndpoint, DeleteEndpoint or Leave."""
        interface = _object(document, "Interface")
        found = (_address(interface, "Address"), _address(interface, "AddressIPv6"))
        return cls(
            network_id=_id(document, "NetworkID"),
            endpoint_id=_id(document, "EndpointID"),
            addresses=tuple(address for address in found if address is not None),
            mac=_optional_text(interface, "MacAddress"),
        )


@dataclass(frozen=True)
class JoinRequest:
    """The endpoint's interface is wanted in a container; ``sandbox`` names the container's namespace."""

    network_id: str
    endpoint_id: str
    sandbox: str

    @classmethod
    def parse(cls, document: Document) -> JoinRequest:
        """From the document of NetworkDriver.Join."""
        ids = _id(document, "NetworkID"), _id(document, "EndpointID")
        return cls(*ids, _optional_text(document, "SandboxKey"))


@dataclass(frozen=True)
class PublishedPort:
    """One of ``docker run -p``: a container's port, and the host's address and port at which it is reached.

    No address stands for all of the host's; the port is 0 if it is left to the driver.
    """

    protocol: str  # tcp, udp or sctp
    port: int
    host_port: int
    host_address: str = ""

    @classmethod
    def parse(cls, document: Document) -> PublishedPort:
        """From an entry of Docker's port map. Of a range of the host's ports, the choice is the driver's."""
        number = _port(document, "Proto")
        host_port = _port(document, "HostPort")
        if document.get("HostPortEnd", host_port) != host_port:
            host_port = 0
        address = host_address(_optional_text(document, "HostIP"))
        return cls(PROTOCOLS.get(number, str(number)), _port(document, "Port"), host_port, address)

    @property
    def option(self) -> str:
        """As it is typed."""
        beginning = f"{self.host_address}:" if self.host_address else ""
        host = f"{beginning}{self.host_port}:" if self.host_port else ""
        return f"-p {host}{self.port}/{self.protocol}"


@dataclass(frozen=True)
class PublishRequest:
    """The endpoint's ports are to be published, as its network has the container's default route."""

    network_id: str
    endpoint_id: str
    ports: tuple[PublishedPort, ...] = ()

    @classmethod
    def parse(cls, document: Document) -> PublishRequest:
        """From the document of NetworkDriver.ProgramExternalConnectivity or RevokeExternalConnectivity."""
        listed = _objects(_object(document, "Options"), _PORT_MAP)
        ports = tuple(sorted(map(PublishedPort.parse, listed), key=lambda one: (one.host_port, one.option)))
        return cls(_id(document, "NetworkID"), _id(document, "EndpointID"), ports)


@dataclass(frozen=True)
class Pool:
    """The answer to a `PoolRequest`: the id for later requests, and the subnet that Docker shows.

    With `GATEWAY_DATA` in ``data`` Docker requests no gateway.
    """

    pool_id: PoolId
    subnet: Subnet
    data: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As libnetwork expects it."""
        return {"PoolID": self.pool_id.text(), "Pool": str(self.subnet), "Data": dict(self.data)}


@dataclass(frozen=True)
class EndpointAnswer:
    """What the driver adds to an endpoint; libnetwork accepts only what the request left open."""

    mac: str = ""
    ipv6: Address | None = None

    def document(self) -> dict[str, Any]:
        """As libnetwork expects it."""
        interface = {"MacAddress": self.mac, "AddressIPv6": str(self.ipv6) if self.ipv6 else ""}
        return {"Interface": {key: value for key, value in interface.items() if value}}


@dataclass(frozen=True)
class JoinAnswer:
    """The device to move into the container, what to call it there (a number is added), and how it routes.

    Without a gateway here and in the container's other networks, Docker connects the container to docker_gwbridge as
    well, with the default route there; not in networks made with ``--internal``, nor with ``no_gateway_bridge``.
    """

    device: str
    prefix: str
    gateway: str = ""
    gateway_ipv6: str = ""
    on_link: tuple[Subnet, ...] = ()  # destinations that the container reaches on this link, without a next hop
    no_gateway_bridge: bool = False

    def document(self) -> dict[str, Any]:
        """As libnetwork expects it."""
        return {
            "InterfaceName": {"SrcName": self.device, "DstPrefix": self.prefix},
            "Gateway": self.gateway,
            "GatewayIPv6": self.gateway_ipv6,
            "StaticRoutes": [{"Destination": str(subnet), "RouteType": _CONNECTED} for subnet in self.on_link],
            "DisableGatewayService": self.no_gateway_bridge,
        }


def host_address(text: str) -> str:
    """The address of a published port; empty for all of the host's IPv4 addresses, in whatever way that is written."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    return "" if address.version == 4 and address.is_unspecified else text


def _text(document: Document, key: str) -> str:
    if not document:
        raise BadRequest(
            "Docker repeated a request without its content, as it does when the network driver was restarted in the "
            "middle of it. Nothing is left behind: give the command again."
        )
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"Docker's request has no {key}: it is {value!r}.")
    return value


def _id(document: Document, key: str) -> str:
    """An id, which becomes a part of keys in etcd and of devices' names: Docker's have 64 hexadecimal digits."""
    found = _text(document, key)
    if not _ID.fullmatch(found):
        raise BadRequest(f"{key} {shown(found)} is no id of Docker's: it has letters and digits, 64 at most.")
    return found


def _optional_text(document: Document, key: str) -> str:
    return _of_kind(document, key, str, "a text") or ""


def _object(document: Document, key: str) -> Document:
    return _of_kind(document, key, dict, "an object") or {}


def _objects(document: Document, key: str) -> list[Document]:
    found = _of_kind(document, key, list, "a list") or []
    if not all(isinstance(one, dict) for one in found):
        raise BadRequest(f"{key} in Docker's request is {shown(found)} and must be a list of objects.")
    return found


def _texts(document: Document, key: str) -> Mapping[str, str]:
    """An object whose values are texts, as that of all options that people type."""
    found = _object(document, key)
    if not all(isinstance(one, str) for one in found.values()):
        raise BadRequest(f"{key} in Docker's request is {shown(found)} and must have texts as values.")
    return found


def _port(document: Document, key: str) -> int:
    """A number of 16 bits; 0 if it is not there."""
    found = _of_kind(document, key, int, "a number") or 0
    if not 0 <= found <= _LARGEST_PORT:
        raise BadRequest(f"{key} in Docker's request is {found} and must be from 0 to {_LARGEST_PORT}.")
    return found


def _of_kind(document: Document, key: str, kind: type, what: str) -> Any:
    """The value of a key, or None if it is not there, or null."""
    found = document.get(key)
    if found is None or is_of_kind(found, kind):
        return found
    raise BadRequest(f"{key} in Docker's request is {shown(found)} and must be {what}.")


def _address(document: Document, key: str) -> Address | None:
    return _parsed(document, key, ipaddress.ip_interface)


def _subnet(document: Document, key: str) -> Subnet | None:
    return _parsed(document, key, ipaddress.ip_network)


def _parsed(document: Document, key: str, parse: Any) -> Any:
    text = _optional_text(document, key)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise BadRequest(f"{key} {shown(text)} cannot be used: {error}.") from None


def check_mac(mac: str) -> None:
    """LabError if ``docker run --mac-address`` names what no interface can have; it may be empty."""
    if mac and not is_device_mac(mac):
        kind = "no device's address" if set(mac) <= set("0:") else "a group address"
        raise LabError(f"MAC address {mac} is {kind}: choose another one, as 02:42:ac:11:00:02.")


def wanted_mtu(options: Mapping[str, str], largest: int, reason: str) -> int | None:
    """The MTU of a network's interfaces (`MTU_OPTION`), in bytes; None if it is not given.

    LabError if it is none, or larger than ``largest``, for which ``reason`` gives the reason.
    """
    problems: list[str] = []
    text = options.get(MTU_OPTION)
    if text is None:
        return None
    found = number_between(f"--opt {MTU_OPTION}={text}", text or "none", SMALLEST_MTU, largest, problems)
    raise_if_any([f"{problem}: {reason}." for problem in problems])
    return found


def check_options(option: str, given: Mapping[str, str], known: Collection[str], driver: str) -> None:
    """LabError if ``docker network create`` has an option (``--opt``, ``--ipam-opt``) that the driver does not have."""
    for name, value in given.items():
        if name not in known:
            raise LabError(
                f"{option} {name}={value}: the driver {driver} has no such option. "
                f"It has: {', '.join(known) or 'none'}."
            )
