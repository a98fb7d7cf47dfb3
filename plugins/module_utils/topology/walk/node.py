# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a packet is: a network namespace of a host. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..joined import MACHINE, Place
from ..model import Device, Namespace


@dataclass(frozen=True)
class Node:
    """A network namespace of a host."""

    host: str
    namespace: Namespace

    @property
    def label(self) -> str:
        """As people name it."""
        inner = () if self.namespace.name == "host" else (self.namespace.name,)
        return "/".join((*(() if self.host == MACHINE else (self.host,)), *inner))

    @property
    def box(self) -> str:
        """Its frame in the drawing."""
        return self.host if self.namespace.name == "host" else f"{self.host}/{self.namespace.name}"

    def place(self, device: Device) -> Place:
        """One of its devices."""
        return Place(self.host, self.namespace, device)
