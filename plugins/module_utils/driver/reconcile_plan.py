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
    """What must change for the three to agree. Docker is right: a container that it has keeps all that it has."""

    forgotten: tuple[str, ...] = ()  # ids of stored endpoints whose containers vanished
    leaked: tuple[HeldAddress, ...] = ()  # addresses that this host holds and no living container uses
    stray_devices: tuple[str, ...] = ()  # host ends of veth pairs whose containers vanished
    unstored: tuple[DockerEndpoint, ...] = ()  # living endpoints that the datastore does not have as they are
    unheld: tuple[tuple[DockerEndpoint, HeldAddress], ...] = ()  # addresses in use that nothing holds in the datastore
    detached: tuple[DockerEndpoint, ...] = ()  # living endpoints without a device on the host
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
    """Compare. Containers that are still starting are left alone.

    ``living`` and ``stored`` are by endpoint id, ``held`` are this host's addresses in the datastore, ``devices`` the
    driver's devices in the kernel, ``device_of`` the name of each living endpoint's device, and ``space`` returns the
    address space of a network.
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
        detached=tuple(_each(running, lambda one: device_of[one.endpoint_id] not in devices)),
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
class GraceTracker:
    """Tracks since when things look left over: what Docker is about to create looks the same for a moment.

    A thing is left over once every check has found it so for ``grace`` seconds, longer than Docker waits for an answer.
    ``slow_grace`` is for things that may legitimately look so for minutes.
    """

    grace: float
    slow_grace: float
    _since: dict[Hashable, float] = field(default_factory=dict)

    def expired(self, candidates: Iterable[Hashable], now: float, slow: Collection[Hashable] = ()) -> set[Hashable]:
        """The candidates whose grace period is over. What is no candidate this time starts over."""
        self._since = {candidate: self._since.get(candidate, now) for candidate in candidates}
        return {
            candidate
            for candidate, since in self._since.items()
            if now - since >= (self.slow_grace if candidate in slow else self.grace)
        }
