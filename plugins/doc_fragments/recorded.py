# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that can record their desired state, for the restore at boot."""

from __future__ import annotations


class ModuleDocFragment:
    """Options ``name`` and ``persistent``."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Name of this set of entries, by which it is recorded and removed; for example V(flannel).
      - What was recorded under the name before and is no longer listed is removed.
      - With O(state=absent), all that is recorded under the name is removed, and the record with it; entries need not
        be listed.
      - Needed with O(persistent=true).
    type: str
  persistent:
    description:
      - Whether the entries outlive a restart of the host.
      - The desired state is recorded in C(/etc/container-network/MODULE/NAME.json) and made again at boot, before
        Docker starts, by the unit that M(container_network.lab.network_restore) installs.
    type: bool
    default: false
"""
