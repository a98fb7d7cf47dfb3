# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a mirror knows what etcd has: a watch that misses something cannot tell.

A gateway may drop a watch, etcd may leave one behind, and an etcd that was restored from a backup counts its revisions
anew and says nothing until it is where the watch goes on. So etcd itself is asked now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .etcd import Etcd, Extent
from .mirror import Mirror

GRACE_SECONDS = 10.0
"""How long the watch may take to bring what etcd has."""


def behind(etcd: Etcd, mirror: Mirror, wait: Callable[[float], object]) -> list[str]:
    """The prefixes of which the mirror does not know what etcd had, even after it has waited for them. LabError."""
    before = mirror.extents()
    if not before:
        return []
    revision, found = etcd.extents(*before)
    stored = dict(zip(before, found))
    wait(GRACE_SECONDS)
    return missed(before, revision, stored, mirror.extents())


def missed(
    before: Mapping[str, Extent], revision: int, stored: Mapping[str, Extent], after: Mapping[str, Extent]
) -> list[str]:
    """The prefixes whose copy is wrong, going by the copy before etcd was asked, etcd's answer, and the copy later.

    A deletion leaves no key that has its revision, but there are fewer keys then; that is compared only if nothing has
    come meanwhile. A prefix that is not in the copy any more is being read again.
    """
    return [
        prefix
        for prefix, now in after.items()
        if revision < before[prefix].latest
        or now.latest < stored[prefix].latest
        or (now == before[prefix] and now.keys != stored[prefix].keys)
    ]
