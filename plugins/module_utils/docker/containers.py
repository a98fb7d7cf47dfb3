# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers as they are wanted, as the Docker Engine has them, and the difference. Pure: no engine is asked here.

A container of ours carries its specification in a label, so a later run knows what it was made from, and a container
that it did not make is never touched.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

SPECIFICATION_LABEL = "container_network.lab.spec"
GROUP_LABEL = "container_network.lab.group"
GATEWAY_BRIDGE = "docker_gwbridge"
"""Docker's egress bridge, for containers on networks without a gateway."""
BUILT_IN_NETWORKS = ("none", "bridge")  # those of every engine; the engine gives no chosen address on them
RESTART_POLICIES = ("no", "always", "unless-stopped")

_NAME = re.compile(
    r"[a-zA-Z0-9][a-zA-Z0-9_.-]+"
)  # the engine's own rule for container names (names.RestrictedNamePattern)
_SYSTEM_PATHS_UNCONFINED = "systempaths=unconfined"


@dataclass(frozen=True)
class ContainerSpec:
    """One wanted container. The fields are the entries of the ``containers`` option of ``docker_containers``."""

    name: str
    image: str = ""
    hostname: str | None = None
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    network: str = "bridge"
    ip: str | None = None
    tty: bool = False
    interactive: bool = False
    restart_policy: str = "no"
    stop_timeout: int | None = None  # seconds
    capabilities_add: list[str] = field(default_factory=list)
    capabilities_drop: list[str] = field(default_factory=list)
    security_opts: list[str] = field(default_factory=list)
    privileged: bool = False
    cgroupns: str | None = None
    tmpfs: dict[str, str] = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)
    sysctls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> ContainerSpec:
        """From one entry of the option; what is not given has its default."""
        given = {f.name: options[f.name] for f in fields(cls) if options.get(f.name) is not None}
        # YAML makes numbers of values such as 1; the engine takes text only.
        texts = {
            name: {key: str(text) for key, text in value.items()}
            for name, value in given.items()
            if isinstance(value, dict)
        }
        return cls(**{**given, **texts})

    def fixed(self) -> dict[str, Any]:
        """What only a new container can change: all that differs from a default, except name and restart policy."""
        changeable = ("name", "restart_policy")
        always = {"image": self.image, "network": self.network}
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in changeable}
        return {**always, **{name: value for name, value in given.items() if value not in (None, False, [], {})}}

    def problems(self, where: str) -> list[str]:
        """Everything wrong with it, each problem beginning with ``where``."""
        found = []
        if not _NAME.fullmatch(self.name):
            found.append(
                f"{where}: name '{self.name}' is not a container name: at least two letters, digits, '_', '.' or '-', "
                "the first a letter or digit"
            )
        if not self.image:
            found.append(f"{where}: image of '{self.name}' is missing: name the image to run")
        if self.ip is not None:
            found += self._address_problems(where)
        if self.stop_timeout is not None and self.stop_timeout < 1:
            found.append(f"{where}: stop_timeout {self.stop_timeout} of '{self.name}' must be at least 1 second")
        for path in self.tmpfs:
            if not path.startswith("/"):
                found.append(f"{where}: tmpfs '{path}' of '{self.name}' must be an absolute path in the container")
        for volume in self.volumes:
            if not volume.split(":")[-1 if volume.count(":") == 0 else 1].startswith("/"):
                found.append(
                    f"{where}: volume '{volume}' of '{self.name}' must be "
                    "'/path' (anonymous) or 'source:/path[:options]'"
                )
        return found

    def _address_problems(self, where: str) -> list[str]:
        try:
            ipaddress.IPv4Address(self.ip)
        except ValueError:
            return [f"{where}: ip '{self.ip}' of '{self.name}' is not an IPv4 address: write it as 197.19.38.136"]
        if self.network in BUILT_IN_NETWORKS:
            return [
                f"{where}: ip '{self.ip}' of '{self.name}' cannot be chosen on network '{self.network}': "
                "the Docker Engine gives a chosen address only on networks that 'docker network create' made"
            ]
        return []

    def create_body(self, group: str | None) -> dict[str, Any]:
        """The document that ``POST /containers/create`` takes."""
        labels = {**self.labels, SPECIFICATION_LABEL: json.dumps(self.fixed(), sort_keys=True)}
        if group is not None:
            labels[GROUP_LABEL] = group
        host: dict[str, Any] = {
            "NetworkMode": self.network,
            "RestartPolicy": {"Name": self.restart_policy},
            "CapAdd": self.capabilities_add,
            "CapDrop": self.capabilities_drop,
            "SecurityOpt": [option for option in self.security_opts if option != _SYSTEM_PATHS_UNCONFINED],
            "Privileged": self.privileged,
            "Tmpfs": self.tmpfs,
            "Binds": [volume for volume in self.volumes if ":" in volume],
            "Sysctls": self.sysctls,
        }
        if self.cgroupns is not None:
            host["CgroupnsMode"] = self.cgroupns
        if _SYSTEM_PATHS_UNCONFINED in self.security_opts:
            # The docker program resolves this option itself; the engine knows only the lists behind it.
            host["MaskedPaths"] = host["ReadonlyPaths"] = []
        body: dict[str, Any] = {
            "Image": self.image,
            "Env": [f"{name}={value}" for name, value in sorted(self.env.items())],
            "Labels": labels,
            "Tty": self.tty,
            "OpenStdin": self.interactive,
            "Volumes": {volume: {} for volume in self.volumes if ":" not in volume},
            "HostConfig": host,
        }
        if self.hostname is not None:
            body["Hostname"] = self.hostname
        if self.stop_timeout is not None:
            body["StopTimeout"] = self.stop_timeout
        if self.command:
            body["Cmd"] = self.command
        if self.ip is not None:
            body["NetworkingConfig"] = {"EndpointsConfig": {self.network: {"IPAMConfig": {"IPv4Address": self.ip}}}}
        return body


@dataclass(frozen=True)
class FoundContainer:
    """One container as the engine has it."""

    id: str
    name: str
    image_id: str
    status: str  # created, running, paused, restarting, exited, dead
    pid: int  # 0 when it does not run
    ours: bool
    group: str | None
    fixed: dict[str, Any]  # the specification it was made from, see ContainerSpec.fixed
    restart_policy: str
    addresses: dict[str, str]  # IPv4 address by network; empty while it does not run

    @classmethod
    def from_inspect(cls, document: dict[str, Any]) -> FoundContainer:
        """From the answer to ``GET /containers/{id}/json``."""
        labels = document["Config"]["Labels"] or {}
        networks = document["NetworkSettings"]["Networks"] or {}
        return cls(
            id=document["Id"],
            name=document["Name"].lstrip("/"),
            image_id=document["Image"],
            status=document["State"]["Status"],
            pid=document["State"]["Pid"],
            ours=SPECIFICATION_LABEL in labels,
            group=labels.get(GROUP_LABEL),
            fixed=_decoded(labels.get(SPECIFICATION_LABEL, "")),
            restart_policy=document["HostConfig"]["RestartPolicy"]["Name"] or "no",
            addresses={name: network["IPAddress"] for name, network in networks.items()},
        )

    def state(self) -> dict[str, Any]:
        """What of it the module converges, as plain data."""
        # A container that the engine is restarting right now is one that it keeps running.
        status = "running" if self.status == "restarting" else self.status
        return {**self.fixed, **_state(status, self.image_id, self.restart_policy, sorted(self.addresses))}

    def facts(self) -> dict[str, Any]:
        """What the module returns of it."""
        return {"id": self.id, "pid": self.pid, "status": self.status, "addresses": self.addresses}


def _decoded(label: str) -> dict[str, Any]:
    try:
        decoded = json.loads(label)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _state(status: str, image_id: str | None, restart_policy: str, networks: list[str]) -> dict[str, Any]:
    return {"status": status, "image_id": image_id, "restart_policy": restart_policy, "networks": networks}


@dataclass(frozen=True)
class Change:
    """What to do with one container. ``remove`` and ``create`` together replace it."""

    name: str
    remove: FoundContainer | None = None
    create: ContainerSpec | None = None
    start: bool = False
    unpause: bool = False
    restart_policy: str | None = None  # the policy to set on the container that stays


@dataclass(frozen=True)
class Plan:
    """All changes, and the states of the containers concerned before and after them."""

    changes: list[Change]
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]


def foreign_problems(names: Iterable[str], found: dict[str, FoundContainer], group: str | None) -> list[str]:
    """One problem for each named container that exists and is not ours to change."""
    problems = []
    for name in names:
        container = found.get(name)
        if container is None:
            continue
        if not container.ours:
            problems.append(foreign_container_problem(name))
        elif container.group != group:
            problems.append(
                f"Container '{name}' exists and belongs to {_group_text(container.group)}, "
                f"not to {_group_text(group)}: "
                "remove it there first, or choose another name."
            )
    return problems


def foreign_container_problem(name: str) -> str:
    """What is said where somebody else has a container of a name."""
    return (
        f"Container '{name}' exists and was not made by container_network.lab, so it is left alone: "
        f"remove it ('docker rm --force {name}') or choose another name."
    )


def _group_text(group: str | None) -> str:
    return f"group '{group}'" if group is not None else "no group"


def plan_present(
    wanted: Iterable[ContainerSpec],
    found: dict[str, FoundContainer],
    image_ids: dict[str, str | None],
    surplus: Iterable[FoundContainer],
) -> Plan:
    """Containers that must be made, replaced, started or adjusted, and ``surplus`` ones that must go.

    ``image_ids`` holds the id behind each image name, None when there is no such image (yet).
    """
    plan = plan_absent(surplus)
    for spec in wanted:
        container = found.get(spec.name)
        image_id = image_ids[spec.image]
        target = {**spec.fixed(), **_state("running", image_id, spec.restart_policy, [spec.network])}
        if container is None:
            plan.changes.append(Change(spec.name, create=spec))
            plan.after[spec.name] = target
            continue
        plan.before[spec.name] = container.state()
        if _must_be_replaced(spec, container, image_id):
            plan.changes.append(Change(spec.name, remove=container, create=spec))
            plan.after[spec.name] = target
            continue
        plan.after[spec.name] = {
            **container.state(),
            "status": "running",
            "restart_policy": spec.restart_policy,
        }
        paused = container.status == "paused"
        change = Change(
            spec.name,
            start=not paused and container.status not in ("running", "restarting"),
            unpause=paused,
            restart_policy=spec.restart_policy if spec.restart_policy != container.restart_policy else None,
        )
        if change != Change(spec.name):
            plan.changes.append(change)
    return plan


def plan_absent(found: Iterable[FoundContainer]) -> Plan:
    """Removal of containers that are ours."""
    containers = sorted(found, key=lambda container: container.name)
    return Plan(
        changes=[Change(container.name, remove=container) for container in containers],
        before={container.name: container.state() for container in containers},
        after={},
    )


def _must_be_replaced(spec: ContainerSpec, container: FoundContainer, image_id: str | None) -> bool:
    """Whether no command of the engine leads from the container to the specification.

    A container whose network was taken away is replaced too: a reconnected one would have another interface name.
    """
    return (
        container.fixed != spec.fixed()
        or (image_id is not None and container.image_id != image_id)
        or container.status == "dead"
        or spec.network not in container.addresses
    )
