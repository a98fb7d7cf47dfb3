# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of this host's endpoints, as far as this process has seen it.

===========  =========================================================  ===============================================
event        when                                                       from then on
===========  =========================================================  ===============================================
address      IpamDriver.RequestAddress was answered                     the address is taken, though no endpoint has it
given
created      NetworkDriver.CreateEndpoint                               Docker lists the endpoint soon, not at once
joined       NetworkDriver.Join                                         the container may ask for names; its name, and
                                                                        what is to be done inside it, are awaited
named        Docker has told the container's name
left         NetworkDriver.Leave                                        the container asks no more
forgotten    NetworkDriver.DeleteEndpoint, or the container vanished    nobody writes the endpoint again
===========  =========================================================  ===============================================

What must outlast the process is in the datastore: see `records`. Nothing here touches it, or the kernel.
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
"""What seems left over is removed after it seemed so for this long: Docker repeats a request to a driver that does not
answer for 30 seconds, and what it is about to make looks just like what it has left."""


class EndpointLife:
    """Of one network's endpoints. Safe to use from many threads."""

    def __init__(self, clients: DnsClients) -> None:
        """``clients`` learns which containers ask for names."""
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
        """Docker has got an address, and will create the endpoint."""
        with self._lock:
            self._given[held] = time.monotonic()

    def address_returned(self, held: HeldAddress) -> None:
        """It has given it back, or never taken it; it need not be known."""
        with self._lock:
            self._given.pop(held, None)

    def is_given(self, held: HeldAddress) -> bool:
        """Whether Docker has got the address for an endpoint that does not exist yet."""
        with self._lock:
            return held in self._given

    def may_be_awaited(self, held: HeldAddress) -> bool:
        """Whether Docker has the address for an endpoint, or may be about to create one."""
        with self._lock:
            since = self._given.get(held)
            return (since is not None and time.monotonic() - since < GRACE_SECONDS) or self._is_used(held)

    def is_used(self, held: HeldAddress) -> bool:
        """Whether an endpoint that this process created has the address."""
        with self._lock:
            return self._is_used(held)

    def _is_used(self, held: HeldAddress) -> bool:
        return any(held in addresses for addresses in self._created.values())

    # --- the events ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def creating(self, endpoint_id: str, addresses: Iterable[HeldAddress]) -> Iterator[None]:
        """An endpoint is created within the block; an exception says that it was not."""
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
        """An endpoint joined a container, in which ``others`` are already. ``network`` is the network's name."""
        with self._lock:
            held = self._created.get(joined.endpoint_id, ())
            self._unnamed.add(joined.endpoint_id)
            self._unfinished.update({one.endpoint_id: one for one in (joined, *others)})
        addresses = (one.address for one in held if ":" not in one.address)
        self._clients.join(joined.endpoint_id, joined.sandbox, network, addresses)

    def named(self, endpoint_ids: Iterable[str]) -> None:
        """The containers of these have their names in the datastore."""
        with self._lock:
            self._unnamed.difference_update(endpoint_ids)

    def left(self, endpoint_id: str) -> None:
        """An endpoint left its container; it need not be known."""
        self._clients.leave(endpoint_id)
        with self._lock:
            self._unfinished.pop(endpoint_id, None)

    def forgotten(self, endpoint_id: str) -> None:
        """An endpoint is removed, and must not be written any more; it need not be known. Within `exclusively`."""
        self.left(endpoint_id)
        with self._lock:
            self._forgotten[endpoint_id] = time.monotonic()
            self._created.pop(endpoint_id, None)
            self._unnamed.discard(endpoint_id)

    # --- questions ----------------------------------------------------------------------------------------------------

    def created_here(self) -> set[str]:
        """The endpoints that this process created, and that live."""
        with self._lock:
            return set(self._created)

    def awaits_names(self) -> bool:
        """Whether the name of a container that an endpoint joined is not known yet."""
        with self._lock:
            return bool(self._unnamed)

    # --- work inside containers ---------------------------------------------------------------------------------------

    def check_again(self, joined: Iterable[Joined]) -> None:
        """What is to be done inside the containers of these may have to be done again."""
        with self._lock:
            self._unfinished.update({one.endpoint_id: one for one in joined})

    def finished(self, joined: Joined) -> None:
        """All is done inside of the container."""
        with self._lock:
            if self._unfinished.get(joined.endpoint_id) == joined:
                self._unfinished.pop(joined.endpoint_id)

    def unfinished(self) -> list[Joined]:
        """Endpoints inside whose containers there is something to do, once Docker has moved the device there."""
        with self._lock:
            return list(self._unfinished.values())

    # --- who writes an endpoint ---------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def exclusively(self, endpoint_id: str) -> Iterator[bool]:
        """Nobody else writes or forgets the endpoint within the block; whether it has not been forgotten before."""
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
        """Docker has long stopped listing what was forgotten long ago."""
        now = time.monotonic()
        with self._lock:
            self._forgotten = {one: since for one, since in self._forgotten.items() if now - since <= GRACE_SECONDS}
