# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS server in containers that have no way to their host: its address inside, and a relay behind that.

As Docker's own resolver does, the relay has sockets in the container's network namespace. So a query leaves the
container by no device, whatever its networks are, and it is known whose it is: it goes to the view of the container's
networks.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from ..kernel.namespaces import inside
from ..kernel.netlink import NetlinkSocket
from ..kernel.writer import KernelWriter, address_added
from .complaints import Complaints
from .dns_views import PORT, Networks

ANSWER_SECONDS = 5.0
"""How long a query may take, as resolvers wait by default (resolv.conf(5))."""
OPEN_QUERIES = 64
"""Of one container at once, over UDP; further ones take the place of the oldest. Over TCP there is one at a time."""
_LONGEST_MESSAGE = 65535


@dataclass(eq=False)
class _Relay:
    """The sockets of one container."""

    udp: socket.socket
    tcp: socket.socket
    networks: Networks
    by_tcp: threading.Semaphore


@dataclass(eq=False)
class _Query:
    """A query over UDP that waits for its answer."""

    relay: _Relay
    upstream: socket.socket
    client: Any
    deadline: float


class DnsRelays:
    """Of this host's containers of one driver. Safe to use from many threads; `run` is one of them."""

    def __init__(self, address: str, port_of: Callable[[Networks], int]) -> None:
        """``address`` is the DNS server's, here and in containers; ``port_of`` tells where a view listens."""
        self._address = address
        self._port_of = port_of
        self._relays: dict[str, _Relay] = {}
        self._complaints = Complaints(logging.INFO)
        self._queries: list[_Query] = []
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()
        self._stopping = False

    def sync(self, wanted: Mapping[str, Networks]) -> None:
        """Have a relay in each of these namespaces (paths), with the networks of its container, and in no others.

        A failure is told once: the container may have ended meanwhile, or have a server of its own there.
        """
        complaints = []
        with self._lock:
            for sandbox in self._relays.keys() - wanted.keys():
                self._close(self._relays.pop(sandbox))
            for sandbox, networks in wanted.items():
                if sandbox in self._relays:
                    self._relays[sandbox].networks = networks
                else:
                    try:
                        self._open(sandbox, networks)
                    except (LabError, OSError) as error:
                        complaints.append(f"a container asks no names ({sandbox}): {error}")
            self._complaints.are(complaints)

    def _open(self, sandbox: str, networks: Networks) -> None:
        relay = _Relay(*listening(sandbox, self._address), networks, threading.Semaphore())
        self._relays[sandbox] = relay
        self._selector.register(relay.udp, selectors.EVENT_READ, (self._ask, relay))
        self._selector.register(relay.tcp, selectors.EVENT_READ, (self._accept, relay))

    def _close(self, relay: _Relay) -> None:
        for query in [one for one in self._queries if one.relay is relay]:
            self._finish(query)
        for each in (relay.udp, relay.tcp):
            self._selector.unregister(each)
            each.close()

    def stop(self) -> None:
        """End `run`."""
        self._stopping = True

    def run(self) -> None:
        """Carry queries and answers until stopped."""
        while not self._stopping:
            for key, _events in self._selector.select(1.0):
                with self._lock:
                    # One that was just closed is not ours any more.
                    if key.fileobj.fileno() >= 0:  # type: ignore[union-attr]
                        act, subject = key.data
                        with contextlib.suppress(OSError):
                            act(subject)
            self._give_up_old()

    def _give_up_old(self) -> None:
        now = time.monotonic()
        with self._lock:
            for query in [one for one in self._queries if one.deadline < now]:
                self._finish(query)

    # --- UDP ----------------------------------------------------------------------------------------------------------

    def _ask(self, relay: _Relay) -> None:
        message, client = relay.udp.recvfrom(_LONGEST_MESSAGE)
        others = [one for one in self._queries if one.relay is relay]
        if len(others) >= OPEN_QUERIES:
            self._finish(others[0])
        upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        upstream.setblocking(False)
        query = _Query(relay, upstream, client, time.monotonic() + ANSWER_SECONDS)
        self._queries.append(query)
        self._selector.register(upstream, selectors.EVENT_READ, (self._answer, query))
        upstream.connect((self._address, self._port_of(relay.networks)))
        upstream.send(message)

    def _answer(self, query: _Query) -> None:
        try:
            query.relay.udp.sendto(query.upstream.recv(_LONGEST_MESSAGE), query.client)
        finally:
            self._finish(query)

    def _finish(self, query: _Query) -> None:
        if query in self._queries:
            self._queries.remove(query)
            self._selector.unregister(query.upstream)
            query.upstream.close()

    # --- TCP ----------------------------------------------------------------------------------------------------------

    def _accept(self, relay: _Relay) -> None:
        connection, _client = relay.tcp.accept()
        if relay.by_tcp.acquire(blocking=False):
            threading.Thread(target=self._carry, args=(relay, connection), name="dns-by-tcp", daemon=True).start()
        else:
            connection.close()

    def _carry(self, relay: _Relay, connection: socket.socket) -> None:
        """One query and its answer, each behind its length in two bytes (RFC 1035, section 4.2.2)."""
        deadline = time.monotonic() + ANSWER_SECONDS
        try:
            with connection, contextlib.suppress(OSError):
                place = (self._address, self._port_of(relay.networks))
                query = _message(connection, deadline)
                with socket.create_connection(place, timeout=ANSWER_SECONDS) as upstream:
                    upstream.sendall(query)
                    connection.sendall(_message(upstream, deadline))
        finally:
            relay.by_tcp.release()


def _message(source: socket.socket, deadline: float) -> bytes:
    """A message with its length in front; OSError if it does not come in time."""
    found = b""
    while len(found) < 2 or len(found) < 2 + int.from_bytes(found[:2], "big"):
        source.settimeout(max(0.001, deadline - time.monotonic()))
        more = source.recv(_LONGEST_MESSAGE + 2 - len(found))
        if not more:
            raise ConnectionError("the connection ended within a message")
        found += more
    return found


def listening(sandbox: str, address: str) -> tuple[socket.socket, socket.socket]:
    """Sockets at port 53 of an address inside a namespace, which gets the address: UDP's and TCP's."""
    with NetlinkSocket(sandbox) as netlink:
        KernelWriter(netlink).send(f"{address} in {sandbox}", [address_added(netlink.index_of("lo"), address, 32)])
    with inside(sandbox), contextlib.ExitStack() as opened:
        sockets = []
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            one = opened.enter_context(socket.socket(socket.AF_INET, kind))
            one.setblocking(False)
            if kind == socket.SOCK_STREAM:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((address, PORT))
            sockets.append(one)
        sockets[1].listen(4)
        opened.pop_all()
    return sockets[0], sockets[1]
