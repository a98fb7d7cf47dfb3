# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver as it is, but for its patience: tests need not wait for what Docker may still repeat."""

from __future__ import annotations

import sys

from ansible_collections.container_network.lab.plugins.module_utils.driver import endpoint_life

endpoint_life.GRACE_SECONDS = 10.0  # before the others read it

from ansible_collections.container_network.lab.plugins.module_utils.driver import __main__ as program  # noqa: E402
from ansible_collections.container_network.lab.plugins.module_utils.driver import service  # noqa: E402

service.RESYNC_SECONDS = 0.5
program.READY_SECONDS = 1.0

if __name__ == "__main__":
    sys.exit(program.main())
