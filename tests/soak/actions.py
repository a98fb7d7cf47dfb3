# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a lab in a round of the soak, drawn from a seed: the same seed gives the same actions.

Actions are drawn from what hosts would be like if every action succeeded. Whether one does is not asked: Docker refuses
much while a host is cut off, and what it says then is no fault. So a seed replays a round, however fast the machine is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

FAULTS = "faults"
"""The lane of what befalls hosts; each host has a lane of its own for what its users type."""
NAMES = 6
"""Containers that each host's users know by name."""
MANY = 5
"""Containers that start at once."""
DRIVER = "container-network-driver"


@dataclass(frozen=True)
class Subject:
    """What there is in a lab to act upon."""

    hosts: tuple[str, ...]
    etcd_host: str
    networks: tuple[str, ...]
    """Docker networks that containers join."""
    services: tuple[str, ...]
    """Of every host; they are killed and restarted."""
    extra_networks: tuple[str, ...] = ()
    """Docker networks that users make and remove."""


@dataclass(frozen=True)
class Action:
    """One action; those of one lane happen one after the other. ``at``: seconds after the round's begin, or later."""

    at: float
    lane: str
    verb: str
    host: str
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.at:5.1f} {self.host} {self.verb} {' '.join(self.words)}".rstrip()


def draw(seed: int, subject: Subject, seconds: float) -> list[Action]:
    """The actions of a round, in the order of their times."""
    source = random.Random(seed)
    lanes = [_Users(source, subject, host) for host in subject.hosts]
    actions = [action for lane in lanes for action in lane.draw(seconds)]
    actions += _Faults(source, subject).draw(seconds)
    return sorted(actions, key=lambda action: action.at)


@dataclass
class _Users:
    """The users of one host, and what they believe to have there."""

    source: random.Random
    subject: Subject
    host: str
    running: dict[str, bool] = field(default_factory=dict)
    many: bool = False
    names_given: int = 0

    def draw(self, seconds: float) -> list[Action]:
        """About one action in two and a half seconds."""
        actions, at = [], 0.0
        while (at := at + self.source.expovariate(1 / 2.5)) < seconds:
            verb, *words = self._next()
            actions.append(Action(at, self.host, verb, self.host, tuple(words)))
        return actions

    def _next(self) -> tuple[str, ...]:
        kind = self.source.choices(("container", "many", "network"), (85, 7, 8 * bool(self.subject.extra_networks)))[0]
        if kind == "many":
            self.many = not self.many
            names = [f"{self.host}-many{number}" for number in range(MANY)]
            return ("run_many", self._network(), *names) if self.many else ("remove_many", *names)
        if kind == "network":
            verb = self.source.choice(("create_network", "remove_network"))
            return verb, self.source.choice(self.subject.extra_networks)
        return self._container()

    def _container(self) -> tuple[str, ...]:
        """Something new, or what one can do to a container that is there."""
        if (len(self.running) < NAMES and self.source.random() < 0.5) or not self.running:
            name = self._new_name()
            self.running[name] = True
            return "run", self._network(), name, self.source.choice(("no", "always"))
        name = self.source.choice(list(self.running))
        verbs = ("stop", "kill", "restart", "remove", "remove", "rename", "connect", "disconnect")
        verb = self.source.choice(verbs) if self.running[name] else self.source.choice(("start", "remove", "rename"))
        if verb in ("stop", "kill", "start"):
            self.running[name] = verb == "start"
        elif verb == "remove":
            del self.running[name]
        elif verb == "rename":
            new = self._new_name()
            self.running[new] = self.running.pop(name)
            return verb, name, new
        elif verb in ("connect", "disconnect"):
            return verb, self._network(), name
        return verb, name

    def _new_name(self) -> str:
        self.names_given += 1
        return f"{self.host}-c{self.names_given}"

    def _network(self) -> str:
        """Mostly one that is always there."""
        extra = self.subject.extra_networks
        return self.source.choice(extra if extra and self.source.random() < 0.3 else self.subject.networks)


@dataclass
class _Faults:
    """What befalls hosts, their daemons and lines. It is mended after a while, at the round's end at the latest."""

    source: random.Random
    subject: Subject
    broken: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """What mends each fault that lasts."""

    def draw(self, seconds: float) -> list[Action]:
        """About one in seven seconds."""
        actions, at = [], 0.0
        while (at := at + self.source.expovariate(1 / 7)) < seconds:
            host, verb, *words = self._next()
            actions.append(Action(at, FAULTS, verb, host, tuple(words)))
        return actions

    def _next(self) -> tuple[str, ...]:
        if self.broken and self.source.random() < 0.5:
            return self.broken.pop(self.source.choice(list(self.broken)))
        host = self.source.choice(self.subject.hosts)
        etcd = self.subject.etcd_host
        service = self.source.choice(self.subject.services)
        fault, mending = self.source.choice(
            [
                ((host, "kill_service", service), None),
                ((host, "kill_service", service), None),
                ((host, "restart_service", service), None),
                ((etcd, "kill_service", "etcd"), None),
                ((etcd, "stop_service", "etcd"), (etcd, "start_service", "etcd")),
                ((host, "stop_service", DRIVER), (host, "start_service", DRIVER)),
                ((host, "stop_host"), (host, "start_hosts")),
                ((host, "cut_line"), (host, "heal_line")),
                ((host, "cut_line"), (host, "heal_line")),
            ]
        )
        if mending:
            self.broken[fault] = mending
        return fault


def lanes(actions: Sequence[Action]) -> dict[str, list[Action]]:
    """The actions by their lanes."""
    found: dict[str, list[Action]] = {}
    for action in actions:
        found.setdefault(action.lane, []).append(action)
    return found
