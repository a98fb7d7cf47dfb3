# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is given twice, and must not be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any


def duplicate_problems(option: str, names: Sequence[str]) -> list[str]:
    """One problem for each name that several entries of the option have, with the entries' indexes."""
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        places.setdefault(name, []).append(index)
    return [
        f"{option}: entries {' and '.join(map(str, indexes))} have the same name '{name}': list each name once"
        for name, indexes in places.items()
        if len(indexes) > 1
    ]


NODE_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
"""What a host of a network may be called: its name is a part of keys, of files' names and of BIRD's configuration."""
NODE_NAME_RULE = "call it by up to 253 letters, digits, dots, hyphens and underscores, no dot or hyphen first or last"


def host_problems(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is wrong with the names and the underlay addresses of the hosts of a network with a datastore."""
    return [
        f"the host's name '{name}' cannot be a part of keys in etcd: {NODE_NAME_RULE}"
        for name in nodes
        if not NODE_NAME.fullmatch(name)
    ] + host_address_problems(nodes)


def host_address_problems(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One problem for each underlay address that several hosts have; each node has its ``address``, if it is known."""
    holders: dict[str, list[str]] = {}
    for name, seen in nodes.items():
        if seen.get("address"):
            holders.setdefault(str(seen["address"]), []).append(name)
    return [
        f"{' and '.join(names)} have the same address {address}: every host needs its own"
        for address, names in holders.items()
        if len(names) > 1
    ]


def whole_number(name: str, value: Any, problems: list[str]) -> int | None:
    """A number from what people write; None for nothing, and for what is none, which is added to ``problems``."""
    if value in (None, ""):
        return None
    try:
        return int(str(value))
    except ValueError:
        problems.append(f"{name} '{value}' is not a whole number")
        return None


def number_between(what: str, text: str, least: int, most: int, problems: list[str]) -> int | None:
    """A number of a range; None if the text is empty, and if it is none of them, which is added to ``problems``."""
    if text and not (text.isdigit() and least <= int(text) <= most):
        problems.append(f"{what} must be a number from {least} to {most}")
        return None
    return int(text) if text else None


def removal_problems(params: Mapping[str, Any]) -> list[str]:
    """What is wrong with the option ``all`` of a module: an empty list removes nothing, so all has to be said."""
    if params["all"] and params["state"] != "absent":
        return ["all: true removes everything, so it goes with state: absent only: leave it out, or add that"]
    return []
