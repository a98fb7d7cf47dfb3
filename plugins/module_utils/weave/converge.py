# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of Weave do: read, compare, apply."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ..datastore.etcd import Etcd
from ..docker.engine import Engine
from ..errors import raise_if_any
from ..kernel.addresses import is_device_mac
from ..outcome import Outcome, observed
from ..validation import duplicate_problems, removal_problems
from .address_request import DEFAULT, Wanted
from .attach import Container, attach, attached, detach
from .snapshot import Endpoint, Snapshot, checked_config
from .store import WeaveStore
from .veth import VethSettings


def converge_network(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module weave_network."""
    store = WeaveStore(Etcd.from_arguments(params), check_mode)
    nodes = [entry["node"] for entry in params["peers"]]
    raise_if_any(removal_problems(params))
    if params["state"] == "absent":
        before = _network_facts(store.read())
        if params["all"]:
            store.forget()
        elif nodes:
            store.leave(nodes)
        # In check mode a view shows what would be.
        return Outcome(before, _network_facts(store.read()), warnings=store.warnings)
    problems = duplicate_problems("peers", nodes) + _peer_problems(params["peers"])
    raise_if_any(problems)
    config = checked_config(params["range"], params["default_subnet"], params["reserved"])
    before = _network_facts(store.read())
    store.configure(config)
    store.join({entry["node"]: (entry["address"], entry["name"]) for entry in params["peers"]})
    state = store.read()
    attached = sorted({one.node for one in state.endpoints if one.from_inventory})
    return Outcome(before, _network_facts(state), {"attached_nodes": attached}, store.warnings)


def _peer_problems(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    problems = []
    for entry in entries:
        where = f"peer {entry['node']}"
        try:
            ipaddress.IPv4Address(entry["address"])
        except ValueError:
            problems.append(f"{where}: address '{entry['address']}' is not an IPv4 address of the underlay")
        if entry["name"] and not is_device_mac(entry["name"]):
            problems.append(f"{where}: name '{entry['name']}' is not the MAC address of a single device")
    return problems


def _network_facts(state: Snapshot) -> dict[str, Any] | None:
    if state.config is None:
        return None
    return {
        "range": str(state.config.range),
        "default_subnet": str(state.config.default_subnet),
        "reserved": sorted(map(str, state.config.reserved)),
        "peers": {
            node: {"address": peer.address, "name": peer.name, "short_id": peer.short_id}
            for node, peer in sorted(state.peers.items())
        },
        "ring": state.ring.document() if state.ring else {},
    }


def look(params: dict[str, Any], _check_mode: bool) -> Outcome:
    """The module weave_info."""
    store = WeaveStore(Etcd.from_arguments(params))
    state = store.read()
    containers = [
        {
            "node": one.node,
            "container": one.container,
            "network": one.network,
            "mac": one.mac,
            "addresses": list(one.addresses),
        }
        for one in state.endpoints
    ]
    exposed = {node: list(addresses) for node, addresses in sorted(state.exposed.items())}
    facts = {"network": _network_facts(state), "containers": containers, "exposed": exposed}
    return dataclasses.replace(observed(facts), warnings=store.warnings)


def converge_attachments(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module weave_attachments: containers that are listed are attached, those that left the list detached."""
    node, settings, entries = params["node"], VethSettings.from_options(params), params["attachments"]
    raise_if_any(duplicate_problems("attachments", [entry["container"] for entry in entries]))
    wanted = {entry["container"]: entry["addresses"] for entry in entries}
    store = WeaveStore(Etcd.from_arguments(params), check_mode)
    state = store.read()
    if state.config is None and (check_mode or not wanted):
        after = {name: addresses or [DEFAULT] for name, addresses in wanted.items()}
        return Outcome({"attached": {}}, {"attached": after}, warnings=store.warnings)
    config = state.known_config
    parsed = {
        name: [Wanted.parse(text, config) for text in addresses or [DEFAULT]] for name, addresses in wanted.items()
    }
    present = attached(store, node)
    before = {name: _shown(one) for name, one in present.items() if name in wanted or one.from_inventory}
    after = {
        name: _shown(present[name]) if _is_met(present.get(name), each) else wanted[name] or [DEFAULT]
        for name, each in parsed.items()
    }
    if not check_mode:
        engine = Engine()
        for name in before:
            if name not in wanted:
                detach(store, node, Container.find(engine, name), [], settings)
        for name in after:
            if before.get(name) != after[name]:
                attach(store, node, Container.find(engine, name), wanted[name], settings, from_inventory=True)
    shown = ({"attached": dict(sorted(each.items()))} for each in (before, after))
    return Outcome(*shown, warnings=store.warnings)


def _shown(endpoint: Endpoint) -> list[str]:
    return list(endpoint.addresses)


def _is_met(endpoint: Endpoint | None, wanted: Sequence[Wanted]) -> bool:
    """Whether an attached container has all that is asked for; more of it, made by hand, may stay."""
    return endpoint is not None and all(any(each.is_met_by(a) for a in endpoint.addresses) for each in wanted)
