# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules that write links need on the host."""

from __future__ import annotations


class ModuleDocFragment:
    """The library that writes links; module_utils/kernel/writer.py says how."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - pyroute2 0.7.2 or newer on the host, for what changes links (Debian's package python3-pyroute2)
notes:
  - A host without pyroute2 is told so before the first change, and a run that finds links as they should be does not
    need it. In check mode it is a warning, because an earlier task may be the one that installs the package.
"""
