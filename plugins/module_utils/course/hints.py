# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody is told of a task that is not done. Pure.

Some wrong turns can be taken with every container and network: it is on the wrong host, has a name with a typing
mistake, has ended, is on the wrong network. The page says which ones there are to be, so no lesson lists these turns;
a lesson's definition has those of its own subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from typing import Any

from ..checks.check import Check, CheckOptions
from . import hint_texts as texts
from .lesson import Lesson, Task
from .made import DEFAULT_NETWORK, MadeContainer, MadeNetwork

Checks = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By host as lessons name it, and by the check's name, what module network_checks returned."""

_ANSWERED = "answered"


def _question(name: str, *command: str) -> Check:
    """What a host says of all containers or networks; one without any answers too, one without Docker does not."""
    asked = ("sh", "-c", f'"$@" && echo {_ANSWERED}', "sh", "docker", *command)
    return Check(name, asked, expect_any=("container …", "network …", _ANSWERED), timeout=0.5)


_CONTAINERS = _question(
    "containers of the host",
    *("ps", "--all", "--no-trunc", "--format", "container {{.Names}} is {{.State}} on {{.Networks}}"),
)
_NETWORKS = _question("networks of the host", "network", "ls", "--format", "network {{.Name}} driver {{.Driver}}")
_CONTAINER_LINE = re.compile(r"container (\S+) is (\S+) on (\S*)")
_NETWORK_LINE = re.compile(r"network (\S+) driver (\S+)")
_ALIKE = 0.7  # of 1; a letter more, less or another one of a short name


def hint_checks(lesson: Lesson) -> Iterator[CheckOptions]:
    """What has to be looked at on each host of a lesson, for its hints."""
    if lesson.made_containers:
        yield _CONTAINERS.options()
    if lesson.made_networks:
        yield _NETWORKS.options()


def hint(lesson: Lesson, task: Task, checks: Checks, language: str) -> str:
    """The hint for somebody who has not done a task.

    A container that is not there comes before the lesson's own wrong turns, since these are about what it does; after
    them what is wrong with one that is there.
    """
    if not checks.get(task.host):
        return texts.NO_RESULTS[language].format(host=task.host)
    containers = {
        host: _seen(_CONTAINER_LINE, _CONTAINERS, checks[host])
        for host in lesson.hosts
        if _passed(checks, host, _CONTAINERS.name)
    }
    networks = _seen(_NETWORK_LINE, _NETWORKS, checks.get(task.host, {}))
    wanted = [made for made in _containers_of(lesson, task) if made.host in containers]
    taken = (turn.hint for turn in task.wrong_turns if _passed(checks, turn.host, turn.probe.name))
    of_networks = (made for made in lesson.made_networks if networks and _names_network(task.check, made))
    found = chain(
        (text for made in wanted for text in _absent(lesson, task, made, containers, language)),
        (text[language] for text in taken),
        (text for made in of_networks for text in _wrong_network(lesson, task, made, networks, language)),
        (text for made in wanted for text in _unlike_the_page(made, containers[made.host], language)),
    )
    return next(found, task.hint[language])


def _passed(checks: Checks, host: str, name: str) -> bool:
    return bool(checks.get(host, {}).get(name, {}).get("passed"))


def _seen(line: re.Pattern[str], check: Check, results: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """What a host said of containers or networks, by name."""
    matches = map(line.match, results.get(check.name, {}).get("found", ()))
    return {match[1]: match.groups()[1:] for match in matches if match}


def _containers_of(lesson: Lesson, task: Task) -> list[MadeContainer]:
    """The containers that a task is about: its title, its command or what it expects has their names."""
    text = " ".join([task.title["en"], task.check.container or "", *task.check.command, *task.check.expect])
    named = [made for made in lesson.made_containers if _names(text, made.name)]
    here = {made.name for made in named if made.host == task.host}
    return [made for made in named if made.host == task.host or made.name not in here]


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text) is not None


def _names_network(check: Check, made: MadeNetwork) -> bool:
    return any(_names(fragment, f"network {made.name}") for fragment in check.expect)


def _absent(
    lesson: Lesson,
    task: Task,
    made: MadeContainer,
    containers: Mapping[str, Mapping[str, Sequence[str]]],
    language: str,
) -> Iterator[str]:
    if made.name in containers[made.host]:
        return
    right = {other.host for other in lesson.made_containers if other.name == made.name}
    for host in lesson.hosts:
        if made.name in containers.get(host, ()) and host not in right:
            yield texts.OTHER_HOST[language].format(name=made.name, host=made.host, found=host)
    strangers = set(containers[made.host]) - {other.name for other in lesson.made_containers}
    for found in get_close_matches(made.name, sorted(strangers), 1, _ALIKE):
        yield texts.MISTYPED[language].format(name=made.name, host=made.host, found=found)
    # A task that asks for the container itself has a hint that says how one gets it.
    if task.check.command[:2] != ("docker", "ps"):
        yield texts.MISSING[language].format(name=made.name, host=made.host, step=made.step)


def _unlike_the_page(made: MadeContainer, containers: Mapping[str, Sequence[str]], language: str) -> Iterator[str]:
    """What is wrong with a container that is there."""
    if made.name not in containers:
        return
    state, networks = containers[made.name]
    if state == "created":
        yield texts.NOT_STARTED[language].format(name=made.name)
    elif state != "running":
        yield texts.NOT_RUNNING[language].format(name=made.name, found=state)
    elif made.network not in networks.split(","):
        text = texts.OTHER_NETWORK
        if DEFAULT_NETWORK in (networks, made.network):
            text = texts.ON_DOCKER0 if networks == DEFAULT_NETWORK else texts.NOT_ON_DOCKER0
        yield text[language].format(name=made.name, found=networks, network=made.network)


def _wrong_network(
    lesson: Lesson, task: Task, made: MadeNetwork, networks: Mapping[str, Sequence[str]], language: str
) -> Iterator[str]:
    if made.name in networks:
        (driver,) = networks[made.name]
        if driver != made.driver:
            yield texts.OTHER_DRIVER[language].format(name=made.name, found=driver)
        return
    strangers = set(networks) - {other.name for other in lesson.made_networks}
    for found in get_close_matches(made.name, sorted(strangers), 1, _ALIKE):
        yield texts.MISTYPED[language].format(name=made.name, host=task.host, found=found)
