# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Calico host: from a snapshot of the datastore to the kernel and to BIRD, read → plan → apply.

`plan_host` is pure and gives the whole desired state of one host. `Dataplane.converge` brings it about with the least
change. A Dataplane remembers what it has found and written, as Felix does, because reading ten thousand rules for each
container that starts would take longer than the container; `Dataplane.resync` makes the next call look again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import LabError
from ..kernel import ipsets, iptables
from ..kernel.container_routes import BIRD, remove_routes_of
from ..kernel.host_facts import missing_link_kinds
from ..kernel.ipsets import IpSet
from ..kernel.iptables import ChainSet
from ..kernel.ipv6_forwarding import Ipv6Forwarding
from ..kernel.links import Device, delete_links, read_links
from ..kernel.netlink import NetlinkSocket
from ..kernel.virtual_links import LinkSet, VirtualLink, converge_links
from ..kernel.vxlan_tables import converge_tables
from ..outcome import Outcome
from .bird import DEBIAN, Bird
from .bird_config import NO_PASSWORDS, Passwords, bird_config
from .felix_rules import canonical
from .gateway_route import converge_gateway_route
from .policy import Policy, plan_policy
from .snapshot import Snapshot
from .topology import local_endpoints, versions
from .tunnels import IPIP_DEVICE, VXLAN_DEVICES, Tunnels, Underlay, plan_tunnels
from .veth import HostEnd, converge_ends

_OWN_CHAIN = "cali-"
_OWN_SET = re.compile(r"cali[46]-(s:|nets:|all-|masq-)")
_TO_OWN_CHAIN = re.compile(r" -[jg] cali-| ?-[jg] cali-")
_PASSWORD = re.compile(r'(password ")[^"]*(")')
_IPIP_MTU_OF_THE_KERNEL = 1480  # bytes; what tunl0 has by default

Rules = dict[tuple[str, str], list[str]]


@dataclass(frozen=True)
class HostSettings:
    """What the datastore does not say about a host."""

    underlay: Underlay
    passwords: Passwords = NO_PASSWORDS
    to_host: str = "ACCEPT"
    """What becomes of accepted packets from a container to its host: ACCEPT, RETURN or DROP."""


@dataclass(frozen=True)
class DesiredState:
    """Everything a host converges to."""

    policies: tuple[Policy, ...] = ()
    ends: tuple[HostEnd, ...] = ()
    tunnels: Tunnels = field(default_factory=Tunnels)
    forwards_ipv6: bool = False
    bird_config: str | None = field(default=None, repr=False)
    """None: BIRD is not ours any more, and its routes go."""

    @property
    def warnings(self) -> list[str]:
        """What the datastore asks for and cannot be done."""
        return sorted({warning for policy in self.policies for warning in policy.warnings})


def plan_host(node: str, snapshot: Snapshot, settings: HostSettings) -> DesiredState:
    """The desired state of a node. `DesiredState()` is that of a host that Calico has left."""
    return DesiredState(
        policies=tuple(plan_policy(snapshot, node, version, settings.to_host) for version in versions(snapshot)),
        ends=tuple(HostEnd.of(endpoint) for endpoint in local_endpoints(snapshot, node)),
        tunnels=plan_tunnels(snapshot, node, settings.underlay),
        forwards_ipv6=6 in versions(snapshot),
        bird_config=bird_config(snapshot, node, settings.passwords),
    )


class Dataplane:
    """The kernel and BIRD of this host, with what is known of them.

    Not for several threads at once. Everything is in the network namespace of the caller.
    """

    def __init__(self, bird: Bird = DEBIAN, ipv6_forwarding: Ipv6Forwarding | None = None) -> None:
        self.bird = bird
        self._ipv6_forwarding = ipv6_forwarding or Ipv6Forwarding()
        self.resync()

    def resync(self) -> None:
        """Forget everything: the next call reads the kernel again."""
        self._rules: dict[str, Rules] = {}
        self._own: dict[str, ChainSet] = {}  # what is ours of them
        self._sets: dict[str, IpSet] | None = None
        self._done = DesiredState()

    def converge(self, desired: DesiredState, check_mode: bool = False) -> Outcome:
        """Bring the desired state about. A failure is followed by a full look in the next call."""
        try:
            return self._converge(desired, check_mode)
        except LabError:
            self.resync()
            raise

    def _converge(self, desired: DesiredState, check_mode: bool) -> Outcome:
        fresh = self._sets is None
        steps: list[Outcome] = []
        # What a rule, a route or BIRD names must be there before it, and may go only after it.
        if fresh or desired.tunnels != self._done.tunnels:
            steps.append(_converge_tunnels(desired.tunnels, check_mode))
        steps.append(self._converge_policies(desired.policies, check_mode))
        if fresh or desired.forwards_ipv6 != self._done.forwards_ipv6:  # after the rules that say what is forwarded
            steps.append(self._ipv6_forwarding.converge(desired.forwards_ipv6, check_mode))
        on_host = desired.bird_config is not None
        if fresh or on_host != (self._done.bird_config is not None):
            steps.append(converge_gateway_route(on_host, check_mode))
        if fresh or desired.ends != self._done.ends:
            steps.append(converge_ends(desired.ends, check_mode, None if fresh else self._done.ends))
        if fresh or desired.bird_config != self._done.bird_config:
            steps.append(self._converge_bird(desired.bird_config, check_mode))
        if fresh or desired.tunnels != self._done.tunnels:
            steps.append(_remove_tunnels(desired.tunnels, check_mode))
        if check_mode:
            self.resync()
        else:
            self._done = desired
        return _joined(steps, desired.warnings)

    def _converge_policies(self, policies: Sequence[Policy], check_mode: bool) -> Outcome:
        wanted_sets = [each for policy in policies for each in policy.sets]
        if self._sets is None:
            self._sets = ipsets.read() if wanted_sets or shutil.which("ipset") else {}
        sets = ipsets.plan(wanted_sets, self._sets, lambda name: bool(_OWN_SET.match(name)))
        if not check_mode:
            ipsets.restore(sets.lines)
        rules = self._converge_chains(policies, check_mode)
        if not check_mode:
            ipsets.destroy(sets.destroyed)
        before, after = _shown_sets(self._sets, wanted_sets, sets.destroyed)
        if not check_mode:
            kept = {name: each for name, each in self._sets.items() if name not in sets.destroyed}
            self._sets = {**kept, **{each.name: each for each in wanted_sets}}
        return _joined([Outcome({"sets": before}, {"sets": after}), rules], [])

    def _converge_chains(self, policies: Sequence[Policy], check_mode: bool) -> Outcome:
        wanted = {policy.chains.ip_version: policy.chains for policy in policies}
        before: list[str] = []
        after: list[str] = []
        for ip_version, program in iptables.PROGRAMS.items():
            chains = wanted.get(ip_version, ChainSet(ip_version=ip_version))
            if ip_version not in self._rules:
                readable = ip_version in wanted or shutil.which(program)
                self._rules[ip_version] = _read_rules(ip_version) if readable else {}
                self._own[ip_version] = _own_rules(self._rules[ip_version])
            current = self._rules[ip_version]
            steps = iptables.plan(chains, [self._own[ip_version]], current)
            before += [f"{ip_version} {line}" for line in iptables.shown(current, steps, wanted=False)]
            after += [f"{ip_version} {line}" for line in iptables.shown(current, steps, wanted=True)]
            if steps and not check_mode:
                iptables.restore(ip_version, steps)
                self._rules[ip_version] = steps.applied_to(current)
                self._own[ip_version] = chains
        return Outcome({"rules": before}, {"rules": after})

    def _converge_bird(self, config: str | None, check_mode: bool) -> Outcome:
        if config is None:
            return _remove_bird_routes(check_mode)
        found = self.bird.found()
        if found != config and not check_mode:
            self.bird.write(config)
            if self.bird.running():
                self.bird.reload()
        return Outcome({"bird": _without_passwords(found or "")}, {"bird": _without_passwords(config)})


def converge(desired: DesiredState, bird: Bird = DEBIAN, check_mode: bool = False) -> Outcome:
    """One full look and its changes."""
    return Dataplane(bird).converge(desired, check_mode)


def _joined(steps: Sequence[Outcome], warnings: Sequence[str]) -> Outcome:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for step in steps:
        for joined, part in ((before, step.before), (after, step.after)):
            for key, value in part.items():
                joined[key] = {**joined.get(key, {}), **value} if isinstance(value, dict) else value
    return Outcome(before, after, warnings=[*warnings, *(warning for step in steps for warning in step.warnings)])


def _read_rules(ip_version: str) -> Rules:
    """All chains; ours in our words."""
    return {
        (table, chain): [canonical(rule) for rule in rules] if chain.startswith(_OWN_CHAIN) else rules
        for (table, chain), rules in iptables.read(ip_version).items()
    }


def _own_rules(current: Rules) -> ChainSet:
    """Our chains, and the rules of other chains that lead to them."""
    chains: Rules = {}
    jumps = []
    for (table, chain), rules in current.items():
        if chain.startswith(_OWN_CHAIN):
            chains[(table, chain)] = rules
        elif not chain.startswith("cali"):
            jumps += [(table, chain, rule) for rule in rules if _TO_OWN_CHAIN.search(rule)]
    return ChainSet(chains, jumps)


def _shown_sets(
    current: dict[str, IpSet], wanted: Sequence[IpSet], destroyed: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sets that differ; of a set that only changes, the members that come and go."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for each in wanted:
        found = current.get(each.name)
        if found != each:
            before[each.name] = sorted(found.members - each.members) if found else None
            after[each.name] = sorted(each.members - (found.members if found else frozenset()))
    for name in destroyed:
        before[name], after[name] = sorted(current[name].members), None
    return before, after


def _without_passwords(config: str) -> list[str]:
    return _PASSWORD.sub(r"\1…\2", config).splitlines()


def _converge_tunnels(tunnels: Tunnels, check_mode: bool) -> Outcome:
    """The devices and their static tables. IP in IP needs the kernel's module, and is refused without it."""
    if any(link.kind == "ipip" for link in tunnels.links) and missing_link_kinds(["ipip"]):
        raise LabError(
            "the pools ask for ipip, and this host's kernel has no ipip (IP in IP) devices: "
            "set the pools' vxlan_mode instead of ipip_mode, or use a kernel with the module ipip."
        )
    # Looking for the kind has loaded its module, and the kernel has then made tunl0 by itself.
    steps = [converge_links(LinkSet(list(tunnels.links)), (), check_mode)]
    if not (check_mode and steps[0].changed):
        steps += [converge_tables(tables, (), check_mode) for tables in tunnels.tables]
    return Outcome(
        {"tunnels": [step.before for step in steps]}, {"tunnels": [step.after for step in steps]}, warnings=[]
    )


def _remove_tunnels(tunnels: Tunnels, check_mode: bool) -> Outcome:
    """Remove the devices that no pool asks for any more. tunl0 belongs to the kernel: it is reset."""
    kept = {link.name for link in tunnels.links}
    with NetlinkSocket() as netlink:
        links = read_links(netlink)
        gone = [name for name in VXLAN_DEVICES.values() if name in links and name not in kept]
        if not check_mode:
            delete_links(netlink, [links[name] for name in gone])
    idle = [IPIP_DEVICE] if IPIP_DEVICE in links and links[IPIP_DEVICE].up and IPIP_DEVICE not in kept else []
    unused = [Device(name, mtu=_IPIP_MTU_OF_THE_KERNEL, up=False, addresses=()) for name in idle]
    outcome = converge_links(LinkSet([VirtualLink(device) for device in unused]), (), check_mode)
    before = {**outcome.before["links"], **dict.fromkeys(gone, "present")}
    return Outcome({"removed_tunnels": before}, {"removed_tunnels": {**outcome.after["links"], **dict.fromkeys(gone)}})


def _remove_bird_routes(check_mode: bool) -> Outcome:
    """BIRD leaves its routes when it ends, so that a restart does no harm."""
    with NetlinkSocket() as netlink:
        routes = remove_routes_of(netlink, BIRD, check_mode)
    return Outcome({"bird_routes": routes}, {"bird_routes": []})
