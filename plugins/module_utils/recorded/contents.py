# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Desired states as the options of the modules that converge them: what a record holds, and what modules return. Pure.

Options that are the modules' defaults are left out. The ``parse`` functions of the kernel packages read all of it back.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..kernel import routes
from ..kernel import rtnetlink as rt
from ..kernel.addresses import ip_text, mac_text, network_text
from ..kernel.iptables import ChainSet
from ..kernel.virtual_links import LinkSet, VirtualLink
from ..kernel.vxlan_tables import StaticTables
from .files import RecordedFile

Options = dict[str, Any]


def files_content(files: list[RecordedFile]) -> Options:
    """The options of recorded_files."""
    return {"files": [{"path": str(file.path), **file.shown()} for file in files]}


def chains_content(rules: ChainSet) -> Options:
    """The options of iptables_chains."""
    jumps = [{"table": table, "chain": chain, "rule": rule} for table, chain, rule in rules.jumps]
    top = [{"table": table, "chain": chain, "rule": rule, "insert": True} for table, chain, rule in rules.top]
    chains = [{"table": table, "name": name, "rules": lines} for (table, name), lines in rules.chains.items()]
    content = {"chains": chains, "jumps": [*jumps, *top]}
    return content if rules.ip_version == "ipv4" or not chains else {**content, "ip_version": rules.ip_version}


def links_content(links: LinkSet) -> Options:
    """The options of network_link."""
    return {"links": [_link(link) for link in links.links]}


def _link(link: VirtualLink) -> Options:
    settings: Options = {"name": link.name, "kind": link.kind, "link": link.link, **_beyond_defaults(link.device)}
    if link.device.addresses is not None:
        settings["addresses"] = list(link.device.addresses)
    if link.vxlan:
        settings["vxlan"] = _beyond_defaults(link.vxlan)
    if link.attributes:
        settings["attributes"] = dict(link.attributes.given)
    return {key: value for key, value in settings.items() if value is not None}


def _beyond_defaults(value: Any) -> Options:
    return {
        field.name: getattr(value, field.name)
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != field.default
    }


def tables_content(tables: StaticTables) -> Options:
    """The options of vxlan_fdb."""
    content: Options = {
        "fdb": [{"mac": mac_text(key[:6]), "dst": ip_text(vtep)} for key, vtep in tables.fdb.items()],
        "arp": [{"ip": ip_text(ip), "mac": mac_text(mac)} for ip, mac in tables.arp.items()],
    }
    return {"dev": tables.dev, **content, "purge": tables.purge} if tables.dev else content


def routes_content(wanted: routes.RouteSet) -> Options:
    """The options of network_routes."""
    content: Options = {"routes": [_route(route) for route in wanted.routes.items()]}
    return content if wanted.table == routes.TABLES["main"] else {**content, "table": str(wanted.table)}


def _route(route: routes.Route) -> Options:
    (dst, length, metric), (via, shape) = route
    default_scope = via and shape.scope == rt.RT_SCOPE_UNIVERSE
    options = {
        "dst": network_text(dst, length),
        "via": ip_text(via) if via else None,
        "dev": shape.dev,
        "nexthops": [{"via": ip_text(hop.via), "dev": hop.dev, "weight": hop.weight} for hop in shape.hops],
        "src": ip_text(shape.src) if shape.src else None,
        "scope": None if default_scope else _name_of(routes.SCOPES, shape.scope),
        "protocol": None if shape.protocol == routes.PROTOCOLS["boot"] else str(shape.protocol),
        "metric": metric,
        "onlink": shape.onlink,
        "type": None if shape.type == routes.TYPES["unicast"] else _name_of(routes.TYPES, shape.type),
    }
    return {name: value for name, value in options.items() if value}


def _name_of(names: dict[str, int], number: int) -> str | None:
    return next((name for name, value in names.items() if value == number), None)
