# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference between what Docker has, what the datastore says of this host, and what the kernel has. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from .docker_view import DockerEndpoint
from .endpoints import HeldAddress, StoredEndpoint


@dataclass(frozen=True)
class Plan:
    """What must change for the three to agree. Docker decides: a container that it has keeps all it has."""

    forgotten: tuple[str, ...] = ()  # ids of stored endpoints whose containers vanished
    leaked: tuple[HeldAddress, ...] = ()  # addresses that this host holds and no living container uses
    stray_devices: tuple[str, ...] = ()  # cables of containers that vanished
    unstored: tuple[DockerEndpoint, ...] = ()  # living endpoints that the datastore does not have as they are
    unheld: tuple[tuple[DockerEndpoint, HeldAddress], ...] = ()  # addresses in use that nothing holds in the datastore
    unplugged: tuple[DockerEndpoint, ...] = ()  # living endpoints without a cable
    renamed: tuple[DockerEndpoint, ...] = ()  # endpoints whose container has another name than stored

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__dataclass_fields__)


def plan(
    living: Mapping[str, DockerEndpoint],
    stored: Mapping[str, StoredEndpoint],
    held: Collection[HeldAddress],
    devices: Collection[str],
    device_of: Mapping[str, str],
    space: Callable[[str], str],
) -> Plan:
    """Compare. What is still being started is left alone.

    ``living`` and ``stored`` are by endpoint id, ``held`` are this host's addresses in the datastore, ``devices`` the
    driver's devices in the kernel, ``device_of`` what the device of each living endpoint is called, and ``space`` tells
    in which space a network's addresses are.
    """

    def addresses(endpoint: DockerEndpoint | StoredEndpoint) -> list[HeldAddress]:
        return [HeldAddress(space(endpoint.network), address) for address in endpoint.addresses]

    used = {address for one in living.values() for address in addresses(one)}
    running = {key: one for key, one in living.items() if one.running}
    expected = set(device_of.values()) | {endpoint.device for endpoint in stored.values()}
    return Plan(
        forgotten=tuple(sorted(set(stored) - set(living))),
        leaked=tuple(sorted(set(held) - used)),
        stray_devices=tuple(sorted(set(devices) - expected)),
        unstored=tuple(_each(running, lambda one: _differs(one, stored.get(one.endpoint_id)))),
        unheld=tuple((one, address) for one in _each(running) for address in addresses(one) if address not in held),
        unplugged=tuple(_each(running, lambda one: device_of[one.endpoint_id] not in devices)),
        renamed=tuple(
            _each(
                living,
                lambda one: one.endpoint_id in stored and stored[one.endpoint_id].container != one.container,
            )
        ),
    )


def _each(endpoints: Mapping[str, DockerEndpoint], wanted=lambda _one: True) -> Iterable[DockerEndpoint]:
    return (one for _key, one in sorted(endpoints.items()) if wanted(one))


def _differs(one: DockerEndpoint, stored: StoredEndpoint | None) -> bool:
    return stored is None or not set(one.addresses) <= set(stored.addresses)


@dataclass
class Suspects:
    """Things that seem to be left over, and since when: what Docker is about to make looks just like it.

    A thing is left over when it was one at every look for ``patience`` seconds, longer than Docker waits for us. A slow
    one gets ``slow_patience``.
    """

    patience: float
    slow_patience: float
    _since: dict[Hashable, float] = field(default_factory=dict)

    def convicted(self, suspects: Iterable[Hashable], now: float, slow: Collection[Hashable] = ()) -> set[Hashable]:
        """The suspects that have been ones for long enough."""
        self._since = {suspect: self._since.get(suspect, now) for suspect in suspects}
        return {
            suspect
            for suspect, since in self._since.items()
            if now - since >= (self.slow_patience if suspect in slow else self.patience)
        }
