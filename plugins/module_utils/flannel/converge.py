# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, apply, for Flannel's keys in etcd: what the modules flannel_… run."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..datastore.etcd import Etcd
from ..errors import InvalidInput, raise_if_any
from ..kernel.links import read_links
from ..kernel.netlink import NetlinkSocket
from ..outcome import Outcome, observed
from ..validation import removal_problems
from .backends.backend import Underlay
from .claim import Claim
from .config import FlannelConfig
from .dataplane import HostState, room_problems, subnet_from_env, usable_peers
from .leases import Lease, parsed_subnet
from .snapshot import Snapshot
from .store import FlannelStore, Releasable


def converge_config(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_config."""
    raise_if_any(removal_problems(params))
    config = _config_of(params) if params["state"] == "present" else None
    releasable = _releasable(params)
    store = _store(params, check_mode)
    if releasable:
        store.release(releasable)
    if config:
        document = store.put_config(config)
        return _outcome(store, {"document": document, "key": store.keys.config})
    store.delete_config()
    return _outcome(store, {"key": store.keys.config})


def converge_network(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_network."""
    config, claims = _config_of(params), _claims_of(params)
    underlays = [_underlay_of(host) for host in params["hosts"]]
    raise_if_any([problem for underlay in underlays for problem in room_problems(config, underlay)])
    releasable = _releasable({**params, "all": False})
    store = _store(params, check_mode)
    if releasable:
        store.release(releasable)
    document = store.put_config(config)
    taken = store.claim_all(claims)
    leases = [found.lease for found in store.read().leases.values()]
    outcome = _outcome(
        store, {"document": document, "key": store.keys.config, "leases": [lease.fields() for lease in leases]}
    )
    others = [lease for lease in leases if lease not in taken]
    left_out = _left_out(FlannelConfig.from_document(document), taken, underlays, others)
    return dataclasses.replace(outcome, warnings=[*outcome.warnings, *left_out])


def _left_out(
    config: FlannelConfig, taken: Sequence[Lease], underlays: Sequence[Underlay], others: Sequence[Lease]
) -> list[str]:
    """A warning for each lease of others that a host cannot reach."""
    found = (usable_peers(config, own, others, underlay)[1] for own, underlay in zip(taken, underlays))
    return list(dict.fromkeys(warning for warnings in found for warning in warnings))


def converge_subnet(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_subnet."""
    node = params["node"]
    store = _store(params, check_mode)
    if params["state"] == "absent":
        store.release(lambda snapshot: {node} & set(snapshot.registry))
        return _outcome(store, {})
    lease = store.claim(_claim_of(params))
    return _outcome(store, {"subnet": str(lease.subnet), "lease": lease.fields()})


def observe_subnet(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_subnet_info."""
    underlay = _underlay_of(params)
    store = _store(params, check_mode)
    snapshot = store.read()
    config = store.config(snapshot)
    leases = {subnet: found.lease for subnet, found in snapshot.leases.items()}
    if check_mode:  # those that a task before has predicted count
        predicted = [Lease.from_fields(fields) for fields in params["predicted_leases"] or []]
        movers = {lease.public_ip for lease in predicted}
        leases = {subnet: lease for subnet, lease in leases.items() if lease.public_ip not in movers}
        leases.update({lease.subnet: lease for lease in predicted})
    state = HostState.of_leases(config, leases.values(), underlay, store.keys.leases)
    facts = {
        "flannel": _described(state),
        "document": config.document(),
        "leases": [lease.fields() for lease in leases.values()],
    }
    return dataclasses.replace(observed(facts), warnings=[*store.transactions.warnings, *state.warnings])


def _described(state: HostState) -> dict[str, Any]:
    """The host's part of the network as plain data, with the MAC address that its VXLAN device really has."""
    described = state.described()
    with NetlinkSocket() as netlink:
        link = read_links(netlink).get(described["device"])
    return {**described, "device_mac": link and link.mac}


def _store(params: dict[str, Any], check_mode: bool) -> FlannelStore:
    predicted = params.get("predicted_config") if check_mode else None
    config = FlannelConfig.from_document(predicted) if predicted else None
    return FlannelStore(Etcd.from_arguments(params), params["prefix"], check_mode, config)


def _outcome(store: FlannelStore, facts: dict[str, Any]) -> Outcome:
    """What changed: every key that was written or deleted, with its text before and after."""
    done = store.transactions
    return Outcome(dict(sorted(done.before.items())), dict(sorted(done.after.items())), facts, done.warnings)


def _config_of(params: dict[str, Any]) -> FlannelConfig:
    backend = params["backend"] or {}
    return FlannelConfig.from_fields(
        network=params["network"],
        backend=backend.get("type") or "vxlan",
        subnet_len=params["subnet_len"],
        subnet_min=params["subnet_min"],
        subnet_max=params["subnet_max"],
        **{option: value for option, value in backend.items() if option != "type"},
    )


def _releasable(params: dict[str, Any]) -> Releasable | None:
    """The hosts with a reservation that are not listed, or whose subnet is pinned to another host by now."""
    nodes, pins = params["nodes"], params["pins"]
    if params["all"]:
        return lambda snapshot: set(snapshot.registry)
    if not nodes:
        return None
    owners = {parsed_subnet(subnet): node for node, subnet in pins.items() if subnet}

    def releasable(snapshot: Snapshot) -> set[str]:
        registered = snapshot.registry.items()
        return {node for node, subnet in registered if node not in nodes or owners.get(subnet, node) != node}

    return releasable


def _claim_of(params: dict[str, Any]) -> Claim:
    try:
        env = Path(params["subnet_env"]).read_text()
    except OSError:
        env = ""
    return Claim(
        node=params["node"],
        public_ip=str(_parsed("public_ip", params["public_ip"]).ip),
        pin=parsed_subnet(params["subnet"]) if params["subnet"] else None,
        previous=subnet_from_env(env),
        avoid=tuple(parsed_subnet(text) for text in params["avoid"] or []),
    )


def _claims_of(params: dict[str, Any]) -> list[Claim]:
    """One for each host; what is pinned to another one is not chosen."""
    pins = {node: parsed_subnet(subnet) for node, subnet in params["pins"].items() if subnet}
    return [
        Claim(
            node=host["node"],
            public_ip=str(_parsed("public_ip", host["public_ip"]).ip),
            pin=pins.get(host["node"]),
            previous=parsed_subnet(host["previous"]) if host["previous"] else None,
            avoid=tuple(subnet for node, subnet in pins.items() if node != host["node"]),
        )
        for host in params["hosts"]
    ]


def _underlay_of(params: dict[str, Any]) -> Underlay:
    address = _parsed("public_ip and prefix_length", f"{params['public_ip']}/{params['prefix_length']}")
    return Underlay(params["interface"], address, params["mtu"])


def _parsed(what: str, text: str) -> ipaddress.IPv4Interface:
    try:
        return ipaddress.IPv4Interface(text)
    except ValueError as error:
        raise InvalidInput([f"{what}: '{text}' is not an IPv4 address ({error})"]) from error
