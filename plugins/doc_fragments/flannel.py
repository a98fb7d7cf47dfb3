# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module of Flannel; they mirror ``FLANNEL`` of module_utils/flannel/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Which network."""

    DOCUMENTATION = r"""
options:
  prefix:
    description: Where the network lives in etcd; the option C(-etcd-prefix) of C(flanneld).
    type: str
    default: /coreos.com/network
"""
