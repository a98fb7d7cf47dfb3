# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values from what stands in the datastore, one key after the other. Pure.

Foreign programs, newer versions and people write there, too. What cannot be read is left out and noted with its key and
the reason: it stops nothing else, and `Transaction.leave_alone` keeps it from being overwritten.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..errors import InvalidInput, LabError
from .documents import is_of_kind, parse_object

UNREADABLE = (LabError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What reading an unexpected value raises."""
_KINDS = {str: "a text", int: "a whole number", bool: "true or false", dict: "an object", list: "a list"}
_REQUIRED = object()


@dataclass
class Reading:
    """One look at the datastore, and the keys that it could not read, with the reasons."""

    unread: dict[str, str] = field(default_factory=dict)

    def text(self, key: str, parse: Callable[..., Any], text: str, *before: Any) -> Any:
        """``parse(*before, text)``; None if that raises what unexpected values raise."""
        return self._read(key, _parsed(parse, (*before, text)))

    def document(self, key: str, parse: Callable[..., Any], text: str, *before: Any) -> Any:
        """``parse(*before, object)`` of a JSON object; None if the text is none, or as above."""
        return self._read(key, _parsed_document(parse, before, text))

    def refuse(self, key: str, reason: str) -> None:
        """Leave a key out."""
        self.unread[key] = reason

    def _read(self, key: str, found: Any) -> Any:
        if isinstance(found, _Unreadable):
            self.refuse(key, found.reason)
            return None
        return found


@dataclass(frozen=True)
class _Unreadable:
    reason: str


# Values never change, and of a watched cluster most documents stay as they are: they are kept by their text.
@lru_cache(maxsize=32768)
def _parsed(parse: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        return parse(*arguments)
    except UNREADABLE as error:
        return _Unreadable(_in_words(error))


@lru_cache(maxsize=32768)
def _parsed_document(parse: Callable[..., Any], before: tuple[Any, ...], text: str) -> Any:
    try:
        return parse(*before, parse_object(text, "it"))
    except UNREADABLE as error:
        return _Unreadable(_in_words(error))


def _in_words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return " ".join(str(error).split()) or type(error).__name__


def warnings_of(unread: Mapping[str, str]) -> list[str]:
    """What was left out, in words, for those who look after the datastore."""
    return [f"{key} cannot be read, and is left out: {reason}" for key, reason in sorted(unread.items())]


def value(document: Mapping[str, Any], name: str, kind: type, default: Any = _REQUIRED) -> Any:
    """A field of a stored object, if it is of its kind; InvalidInput if not. A null is none."""
    found = document.get(name)
    if found is None:
        if default is _REQUIRED:
            raise InvalidInput([f"it has no '{name}'"])
        return default
    if not is_of_kind(found, kind):
        raise InvalidInput([f"'{name}' is {_shown(found)} and must be {_KINDS[kind]}"])
    return found


def checked(
    document: Mapping[str, Any], name: str, is_right: Callable[[Any], Any], what: str, default: Any = _REQUIRED
) -> Any:
    """A text that fulfils a rule; ``what`` it must be, in words. With a default, an empty one may stand for none."""
    found = value(document, name, str, default)
    if (found in (None, "") and default is not _REQUIRED) or is_right(found):
        return found
    raise InvalidInput([f"'{name}' is {_shown(found)} and must be {what}"])


def word(document: Mapping[str, Any], name: str, default: Any = _REQUIRED) -> Any:
    """A text of characters that can be printed: one that may stand in a line."""
    return checked(document, name, str.isprintable, "a text of one line", default)


def words(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of such texts; empty if it is not there."""
    listed = value(document, name, list, [])
    if not all(isinstance(one, str) and one.isprintable() for one in listed):
        raise InvalidInput([f"'{name}' is {_shown(listed)} and must be a list of texts of one line"])
    return tuple(listed)


def number(document: Mapping[str, Any], name: str, least: int, most: int, default: Any = _REQUIRED) -> Any:
    """A whole number of a range."""
    found = value(document, name, int, default)
    if found is not None and not least <= found <= most:
        raise InvalidInput([f"'{name}' is {found} and must be from {least} to {most}"])
    return found


def ipv4_address(text: Any) -> str:
    """An address, as texts of others have it."""
    return str(ipaddress.IPv4Address(_text(text)))


def ipv4_interface(text: Any) -> str:
    """An address with its prefix length."""
    found = ipaddress.IPv4Interface(_text(text))
    if "/" not in text:
        raise ValueError(f"'{text}' has no prefix length")
    return str(found)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise ValueError(f"{_shown(found)} is no address")
    return found


def _shown(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


_LONGEST_SHOWN = 60  # characters
