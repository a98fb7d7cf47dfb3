# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that several of Calico's modules share; named as the documentation fragments that describe them."""

from __future__ import annotations

from typing import Any

from .profiles import PROTOCOLS

ArgumentSpec = dict[str, Any]

_DOCUMENTS: ArgumentSpec = {"type": "list", "elements": "raw", "default": []}

POOLS: ArgumentSpec = {
    "pools": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str"},
            "cidr": {"type": "str", "required": True},
            "block_size": {"type": "int"},
            "ipip_mode": {"type": "str", "choices": ["never", "always", "cross-subnet"], "default": "never"},
            "vxlan_mode": {"type": "str", "choices": ["never", "always", "cross-subnet"], "default": "never"},
            "nat_outgoing": {"type": "bool", "default": False},
            "disabled": {"type": "bool", "default": False},
            "node_selector": {"type": "str", "default": "all()"},
        },
    },
    "documents": _DOCUMENTS,
    "tunnel": {"type": "str", "choices": ["ipip", "vxlan"]},
}

# ``network`` and ``cidr`` are the other side: an ingress rule's source, an egress rule's destination.
_RULE: ArgumentSpec = {
    "action": {"type": "str", "choices": ["allow", "deny"], "default": "allow"},
    "protocol": {"type": "str", "choices": list(PROTOCOLS)},
    "ports": {"type": "list", "elements": "str"},
    "network": {"type": "str"},
    "cidr": {"type": "str"},
}
_RULES: ArgumentSpec = {"type": "list", "elements": "dict", "default": [], "options": _RULE}
PROFILES: ArgumentSpec = {
    "profiles": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "ingress": _RULES,
            "egress": _RULES,
            "default_policy": {"type": "bool", "default": True},
        },
    },
    "documents": _DOCUMENTS,
}

BGP: ArgumentSpec = {
    "as_number": {"type": "int", "default": 64512},
    "mesh": {"type": "bool", "default": True},
    "peers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "peer_ip": {"type": "str", "required": True},
            "as_number": {"type": "int", "required": True},
            "node": {"type": "str"},
        },
    },
    "documents": _DOCUMENTS,
}

NODES: ArgumentSpec = {
    "nodes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "ipv4_address": {"type": "str"},
            "ipv6_address": {"type": "str"},
            "as_number": {"type": "int"},
            "route_reflector_cluster_id": {"type": "str"},
            "labels": {"type": "dict"},
        },
    },
    "documents": _DOCUMENTS,
}

BLOCKS: ArgumentSpec = {
    "blocks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"cidr": {"type": "str", "required": True}, "node": {"type": "str", "required": True}},
    },
}

LEAKS: ArgumentSpec = {"grace_seconds": {"type": "float", "default": 60}}
