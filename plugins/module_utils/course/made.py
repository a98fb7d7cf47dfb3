# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers and networks that the commands of a page make. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .page import Typed

DEFAULT_NETWORK = "bridge"
"""Docker's name for the network of docker0; also the name of that network's driver."""
_RUN = re.compile(r"docker run\b")
_CREATE = re.compile(r"docker network create\b")


@dataclass(frozen=True)
class MadeContainer:
    """A container that is made by ``docker run``."""

    name: str
    host: str
    network: str
    step: int


@dataclass(frozen=True)
class MadeNetwork:
    """A network that is made by ``docker network create``."""

    name: str
    driver: str


def made_containers(steps: Mapping[int, Iterable[Typed]]) -> Iterator[MadeContainer]:
    """The containers that have a name, in the order of the page."""
    for step, part in steps.items():
        for typed in part:
            if _RUN.match(typed.command):
                words = _words(typed.command)
                name = _option(words, "--name")
                if name is not None:
                    network = _option(words, "--network", "--net") or DEFAULT_NETWORK
                    yield MadeContainer(name, typed.host, network, step)


def made_networks(steps: Mapping[int, Iterable[Typed]]) -> Iterator[MadeNetwork]:
    """The networks, in the order of the page."""
    for part in steps.values():
        for typed in part:
            if _CREATE.match(typed.command):
                words = _words(typed.command)
                yield MadeNetwork(words[-1], _option(words, "--driver", "-d") or DEFAULT_NETWORK)


def _words(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", " "))


def _option(words: list[str], *names: str) -> str | None:
    """The value of an option, behind it as the next word or in the same word after ``=``."""
    for position, word in enumerate(words):
        if word in names:
            return words[position + 1]
        name, equals, value = word.partition("=")
        if equals and name in names:
            return value
    return None
