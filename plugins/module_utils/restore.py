# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays the recorded sets after a boot: what the container-network-restore unit runs, before Docker starts.

The underlay may appear later than the unit starts. A set that cannot be restored yet is tried again whenever a link
or an address appears, until all are there or the time is over.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from . import files, forwarding, iptables, network_link, routes
from . import rtnetlink as rt
from .errors import LabError
from .netlink import NetlinkSocket
from .outcome import Outcome
from .records import RECORDS

PATIENCE = 60  # seconds


class Kind(NamedTuple):
    """How the sets of one module are restored."""

    module: str
    parse: Callable[[dict[str, Any], bool], Any]
    converge: Callable[[Any, Any, bool], Outcome]


# In the order of work: what Docker reads first, then rules, links, tables and routes.
KINDS = (
    Kind("recorded_files", files.parse, files.converge_files),
    Kind("iptables_chains", iptables.parse, iptables.converge_chains),
    Kind("network_link", network_link.parse, network_link.converge_links),
    Kind("vxlan_fdb", forwarding.parse, forwarding.converge_tables),
    Kind("network_routes", routes.parse, routes.converge_routes),
)


class RecordedSet(NamedTuple):
    """One recorded set."""

    kind: Kind
    path: Path

    def restore(self) -> Outcome:
        """Bring the set about."""
        try:
            content = json.loads(self.path.read_text())
        except (OSError, ValueError) as error:
            raise LabError(f"the record cannot be read: {error}") from error
        return self.kind.converge(self.kind.parse(content, False), None, False)


def recorded_sets(records: Path = RECORDS) -> list[RecordedSet]:
    """All sets, in the order of work."""
    return [RecordedSet(kind, path) for kind in KINDS for path in sorted((records / kind.module).glob("*.json"))]


def restore_all(patience: float = PATIENCE, records: Path = RECORDS) -> dict[Path, str]:
    """Restore every set; what could not be restored in ``patience`` seconds is returned with its reason."""
    deadline = time.monotonic() + patience
    pending = recorded_sets(records)
    with NetlinkSocket(groups=(rt.RTNLGRP_LINK, rt.RTNLGRP_IPV4_IFADDR, rt.RTNLGRP_IPV6_IFADDR)) as events:
        while True:
            failed: dict[Path, str] = {}
            still: list[RecordedSet] = []
            for recorded in pending:
                try:
                    outcome = recorded.restore()
                    print(f"{recorded.path}: {'restored' if outcome.changed else 'in place'}", flush=True)
                except LabError as error:
                    failed[recorded.path] = str(error)
                    still.append(recorded)
            pending = still
            if not pending or not events.wait(deadline - time.monotonic()):
                return failed


def main() -> int:
    """Restore, and say on standard error what could not be restored."""
    failed = restore_all()
    for path, reason in failed.items():
        print(f"{path}: not restored within {PATIENCE} seconds: {reason}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
