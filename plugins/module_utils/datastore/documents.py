# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON documents as the networks' own daemons write them to etcd, and as they are read back. Pure."""

from __future__ import annotations

import json
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
    if not isinstance(document, dict):
        raise InvalidInput([f"{what} is not a JSON object: {text[:200]!r}"])
    return document


def object_or_empty(text: str) -> dict[str, Any]:
    """A JSON object; an empty one for text that is anything else, since foreign programs write to etcd too."""
    try:
        return parse_object(text, "the document")
    except InvalidInput:
        return {}
