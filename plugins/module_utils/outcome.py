# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of one convergence: what was there, what is (or, in check mode, would be) there now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """Plain data that the Ansible adapter turns into ``changed``, ``diff`` and returned values.

    ``before`` and ``after`` are JSON-compatible and sorted; they differ exactly when something changes.
    """

    before: Any
    after: Any
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the plan held at least one change."""
        return self.before != self.after


def observed(facts: dict[str, Any]) -> Outcome:
    """The outcome of a module that only looks (the ``_info`` modules)."""
    return Outcome(before=None, after=None, facts=facts)
