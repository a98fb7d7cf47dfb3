# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BGP session as BIRD shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Session(NamedTuple):
    """A BGP session as BIRD shows it."""

    state: str
    since: float  # seconds of the day

    @classmethod
    def parse(cls, words: Sequence[str]) -> Session:
        """From a line of ``birdc show protocols``."""
        hours, minutes, seconds = map(float, words[4].split(":"))
        return cls(words[-1], 3600 * hours + 60 * minutes + seconds)

    def is_same(self, later: Session) -> bool:
        """Whether it is in the same state as before, without a break; BIRD's clock wavers by milliseconds."""
        return self.state == later.state and abs(self.since - later.since) < 0.5
