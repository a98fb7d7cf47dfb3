# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a Docker Engine as they are wanted, as it has them, and the way from one to the other.

A network of ours carries its specification in a label, so that a network that anybody else made is never touched.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import quote

from .containers import GROUP_LABEL, SPECIFICATION_LABEL
from .docker_engine import Engine, EngineNotRunning, engine_is_installed
from .duplicates import duplicate_problems
from .errors import LabError, raise_if_any
from .outcome import Outcome

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_BUILT_IN = ("bridge", "host", "none", "default")


@dataclass(frozen=True)
class NetworkSpec:
    """One wanted network. The fields are the entries of the ``networks`` option of ``docker_networks``."""

    name: str
    driver: str = "bridge"
    ipam_driver: str = "default"
    subnets: list[str] = field(default_factory=list)
    ipv6: bool = False
    options: dict[str, str] = field(default_factory=dict)

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
        found = []
        if not _NAME.fullmatch(self.name) or self.name in _BUILT_IN:
            found.append(
                f"{where}: name '{self.name}' is not a name for a network: letters, digits, '_', '.' and '-', the "
                f"first a letter or digit, and none of Docker's own ({', '.join(_BUILT_IN)})"
            )
        for subnet in self.subnets:
            try:
                ipaddress.ip_network(subnet)
            except ValueError as error:
                found.append(f"{where}: subnet '{subnet}' of '{self.name}' is not a network, as 17.2.0.0/16: {error}")
        return found

    def create_body(self, group: str | None) -> dict[str, Any]:
        """The document that ``POST /networks/create`` takes."""
        labels = {SPECIFICATION_LABEL: json.dumps(self.specification(), sort_keys=True)}
        if group is not None:
            labels[GROUP_LABEL] = group
        return {
            "Name": self.name,
            "CheckDuplicate": True,  # Engines before 25 have networks of one name otherwise
            "Driver": self.driver,
            "IPAM": {"Driver": self.ipam_driver, "Config": [{"Subnet": subnet} for subnet in self.subnets]},
            "EnableIPv6": self.ipv6,
            "Options": self.options,
            "Labels": labels,
        }


def converge_networks(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module docker_networks."""
    present, group = params["state"] == "present", params["group"]
    wanted = [NetworkSpec.from_options(entry) for entry in params["networks"]]
    problems = duplicate_problems("networks", [spec.name for spec in wanted])
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
    concerned = {name for name, network in ours.items() if group and network["Labels"].get(GROUP_LABEL) == group}
    concerned |= {spec.name for spec in wanted}
    before = {name: _specification(ours[name]) for name in concerned if name in ours}
    after = {spec.name: spec.specification() for spec in wanted} if present else {}
    surplus = [name for name in before if before[name] != after.get(name)]
    if not check_mode:
        _remove(engine, [ours[name] for name in surplus])
        for spec in wanted if present else []:
            if before.get(spec.name) != after[spec.name]:
                engine.post("/networks/create", spec.create_body(group))
    return Outcome(dict(sorted(before.items())), dict(sorted(after.items())))


def _specification(network: dict[str, Any]) -> dict[str, Any] | None:
    """What a network of ours was made from; None for a network that anybody else made."""
    text = (network.get("Labels") or {}).get(SPECIFICATION_LABEL)
    return json.loads(text) if text else None


def _foreign_problems(wanted: Sequence[NetworkSpec], stored: dict[str, dict[str, Any]]) -> list[str]:
    """Networks that somebody else made under a wanted name."""
    return [
        f"network '{spec.name}' exists already and was not made by this collection: it is left alone. "
        f"Remove it ('docker network rm {spec.name}'), or choose another name"
        for spec in wanted
        if spec.name in stored and _specification(stored[spec.name]) is None
    ]


def _remove(engine: Engine, networks: Sequence[dict[str, Any]]) -> None:
    """Remove networks, after the containers of ours that are on them; those of others keep a network alive."""
    removable, problems = [], []
    for network in networks:
        filters = json.dumps({"network": [network["Id"]]})
        for container in engine.get("/containers/json", all="1", filters=filters):
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
        engine.delete(f"/networks/{quote(network['Id'])}")
