# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, apply, for Flannel's keys in etcd: what the modules flannel_config, flannel_subnet and …_info run."""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..datastore.etcd import Delete, Etcd, EtcdUnreachable
from ..errors import InvalidInput, LabError, raise_if_any
from ..outcome import Outcome, observed
from .config import MIN_MTU, FlannelConfig
from .dataplane import Underlay, implied_state, subnet_from_env
from .leases import Lease
from .store import Change, Claim, FlannelStore, Snapshot, Subnet

ATTEMPTS = 10
"""How often a transaction that lost a race is planned anew; flanneld tries as often."""
RELEASES_AT_ONCE = 50
"""Reservations; etcd takes 128 operations in a transaction by default, and each reservation needs two."""

Plan = Callable[[Snapshot], Change]


def converge_config(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_config."""
    present = params["state"] == "present"
    config = _config_of(params) if present else None
    releasable = _releasable(params["nodes"], params["pins"])
    run = _Run(params, check_mode)
    run.release(releasable)
    if config:
        run.commit(lambda snapshot: run.store.plan_config(snapshot, config))
        return run.outcome({"document": config.document(), "key": run.store.config_key})
    run.commit(run.store.plan_config_removal)
    return run.outcome({"key": run.store.config_key})


def converge_subnet(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_subnet."""
    node = params["node"]
    if params["state"] == "absent":
        run = _Run(params, check_mode)
        run.release(lambda snapshot: {node} & set(snapshot.registry))
        return run.outcome({})
    claim = _claim_of(params)
    run = _Run(params, check_mode)
    leases: list[Lease] = []

    def plan(snapshot: Snapshot) -> Change:
        config = _stored_config(snapshot, run, params)
        problem = config.subnet_problem(claim.pin) if claim.pin else None
        raise_if_any([f"{node}: the pinned subnet {claim.pin} {problem}"] if problem else [])
        lease, change = run.store.plan_claim(snapshot, config, claim)
        leases.append(lease)
        return change

    run.commit(plan)
    return run.outcome({"subnet": str(leases[-1].subnet), "lease": _lease_fields(leases[-1])})


def observe_subnet(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module flannel_subnet_info."""
    underlay = Underlay(
        params["interface"],
        _parsed("public_ip and prefix_length", f"{params['public_ip']}/{params['prefix_length']}"),
        params["mtu"],
    )
    run = _Run(params, check_mode)
    config = _stored_config(run.snapshot, run, params)
    if config.mtu(underlay.mtu) < MIN_MTU:
        raise InvalidInput(
            [
                f"MTU {underlay.mtu} of {underlay.interface} leaves {config.mtu(underlay.mtu)} bytes for containers "
                f"with {config.backend}, and {MIN_MTU} are the least (RFC 791): raise it"
            ]
        )
    leases = {subnet: found.lease for subnet, found in run.snapshot.leases.items()}
    if check_mode:
        predicted = [_lease_from(fields) for fields in params["predicted_leases"] or []]
        movers = {lease.public_ip for lease in predicted}
        leases = {subnet: lease for subnet, lease in leases.items() if lease.public_ip not in movers}
        leases.update({lease.subnet: lease for lease in predicted})
    own = next((lease for lease in leases.values() if lease.public_ip == str(underlay.address.ip)), None)
    if own is None:
        raise LabError(
            f"{underlay.address.ip} has no lease under {run.store.prefix}/subnets: "
            "the module container_network.lab.flannel_subnet takes one"
        )
    state = implied_state(config, own, list(leases.values()), underlay)
    warnings = run.warnings + state.pop("warnings")
    return dataclasses.replace(observed({"flannel": state}), warnings=warnings)


class _Run:
    """One module's work on one network: commits plans, or in check mode only notes what they would change."""

    def __init__(self, params: dict[str, Any], check_mode: bool) -> None:
        self.store = FlannelStore(Etcd.from_arguments(params), params["prefix"])
        self.check_mode = check_mode
        self.warnings: list[str] = []
        self._before: dict[str, str | None] = {}
        self._after: dict[str, str | None] = {}
        self.snapshot = self._read()

    def release(self, releasable: Callable[[Snapshot], set[str]]) -> None:
        """Release the reservations of the hosts that a rule picks."""
        nodes = iter(sorted(releasable(self.snapshot)))
        for portion in iter(lambda: set(itertools.islice(nodes, RELEASES_AT_ONCE)), set()):
            self.commit(
                lambda snapshot, portion=portion: self.store.plan_releases(snapshot, portion & releasable(snapshot))
            )

    def commit(self, plan: Plan) -> None:
        """Plan and apply; when somebody was faster, look again and plan anew."""
        for _attempt in range(ATTEMPTS):
            change = plan(self.snapshot)
            if not change.changes:
                return
            if self.check_mode:
                self._note(change)
                self.snapshot = self.store.predict(self.snapshot, change)
                return
            applied = self.store.apply(change)
            if applied:
                self._note(change)
            self.snapshot = self._read()
            if applied:
                return
        raise LabError(
            f"the keys under {self.store.prefix} changed {ATTEMPTS} times between reading and writing them: "
            "something else writes them all the time. Run again when it has finished."
        )

    def outcome(self, facts: dict[str, Any]) -> Outcome:
        """What changed: every key that was written or deleted, with its text before and after."""
        return Outcome(
            before=dict(sorted(self._before.items())),
            after=dict(sorted(self._after.items())),
            facts=facts,
            warnings=self.warnings,
        )

    def _note(self, change: Change) -> None:
        for step in change.changes:
            self._before.setdefault(step.key, self.snapshot.value_of(step.key))
            self._after[step.key] = None if isinstance(step, Delete) else step.value

    def _read(self) -> Snapshot:
        try:
            return self.store.read()
        except EtcdUnreachable as error:
            if not self.check_mode:
                raise
            self.warnings.append(f"{error} Check mode goes on as with an empty etcd, which this play may install.")
            return Snapshot()


def _config_of(params: dict[str, Any]) -> FlannelConfig:
    backend = params["backend"] or {}
    return FlannelConfig.from_fields(
        network=params["network"],
        subnet_len=params["subnet_len"],
        subnet_min=params["subnet_min"],
        subnet_max=params["subnet_max"],
        backend=backend.get("type") or "vxlan",
        vni=backend.get("vni"),
        port=backend.get("port"),
    )


def _releasable(nodes: list[str] | None, pins: dict[str, str | None]) -> Callable[[Snapshot], set[str]]:
    """The hosts with a reservation that are not listed, or whose subnet is pinned to another host by now."""
    if nodes is None:
        return lambda snapshot: set()
    owners = {_parsed_subnet(subnet): node for node, subnet in pins.items() if subnet}
    return lambda snapshot: {
        node for node, entry in snapshot.registry.items() if node not in nodes or owners.get(entry.subnet, node) != node
    }


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


def _stored_config(snapshot: Snapshot, run: _Run, params: dict[str, Any]) -> FlannelConfig:
    if run.check_mode and params["predicted_config"]:
        return FlannelConfig.from_document(params["predicted_config"])
    if snapshot.config is None:
        raise LabError(
            f"etcd holds no network configuration at {run.store.config_key}: "
            "the module container_network.lab.flannel_config writes it"
        )
    try:
        return FlannelConfig.from_document(snapshot.config.value)
    except InvalidInput as error:
        raise InvalidInput([f"{run.store.config_key}: {problem}" for problem in error.problems]) from error


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
