# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements. They print tables and decide nothing: a slow machine is no error."""

import sys
from pathlib import Path

# The collection by its full name, through the link in collections/, as pyproject.toml says it for the tests.
sys.path.insert(0, str(Path(__file__).parent.parent.parent / "collections"))
