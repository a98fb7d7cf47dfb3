# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that a network takes in the service's configuration, and what is wrong with those given. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MODULE = "module"
"""The option that every network has: where `registry` finds its class."""
_KINDS = {str: "a text", int: "a whole number", bool: "true or false", dict: "a dictionary"}


@dataclass(frozen=True)
class HostOption:
    """One option. Its value is of the type that JSON has for it; null counts as not given."""

    name: str
    kind: type  # str, int, bool or dict
    required: bool = False
    choices: tuple[str, ...] = ()


def option_problems(driver: str, given: Mapping[str, Any], known: Collection[HostOption]) -> Iterator[str]:
    """All that is wrong with the options of a network. Values may be secrets: only those with choices are shown."""
    options = {name: value for name, value in given.items() if value is not None and name != MODULE}
    names = sorted(option.name for option in known)
    for name in sorted(set(options) - set(names)):
        yield f"networks: '{driver}' has no option '{name}'. It has: {', '.join(names) or 'none'}"
    for option in known:
        name = option.name
        if name not in options:
            if option.required:
                yield f"networks: '{driver}' needs the option '{name}'"
        elif type(options[name]) is not option.kind:  # pylint: disable=unidiomatic-typecheck # true is no int
            yield f"networks: the option '{name}' of '{driver}' must be {_KINDS[option.kind]}"
        elif option.choices and options[name] not in option.choices:
            yield (
                f"networks: the option '{name}' of '{driver}' is '{options[name]}': "
                f"it must be one of {', '.join(option.choices)}"
            )
