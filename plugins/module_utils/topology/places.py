# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places that people name, as ``node-1/busybox:eth0``, found in what the hosts have. Pure.

``HOST[/CONTAINER][:INTERFACE]``. A container that one host only has needs no host, and neither does a segment of the
lab; in place of a container there may be any namespace with a name. Without an interface, all of a container are meant,
and of a host those by which it reaches others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .joined import MACHINE, Place, Topology
from .model import Device, Host, Namespace

_CARDS = (None, "bond", "ipvlan", "macvlan", "vlan")


def find_places(topology: Topology, written: Sequence[str], problems: list[str]) -> list[Place]:
    """The devices that the texts mean, each once; what means none is added to ``problems``."""
    found: dict[tuple[str, str, str], Place] = {}
    for text in written:
        for place in _find(topology, text.strip(), problems):
            found[(place.host, place.namespace.id, place.device.name)] = place
    return list(found.values())


def place_texts(written: str | Sequence[str]) -> list[str]:
    """Places as they are given: a list, or a text with commas."""
    return [text for text in (written.split(",") if isinstance(written, str) else map(str, written)) if text.strip()]


def segments(topology: Topology) -> dict[str, Place]:
    """The bridges of the labs' routers by name."""
    machine = topology.hosts.get(MACHINE)
    return {
        device.name: Place(MACHINE, namespace, device)
        for namespace in (machine.namespaces if machine else ())
        for device in namespace.devices
        if device.kind == "bridge"
    }


def _find(topology: Topology, text: str, problems: list[str]) -> list[Place]:
    head, _colon, interface = text.partition(":")
    bridge = segments(topology).get(head)
    namespaces = find_namespaces(topology, head)
    if not namespaces and bridge and not interface:
        return [bridge]
    if not namespaces:
        problems.append(unknown_place(topology, text, head))
        return []
    if len(namespaces) > 1:
        choices = " or ".join(f"{host}/{namespace.name}" for host, namespace in namespaces)
        problems.append(f"'{text}' may be any of several: write {choices}")
        return []
    ((host, namespace),) = namespaces
    devices = (
        [device for device in namespace.devices if device.name == interface] if interface else usual_devices(namespace)
    )
    if not devices:
        known = ", ".join(device.name for device in namespace.devices)
        lacks = f"has no interface '{interface}'" if interface else "has no interface with an address"
        problems.append(f"'{text}': {head} {lacks}; it has {known}")
    return [Place(host, namespace, device) for device in devices]


def find_namespaces(topology: Topology, head: str) -> list[tuple[str, Namespace]]:
    """The namespaces that HOST, HOST/CONTAINER or CONTAINER may mean, each with its host."""
    host_name, slash, inner = head.partition("/")
    if slash:
        host = topology.hosts.get(host_name)
        return [(host_name, namespace) for namespace in _inner(host, inner)] if host else []
    own = topology.hosts.get(head)
    if own is not None:
        return [(head, namespace) for namespace in own.namespaces if namespace.name == "host"]
    return [(name, namespace) for name, host in topology.hosts.items() for namespace in _inner(host, head)]


def _inner(host: Host, name: str) -> list[Namespace]:
    return [each for each in host.namespaces if name != "host" and (name == each.name or name in each.containers)]


def usual_devices(namespace: Namespace) -> list[Device]:
    """All of a container, and of a host those by which it reaches others.

    A card has no address where a bridge has it that the card is a port of, as on hosts of Kuryr.
    """
    devices = [device for device in namespace.devices if device.name != "lo"]
    if namespace.name != "host":
        return devices
    cards = [device for device in devices if device.kind in _CARDS or _leads_out(device)]
    return [card for card in cards if card.addresses] or [card for card in cards if card.up]


def _leads_out(device: Device) -> bool:
    """Whether it is a lab host's card: a veth whose other end the host does not see."""
    return device.kind == "veth" and device.peer is None


def unknown_place(topology: Topology, text: str, head: str) -> str:
    """What is said of a text that means no device; ``head`` is what stands before its colon."""
    unknown = unknown_namespace(topology, text, head)
    if unknown.unseen:
        return unknown.says
    return (
        f"{unknown.says}, nor a segment ({', '.join(segments(topology)) or 'none'}): "
        "write HOST, HOST/CONTAINER or SEGMENT, and the interface behind a colon"
    )


class Unknown(NamedTuple):
    """What is said of a text that means no namespace; ``unseen`` if its host may have what is meant."""

    says: str
    unseen: bool


def unknown_namespace(topology: Topology, text: str, head: str) -> Unknown:
    """Why ``head`` of a text, HOST, HOST/CONTAINER or CONTAINER, means nothing."""
    host = head.partition("/")[0]
    if host in topology.unseen:
        return Unknown(f"'{text}': {host} cannot be looked at: {topology.unseen[host]}", True)
    hosts = [name for name in topology.hosts if name != MACHINE]
    containers = sorted({c for each in topology.hosts.values() for n in each.namespaces for c in n.containers})
    says = (
        f"'{text}' is neither a host ({', '.join(hosts) or 'none'}), nor a running container "
        f"({', '.join(containers) or 'none'})"
    )
    return Unknown(says, False)
