# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``weave attach`` and ``weave detach``: a running container gets, or loses, an interface ``ethwe`` on the network.

The cable lasts as long as the container runs; what the datastore has of it is forgotten when it is gone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from . import veth
from .docker_engine import Engine
from .errors import LabError
from .ethtool import set_transmit_checksums
from .links import delete_links, read_links
from .netlink import NetlinkSocket
from .weave_endpoints import HOST_PREFIX, plug_in, set_up_inside
from .weave_names import ATTACHED, BRIDGE, MULTICAST
from .weave_peers import endpoint_mac
from .weave_ring import Address, Network
from .weave_state import Config, Endpoint
from .weave_store import WeaveStore

DEVICE = "ethwe"
_HOST_PREFIX = "vethwepl"
_CABLE = re.compile(rf"{_HOST_PREFIX}\d+|{HOST_PREFIX}[0-9a-f]{{9}}")
DEFAULT = "net:default"


@dataclass(frozen=True)
class Container:
    """A running container."""

    name: str
    identifier: str
    pid: int

    @classmethod
    def find(cls, engine: Engine, name: str) -> Container:
        """By name or id; LabError if there is none, or if it does not run."""
        found = engine.find(f"/containers/{quote(name, safe='')}/json")
        if found is None:
            raise LabError(f"container '{name}' does not exist on this host: 'docker ps --all' lists those that do.")
        if not found["State"]["Running"]:
            raise LabError(f"container '{name}' does not run: 'docker start {name}' starts it.")
        return cls(found["Name"].lstrip("/"), found["Id"], found["State"]["Pid"])

    @property
    def endpoint_id(self) -> str:
        """The id of its connection."""
        return f"{ATTACHED}{self.identifier[:12]}"

    @property
    def host_device(self) -> str:
        """The host's end of its cable."""
        return f"{_HOST_PREFIX}{self.pid}"


@dataclass(frozen=True)
class Wanted:
    """What an address argument asks for: some address of a subnet, or a certain one."""

    subnet: Network
    address: Address | None = None

    @classmethod
    def parse(cls, text: str, config: Config) -> Wanted:
        """``net:default``, ``net:172.111.222.0/24``, ``ip:172.111.222.5/24``, or the latter without ``ip:``."""
        kind, colon, rest = text.rpartition(":")
        try:
            if kind == "net":
                return cls(config.default_subnet if rest == "default" else ipaddress.IPv4Network(rest))
            if not colon or kind == "ip":
                interface = ipaddress.IPv4Interface(rest)
                if interface.network.prefixlen < interface.max_prefixlen:
                    return cls(interface.network, interface.ip)
        except ValueError:
            pass
        raise LabError(
            f"'{text}' is not an address: write net:default, net:172.111.222.0/24, or an address with its prefix "
            "length, as 172.111.222.5/24."
        )

    def is_met_by(self, address: str) -> bool:
        """Whether an address (with prefix length) is what is asked for."""
        interface = ipaddress.IPv4Interface(address)
        return interface.network == self.subnet and self.address in (None, interface.ip)


def attach(
    store: WeaveStore, node: str, name: str, addresses: Sequence[str], mtu: int, from_inventory: bool = False
) -> list[str]:
    """Give a container addresses (of the default subnet if none is named); returns them with their prefix lengths.

    Addresses that it has already stay; a call that was cut off is finished by the next one.
    """
    container = Container.find(Engine(), name)
    state = store.read()
    if state.config is None:
        raise LabError("there is no Weave network in etcd: run the role weave first.")
    known = state.endpoints_of(node).get(container.endpoint_id)
    held = list(known.addresses) if known else []
    answer = []
    for wanted in [Wanted.parse(text, state.config) for text in addresses or [DEFAULT]]:
        given = next((one for one in held if wanted.is_met_by(one)), None)
        if given is None:
            given = str(store.assign(node, container.endpoint_id, wanted.subnet, wanted.address))
            held.append(given)
        answer.append(given)
    mac = endpoint_mac(container.identifier)
    endpoint = Endpoint(
        node,
        container.endpoint_id,
        mac,
        tuple(held),
        container.host_device,
        container=container.name,
        from_inventory=from_inventory or bool(known and known.from_inventory),
    )
    if endpoint != known:
        store.put_endpoint(endpoint)
    _plug(container, endpoint, mtu, known.addresses if known else ())
    return answer


def detach(store: WeaveStore, node: str, name: str, addresses: Sequence[str], mtu: int) -> list[str]:
    """Take addresses (all if none is named) from a container, and with the last one its cable; returns them."""
    container = Container.find(Engine(), name)
    state = store.read()
    known = state.endpoints_of(node).get(container.endpoint_id)
    if known is None or state.config is None:
        return []
    wanted = [Wanted.parse(text, state.config) for text in addresses]
    gone = [one for one in known.addresses if not wanted or any(each.is_met_by(one) for each in wanted)]
    kept = tuple(one for one in known.addresses if one not in gone)
    if kept:
        endpoint = Endpoint(**{**vars(known), "addresses": kept})
        store.put_endpoint(endpoint)
        _plug(container, endpoint, mtu, known.addresses)
    else:
        set_up_inside(str(container.pid), DEVICE, (), known.addresses)
        remove_cables([container.host_device])
        store.delete_endpoint(node, container.endpoint_id)
    store.release(node, [ipaddress.IPv4Interface(one).ip for one in gone])
    return gone


def attached(store: WeaveStore, node: str) -> dict[str, Endpoint]:
    """The attached containers of a host that run, by name."""
    with NetlinkSocket() as netlink:
        links = read_links(netlink)
    found = store.read().endpoints_of(node).values()
    return {one.container: one for one in found if not one.network and one.device in links}


def forget_vanished(store: WeaveStore, node: str) -> list[str]:
    """Forget attached containers whose cables are gone, as with their end; returns their names."""
    with NetlinkSocket() as netlink:
        links = read_links(netlink)
    gone = [one for one in store.read().endpoints_of(node).values() if not one.network and one.device not in links]
    for endpoint in gone:
        store.delete_endpoint(node, endpoint.endpoint_id)
        store.release(node, [ipaddress.IPv4Interface(one).ip for one in endpoint.addresses])
    return [endpoint.container for endpoint in gone]


def remove_all_cables() -> None:
    """Remove all cables of containers, whoever connected them."""
    with NetlinkSocket() as netlink:
        names = [name for name, link in read_links(netlink).items() if link.kind == "veth" and _CABLE.fullmatch(name)]
    remove_cables(names)


def remove_cables(names: Iterable[str]) -> None:
    """Remove devices, if they are there."""
    with NetlinkSocket() as netlink:
        links = read_links(netlink)
        delete_links(netlink, [links[name] for name in names if name in links])


def _plug(container: Container, endpoint: Endpoint, mtu: int, former: Sequence[str]) -> None:
    netns = str(container.pid)
    inner: dict[str, Any] = {
        "name": DEVICE,
        "netns": netns,
        "mac": endpoint.mac,
        "mtu": mtu,
        "addresses": list(endpoint.addresses),
        "routes": [{"dst": MULTICAST, "scope": "link"}],
    }
    pair = {"name": endpoint.device, "mtu": mtu, "master": BRIDGE, "peer": inner}
    veth.converge({"state": "present", "pairs": [pair]}, False)
    set_transmit_checksums(DEVICE, False, netns)
    set_up_inside(netns, DEVICE, endpoint.addresses, former)
    with NetlinkSocket() as netlink:
        plug_in(netlink, endpoint.device)
