# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source addresses of the DNS queries of this host's containers, and the networks of each container.

A query comes from one of the addresses inside the container: its own in a network with a gateway, or else the one on
docker_gwbridge, which only the container's namespace shows. Both exist before the container's first process runs.
"""

from __future__ import annotations

import threading
from collections.abc import Container, Iterable, Mapping

from ..errors import LabError
from ..kernel.links import read_links
from ..kernel.netlink import NetlinkSocket
from .dns_views import Networks, networks_by_address


class DnsClients:
    """Of one driver's networks. Safe to use from many threads."""

    def __init__(self) -> None:
        self._networks: dict[str, tuple[str, str]] = {}  # sandbox and network's name, by endpoint
        self._addresses: dict[str, frozenset[str]] = {}  # by sandbox
        self._starting: set[str] = set()  # sandboxes whose containers are starting
        self._lock = threading.Lock()

    def join(self, endpoint_id: str, sandbox: str, network: str, addresses: Iterable[str] = ()) -> None:
        """An endpoint joined a container, with the addresses that are known so far."""
        with self._lock:
            self._networks[endpoint_id] = (sandbox, network)
            self._addresses[sandbox] = self._addresses.get(sandbox, frozenset()).union(addresses)
            self._starting.add(sandbox)

    def leave(self, endpoint_id: str) -> None:
        """An endpoint left its container; it need not be known."""
        with self._lock:
            sandbox, _network = self._networks.pop(endpoint_id, ("", ""))
            if sandbox not in {each for each, _network in self._networks.values()}:
                self._addresses.pop(sandbox, None)
                self._starting.discard(sandbox)

    def sync(self, joined: Mapping[str, tuple[str, str]]) -> None:
        """Replace what is known by the datastore's records: sandbox and name of the network, by endpoint."""
        for endpoint_id in set(self._networks) - set(joined):
            self.leave(endpoint_id)
        for endpoint_id, (sandbox, network) in joined.items():
            if endpoint_id not in self._networks:
                self.join(endpoint_id, sandbox, network)

    def read_addresses(self, starting: Container[str]) -> None:
        """Read the addresses inside the containers that start, for the last time inside those that run by now.

        ``starting`` are the endpoints whose containers may still get addresses. Among many that start, those that run
        are not read again and again, and one that joined meanwhile is read the next time.
        """
        with self._lock:
            running = {endpoint_id for endpoint_id in self._networks if endpoint_id not in starting}
            sandboxes = list(self._starting)
        for sandbox in sandboxes:
            addresses = _addresses_in(sandbox)
            with self._lock:
                if addresses and sandbox in self._addresses:
                    self._addresses[sandbox] = addresses
        with self._lock:
            self._starting &= {sandbox for one, (sandbox, _network) in self._networks.items() if one not in running}

    def by_address(self) -> dict[str, Networks]:
        """The networks of each container, by its addresses."""
        with self._lock:
            networks: dict[str, set[str]] = {}
            for sandbox, network in self._networks.values():
                networks.setdefault(sandbox, set()).add(network)
            return networks_by_address(
                (frozenset(names), self._addresses[sandbox]) for sandbox, names in networks.items()
            )


def _addresses_in(sandbox: str) -> frozenset[str]:
    """IPv4 only, as the DNS server's address."""
    try:
        with NetlinkSocket(sandbox) as netlink:
            links = read_links(netlink).values()
    except LabError:
        return frozenset()  # the namespace appears when the container starts
    found = (address.partition("/")[0] for link in links if link.name != "lo" for address in link.addresses)
    return frozenset(address for address in found if ":" not in address)
