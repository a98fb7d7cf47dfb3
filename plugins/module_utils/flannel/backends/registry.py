# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backends that this collection builds. Flanneld knows more (udp, ipip, wireguard, …). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...validation import whole_number
from .backend import Backend
from .host_gw import HostGw
from .vxlan import Vxlan

BACKENDS: Mapping[str, type[Backend]] = {backend.TYPE: backend for backend in (Vxlan, HostGw)}
DOCUMENT_FIELDS = {"Type", *(field for backend in BACKENDS.values() for field in backend.OPTIONS.values())}
"""What the configuration's Backend may hold."""


def parse_backend(name: str, options: Mapping[str, Any], problems: list[str]) -> Backend:
    """A backend with its options; adds what is wrong to ``problems``."""
    given = {option: whole_number(option, value, problems) for option, value in options.items()}
    given = {option: value for option, value in given.items() if value is not None}
    if name not in BACKENDS:
        problems.append(
            f"backend '{name}' is not one that this collection builds: use {' or '.join(BACKENDS)}"
            + (" (a document without a Backend means udp)" if name == "udp" else "")
        )
        return Backend()
    chosen = BACKENDS[name]
    problems += [
        f"{option} is an option of the backend {other.TYPE}, and not of {name}: leave it out"
        for other in BACKENDS.values()
        for option in other.OPTIONS
        if option in given and option not in chosen.OPTIONS
    ]
    backend = chosen(**{option: value for option, value in given.items() if option in chosen.OPTIONS})
    problems += backend.problems()
    return backend


def stored_options(document: Mapping[str, Any]) -> dict[str, Any]:
    """The options in a configuration's Backend, as far as they are of its type; zero means flannel's default."""
    backend = BACKENDS.get(str(document.get("Type")))
    return {option: document.get(field) or None for option, field in backend.OPTIONS.items()} if backend else {}
