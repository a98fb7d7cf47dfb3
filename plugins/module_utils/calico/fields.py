# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a mapping that a person wrote, each read once and with its type. Pure.

Variables reach us with numbers and truth values in quotes (``-e``, templates, other programs' YAML): "false" is false,
and "64512" is a number. What has another type is refused, and so is a key that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Fields:
    """One mapping. What is wrong with it is added to ``problems``, with ``where`` it is and the path of the key."""

    def __init__(self, where: str, value: Any, problems: list[str], path: str = "") -> None:
        self.where = where
        self.path = path
        self._problems = problems
        self._asked: set[str] = set()
        self._values: dict[str, Any] = {}
        if isinstance(value, Mapping):
            self._values = {str(key): one for key, one in value.items()}
        elif value is not None:
            problems.append(f"{where}{f': {path}' if path else ''} is {value!r} and must be a mapping")

    def __contains__(self, key: str) -> bool:
        """Whether the key is there and has a value; a null is none, as for Calico's own client."""
        return self._values.get(key) is not None

    def is_empty(self, key: str) -> bool:
        """Whether the key is missing, or has no value: a null, an empty text, or a zero, which Go takes for none."""
        return self._values.get(key) in (None, "", 0) and not isinstance(self._values.get(key), bool)

    def text(self, key: str) -> str | None:
        """A text, or a number as one; None if it is not there, or empty."""
        value = self._value(key)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            self.refuse(key, f"is {value!r} and must be a text")
            return None
        return str(value)

    def truth(self, key: str, default: bool = False) -> bool:
        """A truth value, also in quotes."""
        value = self._value(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        if isinstance(value, str) and value.lower() in _TRUTHS:
            return _TRUTHS[value.lower()]
        self.refuse(key, f"is {value!r} and must be true or false")
        return default

    def number(self, key: str) -> int | None:
        """A whole number, also in quotes; None if it is not there."""
        value = self._value(key)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _MOST_DIGITS:
            return int(value)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.refuse(key, f"is {value!r} and must be a whole number")
        return None

    def entries(self, key: str) -> list[Any]:
        """A list, whatever is in it; empty if it is not there."""
        value = self._value(key)
        if value is None or isinstance(value, (list, tuple)):
            return list(value or ())
        self.refuse(key, f"is {value!r} and must be a list")
        return []

    def texts(self, key: str) -> list[str]:
        """A list of texts, or of numbers as texts; empty if it is not there."""
        found = []
        for index, value in enumerate(self.entries(key)):
            if isinstance(value, bool) or not isinstance(value, (str, int)):
                self.refuse(f"{key}[{index}]", f"is {value!r} and must be a text")
            else:
                found.append(str(value))
        return found

    def labels(self, key: str) -> dict[str, str]:
        """A mapping of texts to texts; empty if it is not there."""
        part = self.part(key)
        return {name: part.text(name) or "" for name in list(part._values)}

    def part(self, key: str) -> Fields:
        """The mapping below a key; one without keys if it is not there."""
        return Fields(self.where, self._value(key), self._problems, self._path(key))

    def parts(self, key: str) -> list[Fields]:
        """The mappings of the list below a key; none if it is not there."""
        return [
            Fields(self.where, value, self._problems, f"{self._path(key)}[{index}]")
            for index, value in enumerate(self.entries(key))
        ]

    def ignore(self, *keys: str) -> None:
        """Keys that say nothing about what is wanted, such as the time when somebody stored a document."""
        self._asked.update(keys)

    def only(self, key: str, *served: Any, instead: str) -> None:
        """A key of which one value is served, mostly the default; what to do ``instead`` is told with any other one."""
        value = self._value(key)
        if value in (None, "") or value in served or _TRUTHS.get(str(value).lower(), value) in served:
            return
        self.refuse(key, f"is {value!r}, which this collection does not do: {instead}")

    def refuse(self, key: str, problem: str) -> None:
        """Say what is wrong with the value of a key."""
        self._problems.append(f"{self.where}: {self._path(key)} {problem}")

    def close(self, unsaid: Iterable[str] = ()) -> None:
        """Refuse all keys that nobody asked for. The message lists those that are known, but for ``unsaid`` ones."""
        known = ", ".join(sorted(self._asked.difference(unsaid))) or "nothing"
        place = f"{self.where}: {self.path}" if self.path else self.where
        self._problems += [
            f"{place} has '{key}', which this collection does not know: it takes {known}"
            for key in sorted(set(self._values) - self._asked)
        ]

    def _value(self, key: str) -> Any:
        self._asked.add(key)
        return self._values.get(key)

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


_MOST_DIGITS = 20  # more than any number here has, and less than Python refuses to read
