# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of the host have in common: their errors, and what they need to run."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence

from ..errors import LabError


def run(name: str, usage: str, command: Callable[[Sequence[str]], int]) -> int:
    """Run a command with the arguments of this process; returns its exit status, 1 for an error that it tells."""
    # As every other program, end quietly when the reader of the output has seen enough; Python ignores the signal.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"]):
        sys.stdout.write(usage)
        return 0
    try:
        if os.geteuid() != 0:
            raise LabError("network namespaces are root's: run it as root, or with sudo.")
        return command(arguments)
    except LabError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
