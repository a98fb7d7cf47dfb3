# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd says of its units (systemctl(1), "show")."""

from __future__ import annotations

from collections.abc import Sequence

from .command import run

PACKAGE = "systemd"


def unit_properties(names: Sequence[str], properties: Sequence[str]) -> list[dict[str, str]]:
    """These properties of each unit, in the order of the names; of one that does not exist systemd says that."""
    if not names:
        return []
    asked = [f"--property={name}" for name in properties]
    return parse_units(run(["systemctl", "show", *asked, "--", *names], package=PACKAGE))


def parse_units(shown: str) -> list[dict[str, str]]:
    """The same of what ``systemctl show`` prints: a paragraph for each unit, and a line for each property."""
    paragraphs = shown.strip().split("\n\n")
    return [dict(line.partition("=")[::2] for line in one.splitlines()) for one in paragraphs if one]
