# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's nodes as documents of calicoctl v1 and v3, and the rules for their fields. Pure.

Sources: the resource reference of Calico v1 (`node`) and v3 (`Node`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from .documents import NODE, Document, documents_in
from .peers import LARGEST_AS_NUMBER, as_number
from .resources import name_problem

NODE_FIELDS = ("ipv4_address", "ipv6_address", "as_number", "route_reflector_cluster_id", "labels")
_WRITTEN_BY_HOSTS = (
    "addresses",
    "interfaces",
    "ipv4VXLANTunnelAddr",
    "ipv6VXLANTunnelAddr",
    "orchRefs",
    "vxlanTunnelMACAddr",
    "vxlanTunnelMACAddrV6",
    "wireguard",
)
"""What a node's own daemons write into its document: it follows from the host, and stays as it is."""


def document_nodes(entries: Iterable[Any], problems: list[str], beside: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The nodes of a module's option ``documents``, as entries of its option ``nodes``."""
    found = []
    for index, entry in enumerate(entries):
        for document in documents_in(f"documents, entry {index}", entry, NODE, problems, beside):
            found.append(_node(document))
            document.close()
    return found


def _node(document: Document) -> dict[str, Any]:
    spec, bgp = document.spec, document.spec.part("bgp")
    spec.ignore(*_WRITTEN_BY_HOSTS)
    bgp.ignore("ipv4IPIPTunnelAddr")
    node = {
        "name": document.name() or "",
        "ipv4_address": bgp.text("ipv4Address"),
        "ipv6_address": bgp.text("ipv6Address"),
        "as_number": as_number(bgp, "asNumber"),
        "route_reflector_cluster_id": bgp.text("routeReflectorClusterID"),
        "labels": document.metadata.labels("labels") if "labels" in document.metadata else None,
    }
    bgp.close()
    return node


def node_problems(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the fields of nodes."""
    problems = []
    for entry in entries:
        where = f"node {entry['name']}"
        problem = name_problem(entry["name"])
        problems += [f"nodes: name {problem}"] if problem else []
        for name, kind in (("ipv4_address", ipaddress.IPv4Interface), ("ipv6_address", ipaddress.IPv6Interface)):
            if entry[name] and not _is_interface(entry[name], kind):
                problems.append(
                    f"{where}: {name} '{entry[name]}' is not an address with prefix length: "
                    "write it as 192.168.1.68/24 or fd80::68/64"
                )
        number = entry["as_number"]  # a zero is that of the cluster
        if number is not None and not 0 <= number <= LARGEST_AS_NUMBER:
            problems.append(f"{where}: as_number '{number}' is not an AS number: RFC 6793 has 1 to {LARGEST_AS_NUMBER}")
        cluster_id = entry["route_reflector_cluster_id"]
        if cluster_id and not _is_interface(f"{cluster_id}/32", ipaddress.IPv4Interface):
            problems.append(f"{where}: route_reflector_cluster_id '{cluster_id}' is not written as 192.168.1.68 is")
    return problems


def _is_interface(text: str, kind: type) -> bool:
    try:
        return "/" in text and "%" not in text and bool(kind(text))
    except ValueError:
        return False
