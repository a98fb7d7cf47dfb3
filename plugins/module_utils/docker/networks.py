# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a Docker Engine as they are wanted, as it has them, and the way from one to the other.

A network of ours carries its specification in a label, so that a foreign network is never touched.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Union
from urllib.parse import quote

from ..errors import LabError, raise_if_any
from ..outcome import Outcome
from ..validation import duplicate_problems, removal_problems
from .containers import GROUP_LABEL, SPECIFICATION_LABEL
from .engine import Engine, EngineError, EngineNotRunning, engine_is_installed

RESERVED_NAMES = ("bridge", "host", "none", "default")
"""Of networks of Docker's own, and what commands take for one of these."""
_NAME_IN_SWARM = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?")
"""validateAnnotations in moby/swarmkit, manager/controlapi/common.go."""
OVERLAY = "overlay"  # the driver of swarm's networks
ALLOCATION_SECONDS = 10.0
"""How long a swarm may take to allocate a network: it does so within a second, or it cannot."""
_PAUSE = 0.1  # seconds between two looks

AnyNetwork = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True)
class NetworkSpec:
    """One wanted network. The fields are the entries of the ``networks`` option of ``docker_networks``."""

    name: str
    driver: str = "bridge"
    ipam_driver: str = "default"
    subnets: list[str] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    ip_ranges: list[str] = field(default_factory=list)
    ipv6: bool = False
    attachable: bool = False
    internal: bool = False
    options: dict[str, str] = field(default_factory=dict)

    @property
    def of_swarm(self) -> bool:
        """Whether the network is one of a swarm, which its managers make and allocate."""
        return self.driver == OVERLAY

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> NetworkSpec:
        """From one entry of the option; what is not given has its default."""
        given = {f.name: options[f.name] for f in fields(cls) if options.get(f.name) is not None}
        texts = {name: str(text) for name, text in given.get("options", {}).items()}
        return cls(**{**given, "options": texts})

    def specification(self) -> dict[str, Any]:
        """All that makes the network what it is, but its name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "name"}

    def problems(self, where: str) -> list[str]:
        """Everything wrong with it, each problem beginning with ``where``."""
        found = name_problems(where, self.name, self.of_swarm)
        subnets = []
        for subnet in self.subnets:
            try:
                subnets.append(ipaddress.ip_network(subnet))
            except ValueError as error:
                found.append(f"{where}: subnet '{subnet}' of '{self.name}' is not a network, as 17.2.0.0/16: {error}")
        return found + self._inner_problems(subnets, where)

    def _inner_problems(self, subnets: Sequence[AnyNetwork], where: str) -> list[str]:
        """What is wrong with gateways and ranges, each of which must be inside of a subnet."""
        found = []
        for option, texts in (("gateway", self.gateways), ("ip_range", self.ip_ranges)):
            for text in texts:
                try:
                    inner = ipaddress.ip_network(text)
                except ValueError as error:
                    found.append(f"{where}: {option} '{text}' of '{self.name}': {error}")
                    continue
                if not any(_contains(subnet, inner) for subnet in subnets):
                    known = ", ".join(self.subnets) or "none"
                    found.append(f"{where}: {option} {text} of '{self.name}' is in none of its subnets ({known})")
        return found

    def _address_pools(self) -> list[dict[str, str]]:
        """The subnets as the engine takes them, each with the gateway and the range that are inside of it."""
        pools = []
        for text in self.subnets:
            subnet, pool = ipaddress.ip_network(text), {"Subnet": text}
            for key, inner_texts in (("Gateway", self.gateways), ("IPRange", self.ip_ranges)):
                inner = [inner for inner in inner_texts if _contains(subnet, ipaddress.ip_network(inner))]
                if inner:
                    pool[key] = inner[0]
            pools.append(pool)
        return pools

    def create_body(self, group: str | None) -> dict[str, Any]:
        """The document that ``POST /networks/create`` takes."""
        labels = {SPECIFICATION_LABEL: json.dumps(self.specification(), sort_keys=True)}
        if group is not None:
            labels[GROUP_LABEL] = group
        return {
            "Name": self.name,
            "CheckDuplicate": True,  # Engines before 25 have networks of one name otherwise
            "Driver": self.driver,
            "IPAM": {"Driver": self.ipam_driver, "Config": self._address_pools()},
            "EnableIPv6": self.ipv6,
            "Attachable": self.attachable,
            "Internal": self.internal,
            "Options": self.options,
            "Labels": labels,
        }


def name_problems(where: str, name: str, of_swarm: bool = False) -> list[str]:
    """Why a Docker network cannot have a name, beginning with ``where``; Docker itself takes nearly any."""
    if name in RESERVED_NAMES:
        return [f"{where}: name '{name}' is that of a network of Docker's own: choose another one"]
    if of_swarm and not _NAME_IN_SWARM.fullmatch(name):
        return [
            f"{where}: name '{name}' is not a name for a network of a swarm: up to 63 letters, digits, '_' and '-', "
            "the first and the last one a letter or digit"
        ]
    if not name.isprintable() or name != name.strip() or not name:
        return [
            f"{where}: name {name!r} is not a name for a network: write characters that can be printed, and no blank "
            "at its ends"
        ]
    return []


def converge_networks(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module docker_networks."""
    present, group = params["state"] == "present", params["group"]
    wanted = [NetworkSpec.from_options(entry) for entry in params["networks"]]
    problems = removal_problems(params) + duplicate_problems("networks", [spec.name for spec in wanted])
    for index, spec in enumerate(wanted):
        problems += spec.problems(f"networks: entry {index}")
    raise_if_any(problems)
    engine = Engine()
    try:
        stored = {network["Name"]: network for network in engine.get("/networks")}
    except EngineNotRunning as error:
        if not check_mode and (present or engine_is_installed()):
            raise
        after = {spec.name: spec.specification() for spec in wanted} if present else {}
        return Outcome({}, after, warnings=[f"Predicted without an engine. {error}"] if check_mode else [])
    raise_if_any(_foreign_problems(wanted, stored))
    ours = {name: network for name, network in stored.items() if _specification(network) is not None}
    concerned = {spec.name for spec in wanted}
    if group and (present or params["all"]):
        concerned |= {name for name, network in ours.items() if network["Labels"].get(GROUP_LABEL) == group}
    before = {name: _specification(ours[name]) for name in concerned if name in ours}
    after = {spec.name: spec.specification() for spec in wanted} if present else {}
    surplus = [name for name in before if before[name] != after.get(name)]
    if not check_mode:
        _remove(engine, [ours[name] for name in surplus])
        for spec in wanted if present else []:
            if before.get(spec.name) != after[spec.name]:
                _create(engine, spec, group)
    return Outcome(dict(sorted(before.items())), dict(sorted(after.items())))


def _contains(subnet: AnyNetwork, inner: AnyNetwork) -> bool:
    return inner.version == subnet.version and inner.subnet_of(subnet)


def _create(engine: Engine, spec: NetworkSpec, group: str | None) -> None:
    """Make a network. The engine accepts a swarm's network that it then cannot allocate; that one is taken back.

    A network driver may have made the same one meanwhile, because another host has it already.
    """
    try:
        identifier = engine.post("/networks/create", spec.create_body(group))["Id"]
    except EngineError as error:
        same = error.status == http.client.CONFLICT and engine.find(f"/networks/{quote(spec.name, safe='')}")
        if same and _specification(same) == spec.specification():
            return
        raise
    if not spec.of_swarm:
        return
    deadline = time.monotonic() + ALLOCATION_SECONDS
    while not is_allocated(engine.get(f"/networks/{identifier}")):
        if time.monotonic() > deadline:
            engine.delete(f"/networks/{identifier}")
            raise LabError(
                f"Network '{spec.name}': the swarm cannot allocate it, and does not say why. Its subnets "
                f"({', '.join(spec.subnets) or 'none'}) may overlap those of another network of the swarm, or its "
                "VXLAN identifier may be taken or above 16777215: see 'docker network ls' and 'docker network inspect' "
                "on a manager, and choose others."
            )
        time.sleep(_PAUSE)


def is_allocated(network: Mapping[str, Any]) -> bool:
    """Whether a swarm's network has got its subnet and its VXLAN identifier; until then it has no driver either."""
    return bool(network["Driver"])


def _specification(network: dict[str, Any]) -> dict[str, Any] | None:
    """What a network of ours was made from; None for a foreign network."""
    text = (network.get("Labels") or {}).get(SPECIFICATION_LABEL)
    if not text:
        return None
    # Half a network, which a killed run has left, is recreated.
    return json.loads(text) if is_allocated(network) else {**json.loads(text), "allocated": False}


def _foreign_problems(wanted: Sequence[NetworkSpec], stored: dict[str, dict[str, Any]]) -> list[str]:
    """Foreign networks that have a wanted name."""
    return [
        foreign_network_problem(spec.name)
        for spec in wanted
        if spec.name in stored and _specification(stored[spec.name]) is None
    ]


def foreign_network_problem(name: str) -> str:
    """What is said where somebody else has a network of a name."""
    return (
        f"network '{name}' exists already and was not made by this collection: it is left alone. "
        f"Remove it ('docker network rm {name}'), or choose another name"
    )


def containers_on(engine: Engine, network_id: str) -> list[dict[str, Any]]:
    """The host's containers on a network, running or not."""
    return engine.get("/containers/json", all="1", filters=json.dumps({"network": [network_id]}))


def _remove(engine: Engine, networks: Sequence[dict[str, Any]]) -> None:
    """Remove networks, after the containers of ours that are on them; those of others keep a network alive."""
    removable, problems = [], []
    for network in networks:
        for container in containers_on(engine, network["Id"]):
            if SPECIFICATION_LABEL in (container["Labels"] or {}):
                removable.append(container["Id"])
            else:
                name = container["Names"][0].lstrip("/")
                problems.append(
                    f"container '{name}' is on network '{network['Name']}', which has to go: remove it first"
                )
    if problems:
        raise LabError("\n".join(problems))
    for identifier in dict.fromkeys(removable):
        engine.delete(f"/containers/{identifier}", force="1", v="1")
    for network in networks:
        _delete(engine, network)


def _delete(engine: Engine, network: dict[str, Any]) -> None:
    try:
        engine.delete(f"/networks/{quote(network['Id'])}")
    except EngineError as error:
        if network["Scope"] != "swarm":
            raise
        raise LabError(
            f"Network '{network['Name']}' has to go, and the swarm refuses to remove it: {error.reason}. "
            "Remove the containers and services that use it, on all hosts of the swarm, and run again."
        ) from error
