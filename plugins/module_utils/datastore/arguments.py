# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that all modules share that talk to etcd.

Each value has the name of the documentation fragment (plugins/doc_fragments) that describes its options.
"""

from __future__ import annotations

from typing import Any

ArgumentSpec = dict[str, Any]

ETCD: ArgumentSpec = {
    "etcd_endpoints": {"type": "list", "elements": "str", "required": True},
    "etcd_ca_cert": {"type": "path"},
    "etcd_client_cert": {"type": "path"},
    "etcd_client_key": {"type": "path", "no_log": False},
    "etcd_username": {"type": "str"},
    "etcd_password": {"type": "str", "no_log": True},
}
