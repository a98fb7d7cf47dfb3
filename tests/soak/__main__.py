# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make soak``: random actions and faults on a lab for an hour, on the service's networks one after the other."""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.soak.agreement import Disagreement
from tests.soak.kinds import KINDS
from tests.soak.rounds import ROUND_SECONDS, run
from tests.support.lab_runs import Lab

_NAMES = [kind.name for kind in KINDS]


def main() -> int:
    """Soak; the status is 1 if a network was not well afterwards. Its lab stays then, to be looked at."""
    arguments = _arguments()
    kinds = [kind for kind in KINDS if kind.name in arguments.kinds]
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} {line}", flush=True)

    tell(f"SEED={arguments.seed} LAB={arguments.lab} replays this run")
    lab = Lab(arguments.lab)
    lab.play("lab_up.yml")
    for kind in kinds:
        try:
            run(lab, kind, arguments.seed, arguments.seconds / len(kinds), tell, arguments.round)
        except Disagreement as found:
            tell(f"{kind.name} is not well {found}")
            return 1
    tell("all is well")
    lab.play("lab_down.yml")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--lab", default="two_hosts", help="its inventory")
    parser.add_argument("--seconds", type=float, default=3600.0, help="of all networks together")
    parser.add_argument("--round", type=float, default=ROUND_SECONDS, help="seconds of actions, until all is mended")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of the first round")
    parser.add_argument("--kinds", nargs="+", choices=_NAMES, default=_NAMES, help="the networks")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
