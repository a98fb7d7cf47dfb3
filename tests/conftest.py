# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the network driver importable as it is on a host: beside ``container_network``, the copy of module_utils."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_FOLDER = Path(tempfile.mkdtemp(prefix="driver-packages-"))
(_FOLDER / "container_network").symlink_to(_ROOT / "plugins/module_utils")
(_FOLDER / "container_network_driver").symlink_to(_ROOT / "roles/network_driver/files/container_network_driver")
sys.path.insert(0, str(_FOLDER))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
