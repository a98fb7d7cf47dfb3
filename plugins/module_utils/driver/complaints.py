# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong again and again is said once in the journal."""

from __future__ import annotations

import logging
from collections.abc import Iterable

log = logging.getLogger(__name__)


class Complaints:
    """Of one kind. Each line is logged when it comes up, and again if it had gone meanwhile."""

    def __init__(self, level: int = logging.WARNING) -> None:
        self._level = level
        self._standing: frozenset[str] = frozenset()

    def are(self, lines: Iterable[str]) -> None:
        """All that is wrong now; none if nothing is."""
        found = tuple(lines)
        for line in found:
            if line not in self._standing:
                log.log(self._level, "%s", line)
        self._standing = frozenset(found)
