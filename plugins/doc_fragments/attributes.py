# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules of the collection promise."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that modules have in common; a module overrides one by naming it itself."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the predicted change without making it.
    support: full
  diff_mode:
    description: Returns what changed (or would change) when in diff mode.
    support: full
  idempotent:
    description: A second run with the same arguments changes nothing.
    support: full
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the predicted change without making it.
    support: full
    details:
      - This module changes nothing.
  diff_mode:
    description: Returns what changed (or would change) when in diff mode.
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    description: A second run with the same arguments changes nothing.
    support: full
    details:
      - This module changes nothing.
"""

    PROBE = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode), in which it does nothing.
    support: full
  diff_mode:
    description: Returns what changed (or would change) when in diff mode.
    support: none
  platform:
    description: The systems that it runs on.
    support: full
    platforms: linux
"""
