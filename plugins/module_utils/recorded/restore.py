# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays the recorded sets after a boot: what the container-network-restore unit runs, before Docker starts.

The underlay may appear later than the unit starts. A set that cannot be restored yet is tried again whenever a link
or an address appears, until all are there or the time is over. A record that is broken is not waited for.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InvalidInput, LabError
from ..kernel import rtnetlink as rt
from ..kernel.host_lock import alone_on_the_host
from ..kernel.netlink import NetlinkSocket
from ..outcome import Outcome
from . import records
from .kinds import KINDS, Kind

PATIENCE = 60  # seconds


class RecordedSet(NamedTuple):
    """One recorded set."""

    kind: Kind
    path: Path

    def parse(self) -> Any:
        """The desired state; InvalidInput if the record cannot be one."""
        try:
            return self.kind.parse(records.read_record(self.path), False)
        except InvalidInput:
            raise
        except Exception as error:  # whatever was written into it by hand must not keep the other sets away
            raise InvalidInput(
                [f"the record is broken ({type(error).__name__}: {error}): run its task again"]
            ) from error

    def restore(self) -> Outcome:
        """Bring the set about."""
        with alone_on_the_host(False):
            return self.kind.apply(self.parse(), (), False)


def recorded_sets() -> list[RecordedSet]:
    """All sets, in the order of work."""
    return [
        RecordedSet(kind, path) for kind in KINDS for path in sorted((records.RECORDS / kind.module).glob("*.json"))
    ]


def restore_all(patience: float = PATIENCE) -> dict[Path, str]:
    """Restore every set; what could not be restored in ``patience`` seconds is returned with its reason."""
    deadline = time.monotonic() + patience
    pending = recorded_sets()
    broken: dict[Path, str] = {}
    with NetlinkSocket(groups=(rt.RTNLGRP_LINK, rt.RTNLGRP_IPV4_IFADDR, rt.RTNLGRP_IPV6_IFADDR)) as events:
        while True:
            failed: dict[Path, str] = {}
            for recorded in pending:
                try:
                    outcome = recorded.restore()
                    sys.stdout.write(f"{recorded.path}: {'restored' if outcome.changed else 'in place'}\n")
                except InvalidInput as error:
                    broken[recorded.path] = str(error)
                except LabError as error:
                    failed[recorded.path] = str(error)
            pending = [recorded for recorded in pending if recorded.path in failed]
            if not pending or not events.wait(deadline - time.monotonic()):
                return {**broken, **failed}


def main() -> int:
    """Restore, and say on standard error what could not be restored."""
    failed = restore_all()
    for path, reason in failed.items():
        sys.stderr.write(f"{path}: not restored within {PATIENCE} seconds: {reason}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
