# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeated measurements in three numbers."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

_DIGITS = 3


@dataclass(frozen=True)
class Spread:
    """Least, median and most of some values."""

    least: float
    median: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread | None:
        """That of values, of which some may be missing; None if all are."""
        known = sorted(value for value in values if value is not None)
        return cls(known[0], statistics.median(known), known[-1], len(known)) if known else None

    def describe(self) -> str:
        """0.12 (0.1-0.31), or the value if there is but one."""
        if self.count == 1:
            return number(self.median)
        return f"{number(self.median)} ({number(self.least)}-{number(self.most)})"


def number(value: float) -> str:
    """With three digits, and without an exponent."""
    if abs(value) >= 10 ** (_DIGITS - 1):
        return f"{value:.0f}"
    return f"{float(f'{value:.{_DIGITS}g}'):.9f}".rstrip("0").rstrip(".")
