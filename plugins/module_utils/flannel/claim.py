# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which subnet a host gets: the pinned one, one that it has, one that it had, or a free one. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from ..errors import InvalidInput, LabError
from .config import FlannelConfig
from .snapshot import Snapshot, Subnet

CANDIDATES = 100
"""Flanneld chooses among the first so many free subnets."""


@dataclass(frozen=True)
class Claim:
    """What a host asks for: its name in the inventory, its address, and how its subnet is to be chosen."""

    node: str
    public_ip: str
    pin: Subnet | None = None
    previous: Subnet | None = None
    avoid: tuple[Subnet, ...] = ()

    def choose(self, snapshot: Snapshot, config: FlannelConfig) -> Subnet:
        """The pin; else a lease that the host has; else that of its subnet.env if it is free; else a free one."""
        mine = snapshot.leases_of(self.node, self.public_ip)
        others = {*snapshot.leases, *snapshot.taken} - set(mine)
        if self.pin is not None:
            self._refuse_unusable_pin(self.pin, snapshot, config, others)
            return self.pin
        taken = {*others, *self.avoid}
        for subnet in [*mine, *([self.previous] if self.previous else [])]:
            if config.subnet_problem(subnet) is None and not _overlapping(subnet, taken):
                return subnet
        chosen = choose_subnet(config, taken, self.node)
        if chosen is None:
            raise LabError(
                f"{self.node} ({self.public_ip}) gets no subnet: all {config.capacity} of network {config.network} "
                "are taken or pinned. Choose a larger network or subnet_len, or release leases of hosts that are gone."
            )
        return chosen

    def _refuse_unusable_pin(
        self, pin: Subnet, snapshot: Snapshot, config: FlannelConfig, others: Collection[Subnet]
    ) -> None:
        problem = config.subnet_problem(pin)
        if problem:
            raise InvalidInput([f"{self.node}: the pinned subnet {pin} {problem}"])
        pinned = f"the subnet {pin} is pinned to {self.node} ({self.public_ip}), and"
        if pin in others:
            raise LabError(
                f"{pinned} {snapshot.holder(pin)} holds it. "
                "Pin another subnet, or let its holder release it first (stop its flanneld and delete its key)."
            )
        overlapping = _overlapping(pin, others)
        if overlapping:
            raise LabError(
                f"{pinned} overlaps {overlapping} of {snapshot.holder(overlapping)}. "
                "Pin another subnet, or let its holder release it first."
            )


def _overlapping(subnet: Subnet, others: Collection[Subnet]) -> Subnet | None:
    return next((other for other in others if other.overlaps(subnet)), None)


def choose_subnet(
    config: FlannelConfig, taken: Collection[ipaddress.IPv4Network], seed: str
) -> ipaddress.IPv4Network | None:
    """One of the first 100 free subnets; None if all are taken.

    Flanneld draws at random. We let the host's name draw, so that check mode predicts what a run does,
    and hosts that choose at the same moment still choose differently most times.
    """
    occupied = sorted((int(subnet.network_address), int(subnet.broadcast_address)) for subnet in taken)
    free = []
    position = 0
    for subnet in config.subnets():
        first, last = int(subnet.network_address), int(subnet.broadcast_address)
        while position < len(occupied) and occupied[position][1] < first:
            position += 1
        if position == len(occupied) or occupied[position][0] > last:
            free.append(subnet)
            if len(free) == CANDIDATES:
                break
    if not free:
        return None
    return free[int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") % len(free)]
