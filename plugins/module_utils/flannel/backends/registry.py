# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backends that this collection builds. Flanneld knows more (udp, ipip, wireguard, …). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...aws_vpc.plan import parse_table_ids
from ...datastore.documents import go_fields, is_of_kind
from ...validation import truth_value, whole_number
from .aws_vpc import AwsVpc
from .backend import Backend
from .host_gw import HostGw
from .vxlan import Vxlan

BACKENDS: Mapping[str, type[Backend]] = {backend.TYPE: backend for backend in (Vxlan, HostGw, AwsVpc)}
_NOT_BUILT = {"GBP": False, "Learning": False, "MTU": 0}
"""Fields of flanneld's backend vxlan that change the way of packets, and the only values that are built here."""


def parse_backend(name: str, options: Mapping[str, Any], problems: list[str]) -> Backend:
    """A backend with its options; adds what is wrong to ``problems``."""
    given = {option: _parsed(option, value, problems) for option, value in options.items()}
    given = {option: value for option, value in given.items() if value is not None}
    if name not in BACKENDS:
        problems.append(
            f"backend '{name}' is not one that this collection builds: use one of {', '.join(BACKENDS)}"
            + (" (a document without a Backend means udp)" if name == "udp" else "")
        )
        return Backend()
    chosen = BACKENDS[name]
    problems += [
        f"{option} is an option of the backend {other.TYPE}, and not of {name}: leave it out"
        for other in BACKENDS.values()
        for option in _options_of(other)
        if option in given and option not in _options_of(chosen)
    ]
    known = _options_of(chosen)
    backend = chosen(**{option: value for option, value in given.items() if option in known})
    problems += backend.problems()
    return backend


def _options_of(backend: type[Backend]) -> dict[str, str]:
    return {**backend.OPTIONS, **backend.FLAGS, **backend.IDS}


def _parsed(option: str, value: Any, problems: list[str]) -> Any:
    if any(option in backend.IDS for backend in BACKENDS.values()):
        return parse_table_ids(value, problems) or None
    is_flag = any(option in backend.FLAGS for backend in BACKENDS.values())
    return (truth_value if is_flag else whole_number)(option, value, problems)


def stored_backend(document: Mapping[str, Any], problems: list[str]) -> Backend:
    """The Backend of a stored configuration, as flanneld reads it: the type in any case, a zero as its default."""
    type_of = go_fields(document, ["Type"]).get("Type", "udp")
    name = str(type_of).lower()
    backend = BACKENDS.get(name, Backend)
    numbers, flags = backend.OPTIONS, backend.FLAGS
    found = go_fields(document, [*_options_of(backend).values(), *_NOT_BUILT])
    for field, value in found.items():
        if field in backend.IDS.values():
            continue
        kind = bool if field in flags.values() or isinstance(_NOT_BUILT.get(field), bool) else int
        if not is_of_kind(value, kind):
            problems.append(f"Backend.{field} is {value!r}, and flanneld takes {_KINDS[kind]} only")
    if problems:
        return Backend()
    if backend.FLAGS:
        problems += [
            f"Backend.{field} is {found[field]}, which this collection does not build: leave it out, or run flanneld "
            "on all hosts"
            for field, built in _NOT_BUILT.items()
            if found.get(field, built) != built
        ]
    options = {option: found.get(field) or None for option, field in {**numbers, **flags}.items()}
    options.update({option: found.get(field) for option, field in backend.IDS.items()})
    return parse_backend(name, options, problems)


_KINDS = {bool: "true or false", int: "a number"}
