# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON documents as the networks' own daemons write them to etcd, and as they are read back. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InvalidInput


def compact_json(document: Any) -> str:
    """JSON without spaces, as Go writes it."""
    return json.dumps(document, separators=(",", ":"))


def parse_object(text: str, what: str) -> dict[str, Any]:
    """A JSON object; InvalidInput, which names the document as ``what``, if the text is anything else."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidInput([f"{what} is not JSON ({error}): {text[:200]!r}"]) from error
    except RecursionError as error:
        raise InvalidInput([f"{what} is nested too deeply"]) from error
    if not isinstance(document, dict):
        raise InvalidInput([f"{what} is not a JSON object: {text[:200]!r}"])
    return document


def updated_document(stored: str | None, fields: Mapping[str, Any], known: Iterable[str] = ()) -> dict[str, Any]:
    """An object with these fields, and with those of the stored one that other versions and programs have there.

    ``known`` are further fields that are ours, and go if they are not given. InvalidInput if what is stored is no
    object.
    """
    found = parse_object(stored, "it") if stored else {}
    ours = {*known, *fields}
    return {**{name: value for name, value in found.items() if name not in ours}, **fields}


def go_fields(document: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The fields that Go's encoding/json takes from a JSON object: their names may be written in any case.

    Of several spellings of one name the last one counts, a null changes nothing, and other names are passed over.
    """
    spelled = {name.lower(): name for name in names}
    return {
        spelled[key.lower()]: value for key, value in document.items() if key.lower() in spelled and value is not None
    }


def is_of_kind(value: Any, kind: type) -> bool:
    """Whether a JSON value is of a kind. To Python true and false are numbers as well, to JSON they are not."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def object_or_empty(text: str) -> dict[str, Any]:
    """A JSON object; an empty one for text that is anything else, since foreign programs write to etcd too."""
    try:
        return parse_object(text, "the document")
    except InvalidInput:
        return {}
