# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's selectors, as far as pools and profiles of this collection use them. Pure.

Calico's full language has `&&`, `||`, parentheses, `in` and more. We take one term, which is what the courses write:
`all()`, `has(label)`, `label == "value"` and `label != "value"`; anything else is refused rather than misread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?"
_HAS = re.compile(rf"has\(\s*({_LABEL})\s*\)")
_COMPARISON = re.compile(rf"({_LABEL})\s*(==|!=)\s*(?:\"([^\"]*)\"|'([^']*)')")


def selector_problem(selector: str) -> str | None:
    """Why this collection cannot follow a selector; None if it can. An empty one selects everything."""
    text = selector.strip()
    if text in ("", "all()") or _HAS.fullmatch(text) or _COMPARISON.fullmatch(text):
        return None
    return (
        f"the selector '{selector}' is not one that this collection follows: "
        'write all(), has(label), label == "value" or label != "value"'
    )


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a selector without a problem selects what has these labels."""
    text = selector.strip()
    if text in ("", "all()"):
        return True
    has = _HAS.fullmatch(text)
    if has:
        return has[1] in labels
    comparison = _COMPARISON.fullmatch(text)
    if comparison is None:
        raise ValueError(selector_problem(selector))
    value = comparison[3] if comparison[3] is not None else comparison[4]
    return (labels.get(comparison[1]) == value) == (comparison[2] == "==")
