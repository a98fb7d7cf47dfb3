# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To be told by a signal that it is time to end, whichever thread gets it."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack


def told_to_end(opened: ExitStack, *numbers: int) -> int:
    """A descriptor that can be read from when one of these signals has come; ``opened`` closes it.

    The kernel may give a signal to any thread (signal(7)), which does not wake the main one, where Python alone handles
    it. To be called in that one.
    """
    reader, writer = os.pipe()
    for descriptor in (reader, writer):
        os.set_blocking(descriptor, False)
        opened.callback(os.close, descriptor)
    for number in numbers:
        signal.signal(number, lambda _number, _frame: None)
    opened.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writer))
    return reader
