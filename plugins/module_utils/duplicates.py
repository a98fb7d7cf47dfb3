# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of a list that are given twice."""

from __future__ import annotations

from collections.abc import Sequence


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
