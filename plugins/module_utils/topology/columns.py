# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as text: columns side by side, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def columns_text(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table with a dash for what there is not; nothing if there are no rows."""
    texts = [["-" if value in (None, "") else str(value) for value in row] for row in rows]
    if not texts:
        return ""
    lines = [list(head), *texts]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines)
