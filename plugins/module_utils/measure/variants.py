# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which networks are compared, and why one of them could not be made. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_FAILURE = re.compile(r"^(?:fatal|failed): \[(?P<host>[^\]]+)\].*?=> (?=\{)", re.MULTILINE)
_ERROR = re.compile(r"^(?:\[ERROR\]:|ERROR!) ?(?P<text>.+)$", re.MULTILINE)
_COMMAND_FAILED = "non-zero return code"  # what Ansible says of a command; why is in what it printed
_LONGEST = 400


def chosen_variants(networks: Mapping[str, Mapping[str, Any]], wanted: str = "") -> dict[str, Any]:
    """The variants of the networks that there are, of all or of those that are wanted, and what is wrong with the rest.

    ``networks`` is what the lookup of that name returned; ``wanted`` has names of networks and of variants, with
    commas between them.
    """
    every = [
        {"cni": cni, "variables": {}, "documented": {}, **variant}
        for cni, network in networks.items()
        for variant in network["variants"] or [{"name": cni}]
    ]
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    known = sorted({variant[key] for variant in every for key in ("cni", "name")})
    problems = [
        f"networks: '{name}' is neither a network nor a variant of one. There are: {', '.join(known)}"
        for name in names
        if name not in known
    ]
    chosen = [variant for variant in every if not names or variant["cni"] in names or variant["name"] in names]
    return {"variants": chosen, "problems": problems}


def failure_reason(output: str) -> str:
    """Why a playbook failed, from its output with results as JSON: the first host, and what it was told."""
    for found in _FAILURE.finditer(output):
        try:
            result, _end = json.JSONDecoder().raw_decode(output, found.end())  # in one line or in several
        except ValueError:
            continue
        told = [result.get(name) for name in ("stderr", "stdout") if result.get("msg") == _COMMAND_FAILED]
        if result.get("msg"):
            said = " ".join(str(next(filter(None, told), result["msg"])).split())
            return f"{found['host']}: {said[:_LONGEST]}"
    error = _ERROR.search(output)
    if error:
        return error["text"].strip()[:_LONGEST]
    lines = output.strip().splitlines()
    return lines[-1].strip()[:_LONGEST] if lines else "it printed nothing"
