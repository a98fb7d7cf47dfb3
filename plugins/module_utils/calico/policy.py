# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chains and sets of a host: who may talk to whom, and what is masqueraded, in Felix's shapes. Pure.

A packet from or to a container runs through its host end's chain, and from there through the chains of its profiles:

    cali-FORWARD → cali-from-wl-dispatch → cali-fw-INTERFACE → cali-pro-PROFILE    (egress of the sender)
                 → cali-to-wl-dispatch   → cali-tw-INTERFACE → cali-pri-PROFILE    (ingress of the receiver)
    cali-INPUT   → cali-wl-to-host → cali-from-wl-dispatch                         (to the host itself)

Where policies select the endpoint, their chains come first: cali-po-POLICY and cali-pi-POLICY.

No chain names another endpoint's address: those are in sets, so that a container elsewhere costs one set member here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..driver.libnetwork import PublishedPort
from ..kernel.ipsets import IpSet
from ..kernel.iptables import ChainSet
from ..kernel.vxlan import IANA_PORT
from . import published_ports
from .felix_rules import (
    ACCEPT,
    ACCEPT_MARK,
    DROP,
    MASQUERADE,
    PASS_MARK,
    RETURN,
    Rule,
    chain_name,
    chain_texts,
    clear_mark,
    from_interface,
    goto,
    icmp_type,
    in_set,
    jump,
    marked,
    nets_set,
    other,
    ports,
    protocol,
    selector_set,
    set_name,
    to_interface,
    to_this_host,
    tracked,
    unmarked,
)
from .network_policies import EGRESS, INGRESS, NetworkPolicy
from .resources import FIXED_LABELS, Profile, WorkloadEndpoint
from .selectors import selects
from .snapshot import Snapshot
from .topology import addresses_of, local_endpoints, node_interface, node_of, pools_of, tunnel_kinds
from .v3_rules import V3Rule, excluded_nets, rule_chain, rule_problems, selectors

_IPIP = "4"
_UDP = "17"
_ANY = "cali+"
FLAT_DISPATCH = 16
"""Up to so many endpoints stand in the dispatch chain itself, one a rule, as documented. Beyond, the chain divides them
by the first character of their names, so that no packet passes, and no new endpoint rewrites, a thousand rules."""
_NEIGHBOUR_DISCOVERY = (130, 131, 132, 133, 135, 136)
"""ICMPv6 types that a container needs to find its gateway: multicast listeners (RFC 2710), solicitations and
advertisements (RFC 4861)."""


Chains = dict[tuple[str, str], list[str]]
"""Rules by table and chain."""


@dataclass(frozen=True)
class Tunnelled:
    """The kinds of tunnel in use, and the addresses of this node inside them."""

    ipip: bool = False
    vxlan: bool = False
    masquerading_devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """Everything that iptables and ipset hold of one IP version."""

    chains: ChainSet
    sets: tuple[IpSet, ...]
    warnings: tuple[str, ...] = field(default=())


def plan_policy(snapshot: Snapshot, node: str, version: int, to_host: str = "ACCEPT") -> Policy:
    """The chains and sets of a node.

    ``to_host`` is what becomes of an accepted packet from a container to its host (Felix's
    DefaultEndpointToHostAction): ACCEPT, RETURN (to the host's own rules) or DROP.
    """
    endpoints = [e for e in local_endpoints(snapshot, node) if addresses_of(e, version)]
    names = sorted({name for endpoint in endpoints for name in endpoint.profiles})
    tunnelled = _tunnelled(snapshot, node, version)
    profiles, warnings = _profiles(names, snapshot.profiles)
    applied = {endpoint.key: _applied(endpoint, snapshot) for endpoint in endpoints} if snapshot.policies else {}
    chosen = {policy.identity for each in applied.values() for policy in each}
    policies = [policy for policy in snapshot.policies if policy.identity in chosen]
    warnings += _policy_warnings(snapshot, policies)
    if node_interface(node_of(snapshot, node), version) is None:
        warnings.append(
            f"node {node} has no IPv{version} address for BGP: its IPv{version} containers reach only each other"
        )
    chains: Chains = {}
    chains.update(_chain("filter", "cali-FORWARD", _FORWARD))
    chains.update(_input_chains(version, tunnelled, to_host))
    targets = _published(endpoints) if version == 4 else []
    chains.update(_nat_chains(version, tunnelled, targets))
    if version == 6:
        chains.update(_anti_spoofing())
    chains.update(_dispatch(endpoints))
    for endpoint in endpoints:
        chains.update(_endpoint_chains(endpoint, applied.get(endpoint.key, ())))
    for name, profile in profiles.items():
        for prefix, rules in (("cali-pri-", profile.spec.get("ingress")), ("cali-pro-", profile.spec.get("egress"))):
            chains.update(_chain("filter", chain_name(prefix, name), rule_chain(rules or (), version)))
    for policy in policies:
        for prefix, direction, rules in (("cali-pi-", INGRESS, policy.ingress), ("cali-po-", EGRESS, policy.egress)):
            if direction in policy.types:
                chain = rule_chain(rules, version, policy.namespace)
                chains.update(_chain("filter", chain_name(prefix, policy.identity), chain))
    return Policy(
        ChainSet(chains, top=_top_jumps(version, bool(targets)), ip_version=f"ipv{version}"),
        tuple(_sets(snapshot, _all_rules(profiles, policies), version, tunnelled)),
        tuple(warnings),
    )


def _chain(table: str, name: str, rules: Sequence[Rule]) -> Chains:
    return {(table, name): chain_texts(name, rules)}


def _profiles(names: Sequence[str], known: Mapping[str, Profile]) -> tuple[dict[str, Profile], list[str]]:
    """The profiles of local endpoints. One that is missing, or cannot be enforced, lets nothing through."""
    profiles: dict[str, Profile] = {}
    warnings = []
    for name in names:
        profile = known.get(name)
        shown = f"profile {name}"
        problems = [f"{shown} is not in the datastore"] if profile is None else rule_problems(shown, profile.spec)
        warnings += [f"{problem}; until that is repaired, its containers are cut off" for problem in problems]
        profiles[name] = Profile(name) if problems or profile is None else profile
    return profiles, warnings


def _applied(endpoint: WorkloadEndpoint, snapshot: Snapshot) -> tuple[NetworkPolicy, ...]:
    """The policies that select an endpoint, in the order in which they are asked."""
    labels = _labels(endpoint, snapshot)
    return tuple(policy for policy in snapshot.policies if policy.selects(labels))


def _policy_warnings(snapshot: Snapshot, policies: Sequence[NetworkPolicy]) -> list[str]:
    unread = [f"{key} cannot be read, and is not enforced" for key in snapshot.unread_policies]
    cut_off = [
        f"{problem}; until that is repaired, the containers that it selects are cut off"
        for policy in policies
        for problem in policy.problems
    ]
    return unread + cut_off


def _all_rules(
    profiles: Mapping[str, Profile], policies: Sequence[NetworkPolicy]
) -> list[tuple[Sequence[V3Rule], str]]:
    """The rules of all chains, each with the namespace of its policy."""
    specs = [one.spec for one in profiles.values()]
    of_profiles = [(spec.get(direction) or (), "") for spec in specs for direction in ("ingress", "egress")]
    return of_profiles + [(rules, one.namespace) for one in policies for rules in (one.ingress, one.egress)]


def _tunnelled(snapshot: Snapshot, node: str, version: int) -> Tunnelled:
    kinds = tunnel_kinds(snapshot, version)
    own = node_of(snapshot, node)
    addresses = {"tunl0": own.ipip_tunnel_address, "vxlan.calico": own.vxlan_tunnel_address} if version == 4 else {}
    used = {"tunl0": "ipip" in kinds, "vxlan.calico": "vxlan" in kinds}
    return Tunnelled(
        "ipip" in kinds, "vxlan" in kinds, tuple(d for d, address in addresses.items() if address and used[d])
    )


def _published(endpoints: Sequence[WorkloadEndpoint]) -> list[published_ports.Target]:
    """The published ports of a node's endpoints, with the IPv4 address to which each leads."""
    return [
        (addresses_of(endpoint, 4)[0], port)
        for endpoint in endpoints
        for port in endpoint.ports or ()
        if published_ports.is_followed(port)
    ]


def _top_jumps(version: int, publishing: bool) -> list[tuple[str, str, str]]:
    """From the chains of the kernel to ours, before all foreign rules."""
    hooks = [("filter", "INPUT"), ("filter", "FORWARD"), ("nat", "POSTROUTING")]
    hooks += [("raw", "PREROUTING")] if version == 6 else []
    hooks += [("nat", hook) for hook in published_ports.HOOKS] if publishing else []
    return [(table, hook, chain_texts(hook, [Rule(jump(f"cali-{hook}"))])[0]) for table, hook in hooks]


_FORWARD = (
    Rule(jump("cali-from-wl-dispatch"), (from_interface(_ANY),)),
    Rule(jump("cali-to-wl-dispatch"), (to_interface(_ANY),)),
    Rule(ACCEPT, (from_interface(_ANY),)),
    Rule(ACCEPT, (to_interface(_ANY),)),
)


def _input_chains(version: int, tunnelled: Tunnelled, to_host: str) -> Chains:
    """What reaches the host itself: tunnelled packets from nodes only, and packets of its containers."""
    nodes = in_set(set_name(version, "all-hosts-net"), "src")
    rules = []
    if tunnelled.ipip:
        ipip = protocol(_IPIP)
        rules += [
            Rule(ACCEPT, (ipip, nodes, to_this_host()), "Allow IPIP packets from Calico hosts"),
            Rule(DROP, (ipip,), "Drop IPIP packets from non-Calico hosts"),
        ]
    if tunnelled.vxlan:
        vxlan = (protocol(_UDP), ports("d", [str(IANA_PORT)]))
        peers = in_set(set_name(version, "all-vxlan-net"), "src")
        rules += [
            Rule(ACCEPT, (*vxlan, peers, to_this_host()), "Allow VXLAN packets from whitelisted hosts"),
            Rule(DROP, (*vxlan, to_this_host()), "Drop VXLAN packets from non-whitelisted hosts"),
        ]
    rules.append(Rule(goto("cali-wl-to-host"), (from_interface(_ANY),)))
    discovery = _NEIGHBOUR_DISCOVERY if version == 6 else ()
    to_host_rules = [Rule(ACCEPT, (protocol("58"), icmp_type(6, number))) for number in discovery]
    to_host_rules += [
        Rule(jump("cali-from-wl-dispatch")),
        Rule(jump(to_host), comment="Configured DefaultEndpointToHostAction"),
    ]
    return {**_chain("filter", "cali-INPUT", rules), **_chain("filter", "cali-wl-to-host", to_host_rules)}


def _nat_chains(version: int, tunnelled: Tunnelled, targets: Sequence[published_ports.Target]) -> Chains:
    """Masqueraded is what leaves for outside of all pools from a pool with natOutgoing.

    Where this node has an address in a tunnel, so is what the host itself sends through it from another address.
    """
    own_address = other("-m addrtype --src-type LOCAL")
    elsewhere = other("-m addrtype ! --src-type LOCAL --limit-iface-out")
    postrouting = [Rule(jump("cali-nat-outgoing"))]
    postrouting += [
        Rule(MASQUERADE, (to_interface(device), elsewhere, own_address)) for device in tunnelled.masquerading_devices
    ]
    postrouting += published_ports.masquerading(targets)
    published = published_ports.nat_rules(targets)
    masqueraded = in_set(set_name(version, "masq-ipam-pools"), "src")
    outside = in_set(set_name(version, "all-ipam-pools"), "dst", negated=True)
    return {
        **_chain("nat", "cali-POSTROUTING", postrouting),
        **_chain("nat", "cali-nat-outgoing", [Rule(MASQUERADE, (masqueraded, outside))]),
        **{key: texts for name, rules in published.items() for key, texts in _chain("nat", name, rules).items()},
    }


def _anti_spoofing() -> Chains:
    """IPv6 has no rp_filter, which keeps IPv4 containers to their own addresses: a rule does it."""
    wrong_way = other("-m rpfilter --validmark --invert", "-m rpfilter --invert --validmark")
    return _chain("raw", "cali-PREROUTING", [Rule(DROP, (from_interface(_ANY), wrong_way))])


def _dispatch(endpoints: Sequence[WorkloadEndpoint]) -> Chains:
    """From the packet's interface to the chain of its endpoint."""
    names = tuple(sorted({endpoint.interface for endpoint in endpoints}))
    return {**_dispatch_chains("from", names), **_dispatch_chains("to", names)}


def _dispatch_chains(direction: str, names: tuple[str, ...]) -> Chains:
    root = f"cali-{direction}-wl-dispatch"
    if len(names) <= FLAT_DISPATCH:
        return {("filter", root): list(_leaves(root, direction, names))}
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name[:5], []).append(name)
    match = _DISPATCHED[direction][0]
    branches = {beginning: f"{root}-{beginning[4:]}" for beginning in groups}
    rules = [Rule(goto(branch), (match(f"{beginning}+"),)) for beginning, branch in branches.items()]
    chains = _chain("filter", root, [*rules, _UNKNOWN])
    for beginning, branch in branches.items():
        chains[("filter", branch)] = list(_leaves(branch, direction, tuple(groups[beginning])))
    return chains


@lru_cache(maxsize=256)
def _leaves(chain: str, direction: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """A chain with one rule for each of a few endpoints. Most such chains are as they were the last time."""
    match, prefix = _DISPATCHED[direction]
    rules = [Rule(goto(chain_name(prefix, name)), (match(name),)) for name in names]
    return tuple(chain_texts(chain, [*rules, _UNKNOWN]))


_DISPATCHED = {"from": (from_interface, "cali-fw-"), "to": (to_interface, "cali-tw-")}
_UNKNOWN = Rule(DROP, comment="Unknown interface")


@lru_cache(maxsize=8192)
def _endpoint_texts(
    interface: str,
    profiles: tuple[str, ...],
    ingress: tuple[str, ...] | None,
    egress: tuple[str, ...] | None,
    published: tuple[PublishedPort, ...],
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The two chains of an endpoint. A host has up to thousands, and they rarely change.

    ``ingress`` and ``egress`` are the policies that are asked; None where no policy applies, and the profiles decide.
    """
    encapsulated = [
        Rule(
            DROP,
            (protocol(_UDP), ports("d", [str(IANA_PORT)])),
            "Drop VXLAN encapped packets originating in workloads",
        ),
        Rule(DROP, (protocol(_IPIP),), "Drop IPinIP encapped packets originating in workloads"),
    ]
    texts = []
    for prefix, kinds, policies, extra, opened in (
        ("cali-tw-", ("cali-pi-", "cali-pri-"), ingress, [], published_ports.accepting(published)),
        ("cali-fw-", ("cali-po-", "cali-pro-"), egress, encapsulated, []),
    ):
        rules = [
            Rule(ACCEPT, (tracked("RELATED,ESTABLISHED"),)),
            Rule(DROP, (tracked("INVALID"),)),
            Rule(clear_mark(ACCEPT_MARK)),
            *extra,
            *_policy_rules(kinds[0], policies),
            *opened,
        ]
        for profile in profiles:
            rules += [
                Rule(jump(chain_name(kinds[1], profile))),
                Rule(RETURN, (marked(ACCEPT_MARK),), "Return if profile accepted"),
            ]
        rules.append(Rule(DROP, comment="Drop if no profiles matched"))
        name = chain_name(prefix, interface)
        texts.append((name, tuple(chain_texts(name, rules))))
    return tuple(texts)


def _policy_rules(prefix: str, policies: tuple[str, ...] | None) -> list[Rule]:
    """Each policy is asked until one has accepted the packet, or passed it on to the profiles."""
    if policies is None:
        return []
    rules = [Rule(clear_mark(PASS_MARK), comment="Start of policies")]
    for policy in policies:
        rules += [
            Rule(jump(chain_name(prefix, policy)), (unmarked(PASS_MARK),)),
            Rule(RETURN, (marked(ACCEPT_MARK),), "Return if policy accepted"),
        ]
    return [*rules, Rule(DROP, (unmarked(PASS_MARK),), "Drop if no policies passed packet")]


def _endpoint_chains(endpoint: WorkloadEndpoint, policies: Sequence[NetworkPolicy]) -> Chains:
    ingress, egress = (
        tuple(policy.identity for policy in policies if direction in policy.types) or None
        for direction in (INGRESS, EGRESS)
    )
    texts = _endpoint_texts(endpoint.interface, endpoint.profiles, ingress, egress, endpoint.ports or ())
    return {("filter", name): list(lines) for name, lines in texts}


def _sets(
    snapshot: Snapshot, rules: Sequence[tuple[Sequence[V3Rule], str]], version: int, tunnelled: Tunnelled
) -> Iterator[IpSet]:
    """The sets that the chains of this host name, with the addresses of the whole cluster."""
    family = "inet" if version == 4 else "inet6"

    def networks(identity: str, members: Iterable[Any]) -> IpSet:
        return IpSet(set_name(version, identity), "hash:net", family, frozenset(map(str, members)))

    pools = pools_of(snapshot, version)
    yield networks("all-ipam-pools", (pool.cidr for pool in pools))
    yield networks("masq-ipam-pools", (pool.cidr for pool in pools if pool.nat_outgoing))
    interfaces = (node_interface(node, version) for node in snapshot.nodes.values())
    nodes = [interface.ip for interface in interfaces if interface]
    if tunnelled.ipip:
        yield networks("all-hosts-net", nodes)
    if tunnelled.vxlan:
        yield networks("all-vxlan-net", nodes)
    for nets in sorted({nets for each, _namespace in rules for nets in excluded_nets(each, version)}):
        yield IpSet(nets_set(version, nets), "hash:net", family, frozenset(nets))
    needed = sorted({selector for each, namespace in rules for selector in selectors(each, namespace)})
    members = _members(snapshot, version, needed) if needed else {}
    for selector in needed:
        yield IpSet(selector_set(version, selector), "hash:ip", family, frozenset(members[selector]))


def _members(snapshot: Snapshot, version: int, needed: Sequence[str]) -> dict[str, set[str]]:
    """The addresses of the endpoints that each selector picks, by their labels and those of their profiles."""
    members: dict[str, set[str]] = {selector: set() for selector in needed}
    picked: dict[Any, list[str]] = {}  # endpoints with the same labels and profiles are picked by the same selectors
    for endpoint in snapshot.endpoints:
        kind = (endpoint.profiles, tuple(endpoint.labels.items()))
        if kind not in picked:
            labels = _labels(endpoint, snapshot)
            picked[kind] = [selector for selector in needed if selects(selector, labels)]
        for selector in picked[kind]:
            members[selector].update(addresses_of(endpoint, version))
    return members


def _labels(endpoint: WorkloadEndpoint, snapshot: Snapshot) -> dict[str, str]:
    """The labels of an endpoint. Its own count more than those that its profiles give it."""
    labels: dict[str, str] = {}
    for name in endpoint.profiles:
        profile = snapshot.profiles.get(name)
        labels.update((profile.spec.get("labelsToApply") or {}) if profile else {})
    return {**labels, **FIXED_LABELS, **endpoint.labels}
