# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of this host's endpoints, as far as this process has seen it.

===========  =========================================================  ===============================================
event        request, or reason                                         from then on
===========  =========================================================  ===============================================
address      IpamDriver.RequestAddress                                  the address is in use, though by no endpoint
given
created      NetworkDriver.CreateEndpoint                               Docker lists the endpoint, but not at once
joined       NetworkDriver.Join                                         the container is a DNS client; its name, and
                                                                        `Network.finish_join`, are awaited
named        Docker has listed the container's name                     its name is in the datastore
left         NetworkDriver.Leave                                        the container is no DNS client
forgotten    NetworkDriver.DeleteEndpoint, or the container vanished    the endpoint is not written again
===========  =========================================================  ===============================================

What must outlast the process is in the datastore, see `records`. Nothing here accesses the datastore or the kernel.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator

from .dns_clients import DnsClients
from .endpoints import HeldAddress
from .joined_endpoints import Joined

GRACE_SECONDS = 35.0
"""What seems left over is removed after this time: Docker repeats a request to a driver that does not answer for 30
seconds, and what it is about to create looks just like what it has left over."""


class EndpointLife:
    """Of one network's endpoints. Safe to use from many threads."""

    def __init__(self, clients: DnsClients) -> None:
        """``clients`` is told which containers are DNS clients."""
        self._clients = clients
        self._lock = threading.Lock()
        self._given: dict[HeldAddress, float] = {}  # to endpoints that do not exist yet, and when (monotonic)
        self._created: dict[str, tuple[HeldAddress, ...]] = {}  # endpoints and their addresses
        self._unnamed: set[str] = set()
        self._unfinished: dict[str, Joined] = {}
        self._forgotten: dict[str, float] = {}  # when (monotonic)
        self._locked: set[str] = set()  # endpoints that are being written or forgotten
        self._unlocked = threading.Condition(self._lock)

    # --- addresses ----------------------------------------------------------------------------------------------------

    def address_given(self, held: HeldAddress) -> None:
        """Docker got an address, and is going to create the endpoint."""
        with self._lock:
            self._given[held] = time.monotonic()

    def address_returned(self, held: HeldAddress) -> None:
        """Docker released an address, or never used it; it need not be known."""
        with self._lock:
            self._given.pop(held, None)

    def is_given(self, held: HeldAddress) -> bool:
        """Whether Docker got the address for an endpoint that does not exist yet."""
        with self._lock:
            return held in self._given

    def may_be_awaited(self, held: HeldAddress) -> bool:
        """Whether an endpoint uses the address, or Docker may be about to create one."""
        with self._lock:
            since = self._given.get(held)
            return (since is not None and time.monotonic() - since < GRACE_SECONDS) or self._is_used(held)

    def is_used(self, held: HeldAddress) -> bool:
        """Whether an endpoint that this process created uses the address."""
        with self._lock:
            return self._is_used(held)

    def _is_used(self, held: HeldAddress) -> bool:
        return any(held in addresses for addresses in self._created.values())

    # --- the events ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def creating(self, endpoint_id: str, addresses: Iterable[HeldAddress]) -> Iterator[None]:
        """An endpoint is created within the block; if that raises an exception, it was not."""
        held = tuple(addresses)
        with self._lock:
            self._created[endpoint_id] = held
        try:
            yield
        except BaseException:
            with self._lock:
                self._created.pop(endpoint_id, None)
            raise
        with self._lock:
            for address in held:
                self._given.pop(address, None)

    def joined(self, joined: Joined, others: Iterable[Joined], network: str) -> None:
        """An endpoint joined a container, whose other endpoints are ``others``. ``network`` is the network's name."""
        with self._lock:
            held = self._created.get(joined.endpoint_id, ())
            self._unnamed.add(joined.endpoint_id)
            self._unfinished.update({one.endpoint_id: one for one in (joined, *others)})
        addresses = (one.address for one in held if ":" not in one.address)
        self._clients.join(joined.endpoint_id, joined.sandbox, network, addresses)

    def named(self, endpoint_ids: Iterable[str]) -> None:
        """The names of these endpoints' containers are in the datastore."""
        with self._lock:
            self._unnamed.difference_update(endpoint_ids)

    def left(self, endpoint_id: str) -> None:
        """An endpoint left its container; it need not be known."""
        self._clients.leave(endpoint_id)
        with self._lock:
            self._unfinished.pop(endpoint_id, None)

    def forgotten(self, endpoint_id: str) -> None:
        """An endpoint is removed, and must not be written again; it need not be known. Call it within `exclusively`."""
        self.left(endpoint_id)
        with self._lock:
            self._forgotten[endpoint_id] = time.monotonic()
            self._created.pop(endpoint_id, None)
            self._unnamed.discard(endpoint_id)

    # --- questions ----------------------------------------------------------------------------------------------------

    def created_here(self) -> set[str]:
        """The endpoints that this process created, without those that are forgotten."""
        with self._lock:
            return set(self._created)

    def starting(self) -> set[str]:
        """The endpoints whose containers' names, or `Network.finish_join`, are awaited."""
        with self._lock:
            return self._unnamed | self._unfinished.keys()

    def awaits_names(self) -> bool:
        """Whether the name of a container that an endpoint joined is not stored yet."""
        with self._lock:
            return bool(self._unnamed)

    # --- work inside containers ---------------------------------------------------------------------------------------

    def check_again(self, joined: Iterable[Joined]) -> None:
        """`Network.finish_join` is due again for these."""
        with self._lock:
            self._unfinished.update({one.endpoint_id: one for one in joined})

    def finished(self, joined: Joined) -> None:
        """`Network.finish_join` is done."""
        with self._lock:
            if self._unfinished.get(joined.endpoint_id) == joined:
                self._unfinished.pop(joined.endpoint_id)

    def unfinished(self) -> list[Joined]:
        """The endpoints for which `Network.finish_join` is due."""
        with self._lock:
            return list(self._unfinished.values())

    # --- writing an endpoint ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def exclusively(self, endpoint_id: str) -> Iterator[bool]:
        """No other thread writes or forgets the endpoint within the block; whether it has not been forgotten before."""
        with self._unlocked:
            self._unlocked.wait_for(lambda: endpoint_id not in self._locked)
            self._locked.add(endpoint_id)
            exists = endpoint_id not in self._forgotten
        try:
            yield exists
        finally:
            with self._unlocked:
                self._locked.discard(endpoint_id)
                self._unlocked.notify_all()

    def prune(self) -> None:
        """Drop what was forgotten so long ago that Docker does not list it any more."""
        now = time.monotonic()
        with self._lock:
            self._forgotten = {one: since for one, since in self._forgotten.items() if now - since <= GRACE_SECONDS}
