# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, as two kinds of exception: bad input, and a failed operation.

Every message names the object, the value, the rule and the way out, because it is all a reader gets.
"""

from __future__ import annotations


class LabError(Exception):
    """An operation failed; the message says on what, why, and what to do."""


class InvalidInput(LabError):
    """The input breaks rules. All problems are gathered, so that one run reports every one of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class AddressTaken(LabError):
    """A requested address is in use; the message says by whom."""


def raise_if_any(problems: list[str]) -> None:
    """Raise InvalidInput when there is at least one problem."""
    if problems:
        raise InvalidInput(problems)
