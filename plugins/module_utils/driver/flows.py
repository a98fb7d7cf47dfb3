# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows of containers that are gone: every host of the network forgets them, before another container has the address.

Rules let pass what belongs to a flow that the kernel knows. On the host of the container that was removed, and on those
of its partners, the flow would open the way to, and from, whoever gets the address next.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from ..errors import LabError
from ..kernel.conntrack import remove_flows
from .complaints import Complaints
from .dns_names import ContainerName

log = logging.getLogger(__name__)


class Flows:
    """Of one network's containers on this host, in whose connection tracking their packets are."""

    def __init__(self) -> None:
        self._holders: dict[str, str] = {}  # endpoints by address
        self._complaints = Complaints()

    def follow(self, containers: Iterable[ContainerName]) -> None:
        """Forget the flows of addresses that had another endpoint the last time, or have none any more."""
        holders = {address: one.endpoint_id for one in containers for address in one.addresses}
        self.forget([address for address, holder in self._holders.items() if holders.get(address) != holder])
        self._holders = holders

    def forget(self, addresses: Collection[str]) -> None:
        """Forget all flows of addresses. A failure is logged: no container's start depends on it."""
        try:
            count = remove_flows(addresses)
            self._complaints.are(())
        except (LabError, OSError) as error:
            self._complaints.are([f"flows of removed containers may be left: {error}"])
        else:
            log.debug("%d flows of %s forgotten", count, addresses)
