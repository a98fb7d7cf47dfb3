# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, apply, for Flannel's keys in etcd: what the modules flannel_… run."""

from __future__ import annotations

import dataclasses
import ipaddress
from pathlib import Path
from typing import Any

from ..datastore.etcd import Etcd
from ..datastore.reading import warnings_of
from ..errors import InvalidInput, raise_if_any
from ..kernel.links import read_links
from ..kernel.netlink import NetlinkSocket
from ..outcome import Outcome, observed
from ..recorded import files, network_set
from ..validation import removal_problems
from .backends.backend import Underlay
from .claim import Claim
from .config import FlannelConfig
from .dataplane import SET_NAME, HostState, subnet_from_env
from .leases import Lease
from .snapshot import Snapshot, Subnet
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


def converge_subnet(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_subnet."""
    node = params["node"]
    store = _store(params, check_mode)
    if params["state"] == "absent":
        store.release(lambda snapshot: {node} & set(snapshot.registry))
        return _outcome(store, {})
    lease = store.claim(_claim_of(params))
    return _outcome(store, {"subnet": str(lease.subnet), "lease": _lease_fields(lease)})


def observe_subnet(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_subnet_info."""
    state = _host_state(params, check_mode)
    return dataclasses.replace(observed({"flannel": _described(state)}), warnings=list(state.warnings))


def converge_host(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_host."""
    if params["state"] == "absent":
        return network_set.converge_state(SET_NAME, None, check_mode)
    given = files.parse(params, False)
    state = _host_state(params, check_mode)
    outcome = network_set.converge_state(SET_NAME, state.network_state(given), check_mode)
    facts = {"flannel": _described(state), **outcome.facts}
    return dataclasses.replace(outcome, facts=facts, warnings=[*state.warnings, *outcome.warnings])


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
    warnings = done.warnings + warnings_of(store.unread)
    return Outcome(dict(sorted(done.before.items())), dict(sorted(done.after.items())), facts, warnings)


def _host_state(params: dict[str, Any], check_mode: bool) -> HostState:
    """What the leases imply for a host; those that a task before has predicted count in check mode."""
    address = _parsed("public_ip and prefix_length", f"{params['public_ip']}/{params['prefix_length']}")
    underlay = Underlay(params["interface"], address, params["mtu"])
    store = _store(params, check_mode)
    snapshot = store.read()
    config = store.config(snapshot)
    leases = {subnet: found.lease for subnet, found in snapshot.leases.items()}
    if check_mode:
        predicted = [_lease_from(fields) for fields in params["predicted_leases"] or []]
        movers = {lease.public_ip for lease in predicted}
        leases = {subnet: lease for subnet, lease in leases.items() if lease.public_ip not in movers}
        leases.update({lease.subnet: lease for lease in predicted})
    state = HostState.of_leases(config, leases.values(), underlay, store.keys.leases)
    return dataclasses.replace(
        state, warnings=(*store.transactions.warnings, *warnings_of(store.unread), *state.warnings)
    )


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
    owners = {_parsed_subnet(subnet): node for node, subnet in pins.items() if subnet}

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
        pin=_parsed_subnet(params["subnet"]) if params["subnet"] else None,
        previous=subnet_from_env(env),
        avoid=tuple(_parsed_subnet(text) for text in params["avoid"] or []),
    )


def _lease_fields(lease: Lease) -> dict[str, Any]:
    return {**dataclasses.asdict(lease), "subnet": str(lease.subnet)}


def _lease_from(fields: dict[str, Any]) -> Lease:
    return Lease(**{**fields, "subnet": _parsed_subnet(fields["subnet"])})


def _parsed(what: str, text: str) -> ipaddress.IPv4Interface:
    try:
        return ipaddress.IPv4Interface(text)
    except ValueError as error:
        raise InvalidInput([f"{what}: '{text}' is not an IPv4 address ({error})"]) from error


def _parsed_subnet(text: str) -> Subnet:
    try:
        return Subnet(text)
    except ValueError as error:
        raise InvalidInput([f"'{text}' is not an IPv4 subnet ({error}): write it as 40.15.43.0/24"]) from error
