# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much processor time a host uses.

Hosts of a lab share a kernel, whose own count has the work of everybody on the machine. There the programs of the host
count, in whose time the kernel sends and receives their packets. A host with a kernel of its own counts whatever its
processors did.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BUSY = (0, 1, 2, 5, 6)  # of /proc/stat's cpu line (proc(5)): user, nice, system, irq, softirq


@dataclass(frozen=True)
class ProcessorMeter:
    """Counts processor seconds less those that are used while nothing is measured."""

    shared_kernel: bool
    background: float = 0.0  # processor seconds a second

    def settled(self, seconds: float) -> ProcessorMeter:
        """One that knows what is used anyway, after it has looked for so long."""
        before = self.busy()
        time.sleep(seconds)
        return ProcessorMeter(self.shared_kernel, max(0.0, self.busy() - before) / seconds)

    def busy(self) -> float:
        """Processor seconds until now."""
        if self.shared_kernel:
            return sum(process_seconds(text) for text in _processes())
        return kernel_seconds(Path("/proc/stat").read_text())

    def used(self, since: float, seconds: float) -> float:
        """Processor seconds since ``busy`` was ``since``, which is so many seconds ago."""
        return max(0.0, self.busy() - since - self.background * seconds)


def boot_id() -> str:
    """What all hosts on one kernel have in common, and no others."""
    return _BOOT_ID.read_text().strip()


def kernel_seconds(text: str) -> float:
    """Processor seconds that were not idle, from /proc/stat."""
    counts = [int(count) for count in text.splitlines()[0].split()[1:]]
    return sum(counts[index] for index in _BUSY) / _TICKS


def process_seconds(text: str) -> float:
    """Processor seconds of a process and of its children that have ended, from its stat (proc(5))."""
    fields = text.rpartition(")")[2].split()  # a name may have blanks and brackets in it
    return sum(int(count) for count in fields[11:15]) / _TICKS


def _processes() -> list[str]:
    texts = []
    for entry in os.listdir("/proc"):
        if re.fullmatch(r"\d+", entry):
            try:
                texts.append(Path(f"/proc/{entry}/stat").read_text())
            except OSError:  # it has ended
                continue
    return texts
