# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, apply, for Calico's datastore: what the modules calico_ippool, calico_block, … run."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping
from typing import Any

from ..datastore.etcd import Etcd
from ..errors import InvalidInput, LabError, raise_if_any
from ..outcome import Outcome, observed
from ..validation import duplicate_problems, removal_problems
from .documents import KINDS as DOCUMENT_KINDS
from .host_ranges import shared_range_warnings
from .ipam import NoPool
from .nodes import NODE_FIELDS, document_nodes, node_problems
from .peers import as_number_of, read_peers
from .pools import IPPool, checked_pools, name_of_cidr, read_pools
from .profile_documents import read_profiles
from .profiles import profile_spec
from .resources import BgpConfiguration, BgpPeer, Profile
from .snapshot import Findings, Snapshot
from .store import CalicoStore

DATASTORE_PREFIXES = ("/calico/resources/", "/calico/ipam/", "/container_network/calico/")
"""All keys of a cluster: Calico's own, and those that our driver adds."""
_ALL_KINDS = "documents of all kinds"
"""Set beside the options where the parts of a cluster share one list of documents."""


def converge_pools(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_ippool."""
    store = _store(params, check_mode)
    if params["state"] == "absent":
        names = _names_to_remove(params)
        before = {pool.name: pool for pool in store.pools() if pool.name in names or str(pool.cidr) in names}
        store.remove_pools(names)
        return Outcome(before=_fields(before), after=dict.fromkeys(before), facts={"pools": []})
    pools = checked_pools(params["pools"], params["documents"], params["tunnel"], _beside(params))
    group = params["group"]
    members = _members(store, "ippools", group)
    before = {str(pool.cidr): pool for pool in store.pools()}
    store.put_pools(pools, group)
    staying = store.retire_pools(group, keep=pools) if group else []
    after = {str(pool.cidr): pool for pool in store.pools()}
    wanted = [str(pool.cidr) for pool in pools]
    shown = {cidr for cidr in {*before, *after} if cidr in wanted or before.get(cidr) != after.get(cidr)}
    return Outcome(
        before={**_fields({cidr: before.get(cidr) for cidr in shown}), **members},
        after={**_fields({cidr: after.get(cidr) for cidr in shown}), **_members(store, "ippools", group)},
        facts={"pools": [_pool_facts(after[cidr]) for cidr in wanted]},
        warnings=[
            *store.warnings,
            *(
                f"pool {pool.name} ({pool.cidr}) is not listed any more, and addresses of it are in use: it gives no "
                "further ones, and goes with the first run that finds it unused"
                for pool in staying
            ),
        ],
    )


def observe_pools(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_ippool_info."""
    store = _store(params, check_mode)
    pools = store.pools()
    names = params["names"]
    unknown = [name for name in names or [] if not any(name in (pool.name, str(pool.cidr)) for pool in pools)]
    if unknown:
        known = ", ".join(f"{pool.name} ({pool.cidr})" for pool in pools)
        raise InvalidInput([f"names: pool '{name}' does not exist. Pools: {known or 'none'}" for name in unknown])
    chosen = [pool for pool in pools if names is None or pool.name in names or str(pool.cidr) in names]
    return dataclasses.replace(observed({"pools": [_pool_facts(pool) for pool in chosen]}), warnings=store.warnings)


def observe_ipam(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_ipam_info."""
    store = _store(params, check_mode)
    snapshot = store.read(ipam=True)
    facts = {
        "pools": [_pool_use(snapshot, pool) for pool in snapshot.pools],
        "blocks": [
            {
                "cidr": str(block.cidr),
                "node": block.node or "",
                "in_use": len(block.allocations),
                "free": len(block.free),
            }
            for block in sorted(snapshot.blocks.values(), key=lambda one: (one.cidr.version, one.cidr))
        ],
        "addresses": _address_facts(snapshot),
        **_finding_facts(store.findings(params["grace_seconds"])),
    }
    return dataclasses.replace(observed(facts), warnings=store.warnings)


def converge_repair(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_ipam_repair."""
    store = _store(params, check_mode)
    found = _finding_facts(store.repair(params["grace_seconds"]))
    left = _finding_facts(store.findings(params["grace_seconds"]))
    unrecorded = left["unrecorded"]
    warnings = (
        [
            f"addresses of endpoints are not marked as in use: {', '.join(unrecorded)}. "
            "The network driver of their hosts claims them when it starts; restart it, or remove these endpoints."
        ]
        if unrecorded
        else []
    )
    facts = {"released": found["leaked"], "unrecorded": unrecorded}
    return Outcome(before=found, after=left, facts=facts, warnings=warnings + store.warnings)


def converge_blocks(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_block."""
    pins = _pins(params["blocks"])
    present = params["state"] == "present"
    store = _store(params, check_mode)
    before = store.blocks()
    warnings = _apply_pins(_store(params, check_mode=True), pins, present, check_mode)
    if not check_mode:
        _apply_pins(store, pins, present, check_mode)
    wanted = {cidr: node if present else None for cidr, node in pins.items()}
    held = {cidr: before[cidr].node if cidr in before else None for cidr in pins}
    if not present:  # a block of another host is left to it
        wanted = {cidr: None if held[cidr] == node else held[cidr] for cidr, node in pins.items()}
    return Outcome(dict(sorted(held.items())), dict(sorted(wanted.items())), warnings=warnings + store.warnings)


def converge_profiles(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_profile."""
    profiles = _checked_profiles(params)
    names = [profile.name for profile in profiles]
    present = params["state"] == "present"
    store = _store(params, check_mode)
    group = params["group"]
    undeclared = store.names_of_group("profiles", group).difference(names) if present and group else set()
    concerned = [*names, *undeclared]
    before = {**_specs(store, concerned), **_members(store, "profiles", group)}
    for profile in profiles if present else []:
        store.put_profile(profile, group=group)
    for name in undeclared:
        store.retire_profile(Profile(name, profile_spec(name)))
    for name in [] if present else names:
        store.delete_profile(name)
    after = {**_specs(store, concerned), **_members(store, "profiles", group)}
    return Outcome(before=before, after=after, warnings=store.warnings)


def converge_nodes(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_node."""
    problems: list[str] = []
    entries = [*params["nodes"], *document_nodes(params["documents"], problems, _beside(params))]
    names = [entry["name"] for entry in entries]
    raise_if_any(problems + duplicate_problems("nodes", names) + node_problems(entries))
    store = _store(params, check_mode)
    before = _node_facts(store, names)
    for entry in entries:
        if params["state"] == "absent":
            store.remove_node(entry["name"])
        else:
            store.update_node(entry["name"], **_given_fields(entry))
    return Outcome(before=before, after=_node_facts(store, names), warnings=store.warnings)


def converge_bgp(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_bgp."""
    peers = _checked_peers(params)
    names = [peer.name for peer in peers]
    store = _store(params, check_mode)
    present, group = params["state"] == "present", params["group"]
    whole_group = group and (present or params["all"])
    unlisted = store.names_of_group("bgppeers", group).difference(names) if whole_group else set()
    concerned = [*names, *unlisted]
    before = {**_bgp_facts(store, concerned), **_members(store, "bgppeers", group)}
    if present:
        store.put_bgp(BgpConfiguration(params["as_number"], params["mesh"]))
        for peer in peers:
            store.put_bgp_peer(peer, group)
    else:
        store.delete_bgp()
    for name in unlisted if present else concerned:
        store.delete_bgp_peer(name)
    after = {**_bgp_facts(store, concerned), **_members(store, "bgppeers", group)}
    return Outcome(before=before, after=after, warnings=store.warnings)


def converge_cluster(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_cluster: pools, profiles, BGP, nodes and blocks, in this order.

    Everything is predicted first, so that all problems are found before the first change; where nothing differs, that
    is all.
    """
    asked = {**params, "state": "present", "all": False, _ALL_KINDS: True}
    predicted: dict[str, Outcome] = {}
    problems: list[str] = []
    for part, converge in _CLUSTER.items():
        try:
            predicted[part] = converge(asked, True)
        except InvalidInput as error:
            problems += error.problems
    raise_if_any(list(dict.fromkeys(problems)))  # each part reads the documents, and says what is wrong with all
    changed = [part for part, outcome in predicted.items() if outcome.changed]
    outcomes = predicted
    if changed and not check_mode:
        outcomes = {part: converge(asked, False) for part, converge in _CLUSTER.items()}
        changed = [part for part, outcome in outcomes.items() if outcome.changed]
    return Outcome(
        {part: outcomes[part].before for part in changed},
        {part: outcomes[part].after for part in changed},
        {"pools": outcomes["pools"].facts["pools"], "changed_parts": changed},
        [
            *(warning for outcome in outcomes.values() for warning in outcome.warnings),
            *shared_range_warnings(
                checked_pools(params["pools"], params["documents"], None, DOCUMENT_KINDS), params["nodes"]
            ),
        ],
    )


_CLUSTER = {
    "pools": converge_pools,
    "profiles": converge_profiles,
    "bgp": converge_bgp,
    "nodes": converge_nodes,
    "blocks": converge_blocks,
}


def converge_datastore(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module calico_datastore."""
    etcd = Etcd.from_arguments(params)
    keys = sorted(item.key for found in etcd.get_prefixes(*DATASTORE_PREFIXES) for item in found)
    for key in [] if check_mode else keys:
        etcd.delete(key)
    return Outcome(before=keys, after=[])


def _store(params: dict[str, Any], check_mode: bool) -> CalicoStore:
    return CalicoStore(Etcd.from_arguments(params), check_mode)


def _members(store: CalicoStore, plural: str, group: str | None) -> dict[str, Any]:
    """Which resources belong to the group: one may join it, or leave it, and be the same otherwise."""
    return {f"group {group}": sorted(store.names_of_group(plural, group))} if group else {}


def _names_to_remove(params: dict[str, Any]) -> set[str]:
    """The pools to remove by name, or by range where a document or an entry has no name."""
    names, problems = {entry["name"] or entry["cidr"] for entry in params["pools"]}, []
    for pool in read_pools("documents", params["documents"], problems):
        names.add(str(pool.cidr) if pool.name == name_of_cidr(pool.cidr) else pool.name)
    raise_if_any(problems)
    return names


def _beside(params: dict[str, Any]) -> tuple[str, ...]:
    """The kinds of documents that another part of a cluster reads."""
    return DOCUMENT_KINDS if params.get(_ALL_KINDS) else ()


def _fields(pools: Mapping[str, IPPool | None]) -> dict[str, Any]:
    return {name: pool.fields() if pool else None for name, pool in sorted(pools.items())}


def _pool_facts(pool: IPPool) -> dict[str, Any]:
    return {
        "name": pool.name,
        "cidr": str(pool.cidr),
        "block_size": pool.block_size,
        "ipip_mode": pool.ipip_mode,
        "vxlan_mode": pool.vxlan_mode,
        "nat_outgoing": pool.nat_outgoing,
        "disabled": pool.disabled,
        "node_selector": pool.node_selector,
    }


def _pool_use(snapshot: Snapshot, pool: IPPool) -> dict[str, Any]:
    blocks = [block for block in snapshot.blocks.values() if block.cidr in pool]
    in_use = sum(len(block.allocations) for block in blocks)
    return {
        **_pool_facts(pool),
        "blocks": len(blocks),
        "in_use": in_use,
        "free": pool.cidr.num_addresses - in_use,
    }


def _address_facts(snapshot: Snapshot) -> list[dict[str, Any]]:
    containers = {
        address.partition("/")[0]: endpoint.container or ""
        for endpoint in snapshot.endpoints
        for address in endpoint.addresses
    }
    facts = [
        {
            "address": str(address),
            "block": str(block.cidr),
            "block_node": block.node or "",
            "node": allocation.node or "",
            "handle": allocation.handle or "",
            "container": containers.get(str(address), ""),
        }
        for block in snapshot.blocks.values()
        for address, allocation in block.allocations.items()
    ]
    return sorted(facts, key=lambda one: (":" in one["address"], ipaddress.ip_address(one["address"])))


def _finding_facts(found: Findings) -> dict[str, list[str]]:
    return {
        "leaked": [str(address) for address in found.leaked],
        "unrecorded": [str(address) for address in found.unrecorded],
        "stale": sorted({*found.stale_handles, *found.stale_affinities, *found.missing_affinities}),
    }


def _pins(entries: list[dict[str, Any]]) -> dict[str, str]:
    problems = []
    cidrs = []
    for index, entry in enumerate(entries):
        try:
            cidrs.append(str(ipaddress.ip_network(entry["cidr"])))
        except ValueError:
            problems.append(
                f"blocks, entry {index}: '{entry['cidr']}' is not a block: "
                "write its first address and its size, as 192.168.119.0/26"
            )
    raise_if_any(problems or duplicate_problems("blocks", cidrs))
    return {cidr: entry["node"] for cidr, entry in zip(cidrs, entries)}


def _apply_pins(store: CalicoStore, pins: Mapping[str, str], present: bool, check_mode: bool) -> list[str]:
    """Pin or release all of them; InvalidInput with all that is refused. Returns warnings.

    In check mode the pool may be one that the same play would make: then its absence is a warning.
    """
    problems, warnings = [], []
    for cidr, node in pins.items():
        try:
            if present:
                store.claim_block(cidr, node)
            else:
                store.release_block(cidr, node)
        except NoPool as error:
            (warnings if check_mode else problems).append(str(error))
        except LabError as error:
            problems.append(str(error))
    raise_if_any(problems)
    return warnings


def _checked_profiles(params: dict[str, Any]) -> list[Profile]:
    problems: list[str] = []
    profiles = read_profiles("profiles", params["profiles"], problems)
    profiles += read_profiles("documents", params["documents"], problems, _beside(params))
    raise_if_any(duplicate_problems("profiles", [profile.name for profile in profiles]) + problems)
    return profiles


def _checked_peers(params: dict[str, Any]) -> list[BgpPeer]:
    problems: list[str] = []
    as_number_of("as_number", params["as_number"], problems)
    found = read_peers("peers", params["peers"], problems)
    found += read_peers("documents", params["documents"], problems, _beside(params))
    peers = [peer for _where, peer in found]
    raise_if_any(removal_problems(params) + duplicate_problems("peers", [peer.name for peer in peers]) + problems)
    return peers


def _specs(store: CalicoStore, names: list[str]) -> dict[str, Any]:
    stored = {profile.name: dict(profile.spec) for profile in store.profiles()}
    return {name: stored.get(name) for name in sorted(names)}


def _bgp_facts(store: CalicoStore, names: list[str]) -> dict[str, Any]:
    snapshot = store.read()
    settings = dataclasses.asdict(snapshot.bgp) if snapshot.bgp_stored else None
    peers = {peer.name: dataclasses.asdict(peer) for peer in snapshot.bgp_peers if peer.name in names}
    return {"settings": settings, "peers": dict(sorted(peers.items()))}


def _given_fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are given; an empty text, and the number 0, removes a field."""
    fields = {name: entry[name] for name in NODE_FIELDS if entry[name] is not None}
    if "labels" in fields:
        fields["labels"] = {str(name): str(value) for name, value in fields["labels"].items()}
    return {name: None if value in ("", 0) else value for name, value in fields.items()}


def _node_facts(store: CalicoStore, names: list[str]) -> dict[str, Any]:
    """What is stored of hosts, and what they hold; None for a host of which nothing is left."""
    snapshot = store.read(ipam=True)
    facts = {}
    for name in sorted(names):
        node = snapshot.nodes.get(name)
        holdings = {
            "blocks": [str(block.cidr) for block in snapshot.blocks_of(name)],
            "addresses": [str(address) for address, one in snapshot.allocations().items() if one.node == name],
            "endpoints": [endpoint.endpoint_id for endpoint in snapshot.endpoints if endpoint.node == name],
        }
        fields = {field: getattr(node, field) for field in NODE_FIELDS} if node else {}
        facts[name] = {**fields, **holdings} if node or any(holdings.values()) else None
    return facts
