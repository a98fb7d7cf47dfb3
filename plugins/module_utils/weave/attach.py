# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``weave attach`` and ``weave detach``: a running container gets, or loses, an interface ``ethwe`` on the network.

The veth pair lasts as long as the container runs; what the datastore has of it is forgotten when it is gone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from ..docker.engine import Engine, EngineNotRunning
from ..errors import LabError
from ..kernel.links import Device, read_links
from ..kernel.netlink import NetlinkSocket
from ..kernel.routes import PROTOCOLS, Route, RouteParser, read_main_table
from ..kernel.veth import VethEnd
from .address_request import DEFAULT, Wanted
from .constants import ATTACHED, DOMAIN, MULTICAST
from .names import checked_name
from .peers import endpoint_mac
from .snapshot import Endpoint, GivenName
from .store import WeaveStore
from .veth import ATTACHED_PREFIX, VethSettings, connect, forget_inside, remove, set_up_inside

DEVICE = "ethwe"
_MULTICAST_ROUTE = RouteParser(DEVICE, PROTOCOLS["boot"]).parse({"dst": MULTICAST, "scope": "link"})


@dataclass(frozen=True)
class Container:
    """A running container."""

    name: str
    identifier: str
    pid: int
    host_name: str = ""  # with its domain, if it has one

    @classmethod
    def find(cls, engine: Engine, name: str) -> Container:
        """By name or id; LabError if there is none, if it does not run, or if it has no network of its own."""
        found = engine.find(f"/containers/{quote(name, safe='')}/json")
        if found is None:
            raise LabError(f"container '{name}' does not exist on this host: 'docker ps --all' lists those that do.")
        if not found["State"]["Running"]:
            raise LabError(f"container '{name}' does not run: 'docker start {name}' starts it.")
        mode, _colon, owner = found["HostConfig"]["NetworkMode"].partition(":")
        if mode == "container":
            owner = ((engine.find(f"/containers/{quote(owner, safe='')}/json") or {}).get("Name") or owner).lstrip("/")
            raise LabError(
                f"container '{name}' shares the network of container '{owner}' (--net container:{owner}): give that "
                "name; both are on Weave then."
            )
        if mode == "host":
            raise LabError(f"container '{name}' has no network of its own (--net host): expose the host instead.")
        host_name = ".".join(filter(None, (found["Config"]["Hostname"], found["Config"]["Domainname"])))
        return cls(found["Name"].lstrip("/"), found["Id"], found["State"]["Pid"], host_name)

    @property
    def endpoint_id(self) -> str:
        """The id of its connection."""
        return f"{ATTACHED}{self.identifier[:12]}"

    @property
    def host_device(self) -> str:
        """The host's end of its veth pair."""
        return f"{ATTACHED_PREFIX}{self.pid}"


def attach(
    store: WeaveStore,
    node: str,
    container: Container,
    addresses: Sequence[str],
    settings: VethSettings,
    from_inventory: bool = False,
    multicast: bool = True,
) -> list[str]:
    """Give a container addresses (of the default subnet if none is named); returns them with their prefix lengths.

    Addresses that it has already stay; a call that was cut off is finished by the next one. With ``multicast`` it gets
    a route for that, unless it has one.
    """
    state = store.read()
    config = state.known_config
    known = state.endpoints_of(node).get(container.endpoint_id)
    held = list(known.addresses) if known else []
    answer = []
    for wanted in [Wanted.parse(text, config) for text in addresses or [DEFAULT]]:
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
        store.add_names(_names_of_host(container, endpoint))
    # A route over another interface stays, as that of a Docker network of Weave.
    routes = (_MULTICAST_ROUTE,) if multicast and _multicast_devices(container) <= {DEVICE} else ()
    _connect(container, endpoint, settings, routes, known.addresses if known else ())
    return answer


def _names_of_host(container: Container, endpoint: Endpoint) -> list[GivenName]:
    """As Weave answers to a container's host name (``docker run --hostname``), if that is of Weave's domain."""
    if not container.host_name.lower().endswith(f".{DOMAIN}"):
        return []
    try:
        name = checked_name(container.host_name)
    except LabError:  # Docker takes host names that DNS cannot have
        return []
    return [GivenName(endpoint.node, name, ipaddress.IPv4Interface(address).ip) for address in endpoint.addresses]


def detach(
    store: WeaveStore, node: str, container: Container, addresses: Sequence[str], settings: VethSettings
) -> list[str]:
    """Take addresses (all if none is named) from a container, and with the last one its veth pair; returns them."""
    state = store.read()
    known = state.endpoints_of(node).get(container.endpoint_id)
    if known is None or state.config is None:
        _refuse_dockers(container, state.endpoints_of(node).values())
        return []
    wanted = [Wanted.parse(text, state.config) for text in addresses]
    gone = [one for one in known.addresses if not wanted or any(each.is_met_by(one) for each in wanted)]
    kept = tuple(one for one in known.addresses if one not in gone)
    if kept:
        endpoint = Endpoint(**{**vars(known), "addresses": kept})
        store.put_endpoint(endpoint)
        # Changing addresses takes the route along: it is written again, unless there was none.
        routes = (_MULTICAST_ROUTE,) if DEVICE in _multicast_devices(container) else ()
        _connect(container, endpoint, settings, routes, known.addresses)
    else:
        forget_inside(str(container.pid), DEVICE, known.addresses)
        remove(container.host_device)
        store.delete_endpoint(node, container.endpoint_id)
    store.release(node, [ipaddress.IPv4Interface(one).ip for one in gone])
    return gone


def _refuse_dockers(container: Container, endpoints: Iterable[Endpoint]) -> None:
    networks = [one.network for one in endpoints if one.container == container.name and one.network]
    if networks:
        raise LabError(
            f"container '{container.name}' is not attached; it is on Weave by Docker's network '{networks[0]}': "
            f"'docker network disconnect {networks[0]} {container.name}' takes it away."
        )


def attached(store: WeaveStore, node: str) -> dict[str, Endpoint]:
    """The attached containers of a host that run, by name."""
    with NetlinkSocket() as netlink:
        links = read_links(netlink)
    found = store.read().endpoints_of(node).values()
    return {one.container: one for one in found if not one.network and one.device in links}


def forget_vanished(store: WeaveStore, node: str, engine: Engine) -> list[str]:
    """Forget attached containers that have ended, as their veth pairs have; returns their names.

    One that runs, and has no pair yet, is just being attached.
    """
    with NetlinkSocket() as netlink:
        links = read_links(netlink)
    state = store.read()
    detached = [one for one in state.endpoints_of(node).values() if not one.network and one.device not in links]
    known = {one.endpoint_id for one in state.endpoints_of(node).values()}
    unused = {
        holding.owner
        for holding in state.addresses.values()
        if holding.node == node and holding.owner.startswith(ATTACHED) and holding.owner not in known
    }
    if not detached and not unused:
        return []
    running = _running(engine)
    gone = [one for one in detached if running.get(one.endpoint_id) != one.device]
    for endpoint in gone:
        store.delete_endpoint(node, endpoint.endpoint_id)
    ended = {one.endpoint_id for one in gone} | (unused - running.keys())
    store.release(node, [address for address, holding in state.addresses.items() if holding.owner in ended])
    return [endpoint.container for endpoint in gone]


def _running(engine: Engine) -> dict[str, str]:
    """The host's ends that the veth pairs of running containers have or would have, by the ids of their connections."""
    try:
        names = [entry["Id"] for entry in engine.get("/containers/json")]
    except EngineNotRunning:
        return {}  # nor does any container
    found = {}
    for name in names:
        with suppress(LabError):  # it has ended meanwhile
            container = Container.find(engine, name)
            found[container.endpoint_id] = container.host_device
    return found


def _multicast_devices(container: Container) -> set[str]:
    """The interfaces over which a container has routes for multicast."""
    with NetlinkSocket(str(container.pid)) as netlink:
        found = read_main_table(netlink, read_links(netlink))
    destination = _MULTICAST_ROUTE[0][:2]
    return {shape.dev for key, (_via, shape) in found.items() if key[:2] == destination}


def _connect(
    container: Container, endpoint: Endpoint, settings: VethSettings, routes: tuple[Route, ...], former: Sequence[str]
) -> None:
    netns = str(container.pid)
    device = Device(DEVICE, mac=endpoint.mac, addresses=endpoint.addresses)
    connect(endpoint.device, VethEnd(device, netns, routes), settings)
    set_up_inside(netns, DEVICE, endpoint.addresses, former)
