# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that several modules of kernel objects share. What only one module has stands in the module's file.

Each value has the name of the documentation fragment (plugins/doc_fragments) that describes its options.
"""

from __future__ import annotations

from typing import Any

from . import iptables
from .routes import SCOPES, TYPES
from .vxlan import IANA_PORT

ArgumentSpec = dict[str, Any]

NETNS: ArgumentSpec = {"netns": {"type": "str"}}

_TABLE: ArgumentSpec = {"type": "str", "choices": list(iptables.TABLES), "default": "filter"}
CHAINS: ArgumentSpec = {
    "chains": {
        "type": "list",
        "elements": "dict",
        "options": {
            "table": _TABLE,
            "name": {"type": "str", "required": True},
            "rules": {"type": "list", "elements": "str", "default": []},
        },
    },
    "jumps": {
        "type": "list",
        "elements": "dict",
        "options": {
            "table": _TABLE,
            "chain": {"type": "str", "required": True},
            "rule": {"type": "str", "required": True},
            "insert": {"type": "bool", "default": False},
        },
    },
}

DEVICE: ArgumentSpec = {
    "name": {"type": "str", "required": True},
    "mac": {"type": "str"},
    "mtu": {"type": "int"},
    "up": {"type": "bool", "default": True},
    "master": {"type": "str"},
    "addresses": {"type": "list", "elements": "str"},
}
LINKS: ArgumentSpec = {
    "links": {
        "type": "list",
        "elements": "dict",
        "options": {
            **DEVICE,
            "kind": {"type": "str"},
            "link": {"type": "str"},
            "attributes": {"type": "dict"},
            "vxlan": {
                "type": "dict",
                "options": {
                    "id": {"type": "int", "required": True},
                    "local": {"type": "str"},
                    "dev": {"type": "str"},
                    "port": {"type": "int", "default": IANA_PORT},
                    "learning": {"type": "bool", "default": True},
                    "proxy": {"type": "bool", "default": False},
                    "l2miss": {"type": "bool", "default": False},
                    "l3miss": {"type": "bool", "default": False},
                    "udp6zerocsumrx": {"type": "bool", "default": False},
                    "underlay_netns": {"type": "str"},
                },
            },
        },
    },
}

STATIC_TABLES: ArgumentSpec = {
    "fdb": {
        "type": "list",
        "elements": "dict",
        "options": {"mac": {"type": "str", "required": True}, "dst": {"type": "str", "required": True}},
    },
    "arp": {
        "type": "list",
        "elements": "dict",
        "options": {"ip": {"type": "str", "required": True}, "mac": {"type": "str", "required": True}},
    },
}

_ROUTE: ArgumentSpec = {
    "dst": {"type": "str", "required": True},
    "via": {"type": "str"},
    "dev": {"type": "str"},
    "src": {"type": "str"},
    "scope": {"type": "str", "choices": list(SCOPES)},
    "protocol": {"type": "str"},
    "metric": {"type": "int"},
    "onlink": {"type": "bool", "default": False},
    "type": {"type": "str", "choices": list(TYPES), "default": "unicast"},
}
_NEXT_HOPS: ArgumentSpec = {
    "nexthops": {
        "type": "list",
        "elements": "dict",
        "options": {
            "via": {"type": "str", "required": True},
            "dev": {"type": "str"},
            "weight": {"type": "int", "default": 1},
        },
    },
}
ROUTES: ArgumentSpec = {"routes": {"type": "list", "elements": "dict", "options": {**_ROUTE, **_NEXT_HOPS}}}
ROUTES_OF_DEVICE: ArgumentSpec = {"routes": {"type": "list", "elements": "dict", "options": _ROUTE}}
"""A route with several next hops is no route of one device."""
