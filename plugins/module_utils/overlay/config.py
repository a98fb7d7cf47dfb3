# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's overlay networks as they are wanted: what is wrong with them, and how Docker is told of them. Pure.

Defaults and numbers are those of Docker's overlay driver (libnetwork, drivers/overlay).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidInput
from ..kernel.links import LARGEST_MTU, SMALLEST_MTU
from ..kernel.vxlan import LARGEST_VNI, OVERHEAD
from ..validation import (
    duplicate_problems,
    held_by_several,
    mappings,
    number_between,
    range_problems,
    text_or_none,
    truth_value,
)
from .networks import VNI_OPTIONS

DEFAULT_MTU = 1450  # bytes; Docker takes an underlay of 1500 for granted
ESP_OVERHEAD = 26
"""Bytes that Docker leaves for encryption, in addition."""
_ESP_ALIGNMENT = 4  # the MTU of an encrypted overlay is a multiple of it

SWARM, ETCD = "swarm", "etcd"
"""Who tells the hosts of each other's containers: Docker's swarm, or the driver over etcd."""
DRIVERS = {SWARM: "overlay", ETCD: "overlay-etcd"}
"""The name of the network driver by the control plane."""

NETWORKS_GROUP = "docker_overlay"
"""The group of the role's networks, see docker_networks."""

_VNI_OPTIONS = {DRIVERS[SWARM]: "com.docker.network.driver.overlay.vxlanid_list", DRIVERS[ETCD]: "vni"}
"""Which option of a driver's networks names their VNIs."""
_MOST_DIGITS = 20  # more than any VNI has, and less than Python refuses to read
_MTU_OPTION = "com.docker.network.driver.mtu"
_KEYS = ("name", "subnet", "gateway", "ip_range", "vni", "mtu", "internal", "encrypted")


@dataclass(frozen=True)
class OverlaySpec:
    """One overlay as it is wanted: an entry of the variable ``docker_overlay_networks``."""

    name: str
    subnet: ipaddress.IPv4Network
    gateway: ipaddress.IPv4Address
    ip_range: ipaddress.IPv4Network | None = None
    vni: int | None = None
    mtu: int | None = None  # bytes, of the containers' interfaces
    internal: bool = False
    encrypted: bool = False

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> OverlaySpec:
        """An overlay from its entry; InvalidInput holds everything that is wrong with it."""
        problems: list[str] = []
        network = cls.read(entry, problems)
        if network is None or problems:
            raise InvalidInput(problems)
        return network

    @classmethod
    def read(cls, entry: Mapping[str, Any], problems: list[str]) -> OverlaySpec | None:
        """An overlay as far as it can be read, None without name or subnet; adds what is wrong to ``problems``."""
        problems += [f"has the key '{key}', and known are {', '.join(_KEYS)}" for key in entry if key not in _KEYS]
        problems += [f"has no {key}" for key in ("name", "subnet") if not entry.get(key)]
        name = text_or_none("name", entry.get("name"), problems)
        internal = truth_value("internal", entry.get("internal"), problems)
        encrypted = truth_value("encrypted", entry.get("encrypted"), problems)
        subnet = _typed(ipaddress.IPv4Network, entry, "subnet", "10.20.0.0/16", problems)
        gateway = _typed(ipaddress.IPv4Address, entry, "gateway", "10.20.0.1", problems)
        ip_range = _typed(ipaddress.IPv4Network, entry, "ip_range", "10.20.255.0/24", problems)
        vni = _entry_number(entry, "vni", 1, LARGEST_VNI, problems)
        mtu = _entry_number(entry, "mtu", SMALLEST_MTU, LARGEST_MTU, problems)
        if mtu and encrypted and mtu % _ESP_ALIGNMENT:
            problems.append(f"mtu {mtu} must be a multiple of {_ESP_ALIGNMENT}, as the network is encrypted")
        if not name or subnet is None:
            return None
        problems += range_problems("subnet", subnet)
        if gateway and gateway not in subnet:
            problems.append(f"gateway {gateway} is not in its subnet {subnet}")
        if ip_range and not ip_range.subnet_of(subnet):
            problems.append(f"ip_range {ip_range} is not in its subnet {subnet}")
        return cls(
            name=name,
            subnet=subnet,
            gateway=gateway or subnet.network_address + 1,
            ip_range=ip_range,
            vni=vni,
            mtu=mtu,
            internal=bool(internal),
            encrypted=bool(encrypted),
        )

    @property
    def overhead(self) -> int:
        """Bytes that the underlay carries around each packet."""
        return OVERHEAD + (ESP_OVERHEAD if self.encrypted else 0)

    @property
    def container_mtu(self) -> int:
        """MTU of the containers' interfaces in bytes."""
        if self.mtu is not None:
            return self.mtu
        return DEFAULT_MTU - (ESP_OVERHEAD if self.encrypted else 0)

    def docker_network(self, control_plane: str) -> dict[str, Any]:
        """The entry for the module docker_networks that makes it: once in a swarm, on each host over etcd."""
        driver = DRIVERS[control_plane]
        drivers = {"driver": driver, "attachable": True}
        if control_plane == ETCD:
            drivers = {"driver": driver, "ipam_driver": driver}
        return {
            "name": self.name,
            **drivers,
            "internal": self.internal,
            "subnets": [str(self.subnet)],
            "gateways": [str(self.gateway)],
            "ip_ranges": [str(self.ip_range)] if self.ip_range else [],
            "options": self._options(control_plane),
        }

    def _options(self, control_plane: str) -> dict[str, str]:
        if control_plane == ETCD:
            values = {_VNI_OPTIONS[DRIVERS[ETCD]]: self.vni, "mtu": self.mtu}
        else:
            underlay_mtu = None if self.mtu is None else self.mtu + self.overhead  # Docker is told the underlay's
            values = {
                _VNI_OPTIONS[DRIVERS[SWARM]]: self.vni,
                _MTU_OPTION: underlay_mtu,
                "encrypted": "true" if self.encrypted else None,
            }
        return {name: str(value) for name, value in values.items() if value is not None}


def asked_vnis(driver: str, options: Mapping[str, str]) -> list[int]:
    """The VNIs that a Docker network was made with, by its options; none where it was left to the driver."""
    names = VNI_OPTIONS if driver == DRIVERS[ETCD] else [_VNI_OPTIONS.get(driver, "")]
    vnis = [vni for name in names for vni in options.get(name, "").split(",")]
    return [int(vni) for vni in vnis if vni.isascii() and vni.isdigit() and len(vni) < _MOST_DIGITS]


def _typed(kind: type, entry: Mapping[str, Any], key: str, example: str, problems: list[str]) -> Any:
    """An address or a network; None if none is given, or none that can be read."""
    if not entry.get(key):
        return None
    try:
        return kind(str(entry[key]))
    except ValueError as error:
        problems.append(f"{key} '{entry[key]}' must be written as {example}: {error}")
        return None


def _entry_number(entry: Mapping[str, Any], key: str, least: int, most: int, problems: list[str]) -> int | None:
    text = str("" if entry.get(key) is None else entry[key])
    return number_between(f"{key} '{text}'", text, least, most, problems)


def parsed_networks(entries: Any, problems: list[str]) -> list[OverlaySpec]:
    """The overlays of the variable as far as they can be read; adds what is wrong with them to ``problems``."""
    networks = []
    example = "{name: overlay, subnet: 10.20.0.0/16}"
    for index, entry in enumerate(mappings("docker_overlay_networks", entries, example, problems)):
        found: list[str] = []
        network = OverlaySpec.read(entry, found)
        if network is not None:
            networks.append(network)
        where = f"docker_overlay_networks: entry {index} ('{entry.get('name') or ''}')"
        problems += [f"{where}: {problem}" for problem in found]
    problems += duplicate_problems("docker_overlay_networks", [network.name for network in networks])
    vnis = ((network.vni, network.name) for network in networks if network.vni is not None)
    problems += [
        f"docker_overlay_networks: {names} have the same vni {vni}: each overlay needs its own"
        for vni, names in held_by_several(vnis).items()
    ]
    return networks
