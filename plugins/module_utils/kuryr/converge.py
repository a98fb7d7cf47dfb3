# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of Neutron's networks do: read, plan, apply."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import LabError, raise_if_any
from ..outcome import Outcome, observed
from .config import NetworkSpec, parsed_networks
from .constants import AGENT, CONTAINER_OWNER
from .neutron import neutron_of
from .security_groups import parsed_groups, plan_groups
from .snapshot import Agent, NeutronNetwork, Port
from .store import NeutronStore

_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Plan:
    """What has to be done, and how things look before and after it."""

    make: tuple[tuple[NetworkSpec, NeutronNetwork | None], ...]
    remove: tuple[NeutronNetwork, ...]
    ports: tuple[Port, ...]
    agents: tuple[Agent, ...]
    before: dict[str, Any]
    after: dict[str, Any]


def plan(
    wanted: Sequence[NetworkSpec],
    networks: Sequence[NeutronNetwork],
    ports: Sequence[Port],
    agents: Sequence[Agent],
    hosts: Sequence[str] | None,
    remove_others: bool,
    keep_used: bool = False,
) -> Plan:
    """The way to the wanted networks. Pure.

    Of our networks that are not wanted, those are removed that ``remove_others`` says; with ``hosts``, what other hosts
    have in Neutron goes, but for those whose agent is alive: they are hosts of somebody else's.
    """
    ours = {network.name: network for network in networks if network.is_ours}
    specs = {spec.name: spec for spec in wanted}
    found = {name: network.specification() if network.pool_tagged else None for name, network in ours.items()}
    differing = [name for name, spec in specs.items() if name in ours and found[name] != spec.specification()]
    # What is not whole is completed; what is otherwise is made anew.
    changed = [name for name in differing if ours[name].specification() not in (None, specs[name].specification())]
    surplus = [name for name in ours if name not in specs and remove_others]
    if keep_used:
        used = {port.network for port in ports if port.host}
        surplus = [name for name in surplus if ours[name].id not in used]
    make = [
        (spec, None if name in changed else ours.get(name))
        for name, spec in specs.items()
        if name not in ours or name in differing
    ]
    staying = None if hosts is None else {*hosts, *(agent.host for agent in agents if agent.alive)}
    left_ports = [port for port in ports if staying is not None and port.host and port.host not in staying]
    left_agents = [agent for agent in agents if staying is not None and agent.host not in staying]
    kept = {name: found[name] for name in ours if name not in surplus}
    others = sorted({one.host for one in [*left_ports, *left_agents]})
    return Plan(
        tuple(make),
        tuple(ours[name] for name in (*surplus, *changed)),
        tuple(left_ports),
        tuple(left_agents),
        {"networks": dict(sorted(found.items())), "hosts_that_left": others},
        {
            "networks": dict(sorted({**kept, **{name: spec.specification() for name, spec in specs.items()}}.items())),
            "hosts_that_left": [],
        },
    )


@dataclass(frozen=True)
class Departure:
    """What a host has in Neutron that leaves, and networks whose tag its Kuryr took away from all hosts."""

    ports: tuple[Port, ...]
    agents: tuple[Agent, ...]
    untagged: tuple[NeutronNetwork, ...]
    before: dict[str, Any]
    after: dict[str, Any]


def plan_departure(
    host: str, networks: Sequence[NeutronNetwork], ports: Sequence[Port], agents: Sequence[Agent]
) -> Departure:
    """How a host leaves, by the name by which Neutron knows it. Of ports, those of containers go. Pure."""
    left_ports = tuple(port for port in ports if port.host == host and port.owner == CONTAINER_OWNER)
    left_agents = tuple(agent for agent in agents if agent.host == host)
    untagged = tuple(network for network in networks if network.is_ours and network.pool and not network.pool_tagged)
    return Departure(
        left_ports,
        left_agents,
        untagged,
        {
            "ports": sorted(port.address for port in left_ports),
            "agents": [agent.host for agent in left_agents],
            "networks_without_tag": sorted(network.name for network in untagged),
        },
        {"ports": [], "agents": [], "networks_without_tag": []},
    )


def foreign_problems(wanted: Sequence[NetworkSpec], networks: Sequence[NeutronNetwork]) -> list[str]:
    """Wanted networks of whose name or subnet Neutron has one that somebody else made. Pure."""
    found = []
    for spec in wanted:
        for network in networks:
            if network.is_ours:
                continue
            if network.name == spec.name:
                found.append(
                    f"Neutron has a network '{spec.name}' already, which this collection did not make: it is left "
                    f"alone. Remove it ('openstack network delete {network.id}'), or choose another name in "
                    "kuryr_networks"
                )
            elif network.subnet and network.subnet["cidr"] == str(spec.subnet):
                found.append(
                    f"Neutron's network '{network.name}', which this collection did not make, has the subnet "
                    f"{spec.subnet} of '{spec.name}', and Kuryr tells networks apart by their subnets: remove it "
                    f"('openstack network delete {network.id}'), or choose another subnet in kuryr_networks"
                )
    return found


def converge_networks(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The module neutron_networks."""
    problems: list[str] = []
    entries = [{key: value for key, value in entry.items() if value is not None} for entry in params["networks"]]
    wanted = parsed_networks(entries, problems)
    raise_if_any(problems)
    store = NeutronStore(neutron_of(params))
    networks, ports = store.networks(), store.ports()
    raise_if_any(foreign_problems(wanted, networks))
    agents = store.agents() if params["hosts"] is not None else []
    steps = plan(wanted, networks, ports, agents, params["hosts"], params["remove_others"], params["keep_used"])
    if not check_mode:
        store.remove_ports(steps.ports)
        store.remove_agents(steps.agents)
        for network in steps.remove:
            store.remove(network, [port for port in ports if port not in steps.ports])
        for spec, there in steps.make:
            store.make(spec, there)
    return Outcome(steps.before, steps.after)


def converge_security_groups(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The module neutron_security_groups."""
    problems: list[str] = []
    entries = [
        {**entry, "rules": [{key: value for key, value in rule.items() if value} for rule in entry["rules"]]}
        for entry in params["groups"]
    ]
    wanted = parsed_groups(entries, problems)
    raise_if_any(problems)
    store = NeutronStore(neutron_of(params))
    groups, ports = store.security_groups(), store.ports()
    own = ports if params["hosts"] is None else [port for port in ports if port.host in params["hosts"]]
    used = {group for port in ports if port not in own for group in port.security_groups}
    names = {network.id: network.name for network in store.networks()}
    by_place = {(names.get(port.network), port.address): port.id for port in own}
    members = {by_place.get((one["network"], one["address"]), ""): one["groups"] for one in params["members"]}
    steps = plan_groups(wanted, groups, own, members, used)
    if not check_mode:
        store.converge_security_groups(steps, groups)
    return Outcome(steps.before, steps.after)


def converge_host(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The module neutron_host."""
    host = params["hostname"] or socket.gethostname()
    return (
        forget_host(params, host, check_mode) if params["state"] == "absent" else await_host(params, host, check_mode)
    )


def await_host(params: Mapping[str, Any], host: str, check_mode: bool) -> Outcome:
    """Wait until Neutron hears of the host's agent; it changes nothing."""
    store = NeutronStore(neutron_of(params))
    deadline = time.monotonic() + params["timeout"]
    while not any(agent.host == host and agent.alive for agent in store.agents()):
        if check_mode or time.monotonic() > deadline:
            raise LabError(
                f"Neutron at {params['neutron_url']} has not heard of the agent on {host} within "
                f"{params['timeout']} s: see 'journalctl -u {AGENT}.service' there; it hears by RabbitMQ"
            )
        time.sleep(_LOOK_SECONDS)
    return observed({})


def forget_host(params: Mapping[str, Any], host: str, check_mode: bool) -> Outcome:
    """Take the host out of Neutron."""
    store = NeutronStore(neutron_of(params))
    networks, ports, agents = store.networks(), store.ports(), store.agents()
    steps = plan_departure(host, networks, ports, agents)
    if not check_mode:
        store.remove_ports(steps.ports)
        store.remove_agents(steps.agents)
        store.tag(steps.untagged)
    return Outcome(steps.before, steps.after)


def look(params: Mapping[str, Any], _check_mode: bool) -> Outcome:
    """The module neutron_info."""
    store = NeutronStore(neutron_of(params))
    networks = store.networks()
    names = {network.id: network.name for network in networks}
    return observed(
        {
            "networks": [
                {
                    "name": network.name,
                    "id": network.id,
                    "vni": network.vni,
                    "mtu": network.mtu,
                    "managed": network.is_ours,
                    **(network.specification() or {}),
                }
                for network in networks
            ],
            "ports": [{**asdict(port), "network": names.get(port.network, "")} for port in store.ports()],
            "security_groups": store.security_groups(),
            "agents": [asdict(agent) for agent in store.agents()],
        }
    )
