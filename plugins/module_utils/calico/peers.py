# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BGP sessions with routers outside, as they are declared, and as documents of calicoctl v1 and v3. Pure.

Sources: the resource reference of Calico v1 (`bgpPeer`) and v3 (`BGPPeer`), and the names that Calico's upgrade from v1
gives to peers, which had none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from .documents import PEER, Document, documents_in, is_document
from .fields import Fields
from .resources import BgpPeer, name_problem
from .selectors import selector_problem

LARGEST_AS_NUMBER = 4294967295
_FIELDS = ("name", "peer_ip", "as_number", "node", "password")


def read_peers(
    where: str, entries: Iterable[Any], problems: list[str], beside: Iterable[str] = ()
) -> list[tuple[str, BgpPeer]]:
    """The peers of a list that takes both fields and documents, each with where it is written.

    What is wrong with one is added to ``problems``. Documents of the kinds ``beside`` are for other readers.
    """
    found: list[tuple[str, BgpPeer]] = []
    for index, entry in enumerate(entries):
        place = f"{where}, entry {index}"
        if is_document(entry):
            for document in documents_in(place, entry, PEER, problems, beside):
                peer = (_v1_peer if document.version == 1 else _v3_peer)(document)
                document.close()
                found.append((document.where, peer))
        else:
            name = entry.get("name", "") if isinstance(entry, dict) else ""
            found.append((f"{place} ('{name}')", _peer_of_fields(f"{place} ('{name}')", entry, problems)))
    for place, peer in found:
        problems += [f"{place}: {problem}" for problem in _rule_problems(peer)]
    return found


def as_number_of(where: str, value: Any, problems: list[str]) -> int | None:
    """An AS number, as one number or as two of 16 bits (RFC 5396: 1.10); a problem if it is none."""
    text = "" if isinstance(value, bool) else str(value)
    high, dot, low = text.rpartition(".")
    parts = [int(part) for part in (high if dot else "0", low) if part.isascii() and part.isdigit() and len(part) < 12]
    number = (parts[0] << 16) + parts[1] if len(parts) == 2 and (not dot or max(parts) < 1 << 16) else 0
    if 1 <= number <= LARGEST_AS_NUMBER:
        return number
    problems.append(
        f"{where} '{value}' is not an AS number: RFC 6793 has 1 to {LARGEST_AS_NUMBER} (private: 64512 to 65534)"
    )
    return None


def as_number(fields: Fields, key: str) -> int | None:
    """The AS number of a key; None if it is not there."""
    found: list[str] = []
    text = fields.text(key)
    number = as_number_of("", text, found) if text not in (None, "0") else None
    for problem in found:
        fields.refuse(key, problem.strip())
    return number


def _peer_of_fields(where: str, entry: Any, problems: list[str]) -> BgpPeer:
    fields = Fields(where, entry, problems)
    for key in ("name", "peer_ip", "as_number"):
        _needed(fields, key)
    peer = BgpPeer(
        name=fields.text("name") or "",
        node=fields.text("node"),
        peer_ip=_address(fields, "peer_ip"),
        as_number=as_number(fields, "as_number"),
    )
    fields.ignore("password")
    fields.close()
    return peer


def _v1_peer(document: Document) -> BgpPeer:
    metadata, spec = document.metadata, document.spec
    node, scope = metadata.text("node"), metadata.text("scope")
    address, number = _address(metadata, "peerIP"), as_number(spec, "asNumber")
    _needed(metadata, "peerIP")
    _needed(spec, "asNumber")
    if scope not in ("global", "node"):
        metadata.refuse("scope", f"is '{scope or ''}': write global, or node with the node's name as metadata.node")
    elif (scope == "node") != (node is not None):
        metadata.refuse(
            "node", f"and scope {scope} do not go together: a peer of scope node has a node, a global one none"
        )
    return BgpPeer(_v1_name(address, node), node, None, address, number)


def _v1_name(address: str | None, node: str | None) -> str:
    parsed = ipaddress.ip_address(address or "0.0.0.0")  # noqa: S104  (of a document that is refused)
    name = parsed.exploded.replace(".", "-").replace(":", "-")
    return f"{node}.{name}" if node else name


def _v3_peer(document: Document) -> BgpPeer:
    spec, name = document.spec, document.name() or ""
    if spec.text("peerSelector"):
        spec.refuse(
            "peerSelector",
            "asks for sessions between nodes, which follow from the mesh and the route reflectors "
            "(calico_bgp_topology, calico_route_reflectors) and not from a document: leave it out",
        )
    else:
        _needed(spec, "peerIP")
        _needed(spec, "asNumber")
    if spec.text("node") and spec.text("nodeSelector"):
        spec.refuse("node", "and nodeSelector are two answers to one question: leave one out")
    selector = spec.text("nodeSelector")
    problem = selector_problem(selector or "")
    if problem:
        spec.refuse("nodeSelector", f"is not followed: {problem}")
    spec.only("password", instead="etcd is no place for it; give name, peer_ip, as_number and password instead")
    spec.only("keepOriginalNextHop", False, instead="each node names itself as the next hop; leave it out")
    spec.only("sourceAddress", "UseNodeIP", instead="sessions come from the node's address; leave it out")
    spec.only("maxRestartTime", "120s", instead="BIRD's own time is taken; leave it out")
    spec.only("numAllowedLocalASNumbers", 0, instead="a route with the own AS number is a loop; leave it out")
    spec.only("ttlSecurity", 0, instead="leave it out")
    spec.only("reachableBy", instead="routers are reached by the routes of their nodes; leave it out")
    spec.only("filters", [], instead="BGPFilters are not read; leave it out")
    address, number = _address(spec, "peerIP"), as_number(spec, "asNumber")
    return BgpPeer(name, spec.text("node"), selector, address, number)


def _needed(fields: Fields, key: str) -> None:
    if fields.is_empty(key):
        fields.refuse(key, "is missing")


def _address(fields: Fields, key: str) -> str | None:
    """An address in its shortest form, so that one router is the same one however it is written."""
    text = fields.text(key)
    if text is None:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        fields.refuse(key, f"'{text}' is not an address: write it as 192.168.1.1 or fd00::1, without a port")
        return None
    if address.is_multicast or address.is_unspecified or address.is_loopback or "%" in text:
        fields.refuse(key, f"{text} is not the address of a single router outside, as 192.168.1.1 or fd00::1")
        return None
    return str(address)


def _rule_problems(peer: BgpPeer) -> list[str]:
    problem = name_problem(peer.name)
    return [f"name {problem}"] if problem else []
