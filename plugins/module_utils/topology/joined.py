# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All hosts together, and where the other end of a veth pair is, across lab hosts too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .model import Device, Host, Namespace

MACHINE = "localhost"
"""What the machine that runs Ansible is called; of it only the routers of labs are looked at."""


@dataclass(frozen=True)
class Place:
    """A device, in its namespace, on its host."""

    host: str
    namespace: Namespace
    device: Device

    @property
    def label(self) -> str:
        """As people name it: node-1:eth0, node-1/busybox:eth0, underlay-four_nodes:subnet-1."""
        inner = () if self.namespace.name == "host" else (self.namespace.name,)
        host = () if self.host == MACHINE else (self.host,)
        return f"{'/'.join((*host, *inner))}:{self.device.name}"

    @property
    def netns(self) -> str | None:
        """The namespace as modules on its host take it: None for the host's own."""
        return None if self.namespace.name == "host" else self.namespace.path


def why_unseen(result: Mapping[str, Any]) -> str:
    """Why a host was not looked at, in Ansible's words of it without those on its own task."""
    lines = str(result.get("msg") or "it was not looked at").strip().splitlines()
    return lines[0].removeprefix("Task failed: ")


@dataclass(frozen=True)
class Topology:
    """The hosts that were seen, by their names in the inventory, and why others were not."""

    hosts: Mapping[str, Host]
    unseen: Mapping[str, str]

    @classmethod
    def from_results(cls, results: Mapping[str, Mapping[str, Any]], routers: Mapping[str, Any] | None) -> Topology:
        """Of what ``topology_info`` returned on each host, or Ansible said instead, and what it returned here."""
        seen = {name: Host.from_data(one["topology"]) for name, one in results.items() if "topology" in one}
        unseen = {name: why_unseen(one) for name, one in results.items() if name not in seen}
        return cls({**seen, **({MACHINE: Host.from_data(routers)} if routers else {})}, unseen)

    def places(self) -> Iterator[Place]:
        """All devices."""
        for name, host in self.hosts.items():
            for namespace in host.namespaces:
                for device in namespace.devices:
                    yield Place(name, namespace, device)

    @cached_property
    def _by_identity(self) -> dict[tuple[str, int], Place]:
        """Devices by their namespace and index. A namespace that several hosts see is that of the one it belongs to."""
        found: dict[tuple[str, int], Place] = {}
        for place in self.places():
            found.setdefault((place.namespace.id, place.device.index), place)
        return found

    @cached_property
    def _other_ends(self) -> dict[tuple[str, int], Place]:
        """The other end by namespace and index; one of the two hosts at least has seen where it is."""
        ends: dict[tuple[str, int], Place] = {}
        for place in self.places():
            peer = place.device.peer
            if peer is None:
                continue
            ends[(peer.namespace, peer.index)] = place
            there = self._by_identity.get((peer.namespace, peer.index))
            if there is not None:
                ends[(place.namespace.id, place.device.index)] = there
        return ends

    def other_end(self, place: Place) -> Place | None:
        """The other end of a veth pair, where it was seen."""
        return self._other_ends.get((place.namespace.id, place.device.index))

    def ports(self, bridge: Place) -> list[Place]:
        """The ports of a bridge."""
        return [
            Place(bridge.host, bridge.namespace, device)
            for device in bridge.namespace.devices
            if device.master == bridge.device.name
        ]
