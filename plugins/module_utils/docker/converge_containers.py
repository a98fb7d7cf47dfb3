# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads containers from a Docker Engine, and carries out the plans of ``containers`` there, several at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote

from ..errors import LabError, raise_if_any
from ..outcome import Outcome
from ..validation import duplicate_problems
from .container_links import ContainerPlace
from .containers import (
    GROUP_LABEL,
    Change,
    ContainerSpec,
    FoundContainer,
    Plan,
    foreign_problems,
    plan_absent,
    plan_present,
)
from .engine import Engine, EngineNotRunning, engine_is_installed

CONCURRENT_OPERATIONS = 8  # the engine itself starts containers in parallel; more gains nothing on small machines
START_SECONDS = 600
"""How long a start may take, whose networks Docker asks: it sets them no limit, and takes back what is given up here.
One of Kuryr takes two minutes on an emulated processor."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def converge_present(engine: Engine, entries: Sequence[dict[str, Any]], group: str | None, check: bool) -> Outcome:
    """Make the listed containers run, and remove those of the group that are not listed."""
    wanted = [ContainerSpec.from_options(entry) for entry in entries]
    names = [spec.name for spec in wanted]
    problems = duplicate_problems("containers", names)
    for index, spec in enumerate(wanted):
        problems += spec.problems(f"containers: entry {index}")
    raise_if_any(problems)
    try:
        found = _read(engine, names, group)
        raise_if_any(foreign_problems(names, found, group))
        image_ids = _image_ids(engine, wanted)
    except EngineNotRunning as error:
        if not check:
            raise
        plan = plan_present(wanted, {}, {spec.image: None for spec in wanted}, [])
        return Outcome(plan.before, plan.after, {"containers": {}}, [f"Predicted without an engine. {error}"])
    warnings = []
    for spec in wanted:
        if image_ids[spec.image] is None:
            message = (
                f"Container '{spec.name}' needs image '{spec.image}', which the Docker Engine on {os.uname().nodename} "
                "does not have: build it first (container_network.lab.busybox_image builds the workloads' one), "
                f"or 'docker pull {spec.image}'."
            )
            if not check:
                raise LabError(message)
            warnings.append(message)
    surplus = [c for c in found.values() if c.name not in names and c.ours and c.group == group]
    plan = plan_present(wanted, found, image_ids, surplus if group is not None else [])
    if not check:
        found = _carry_out(engine, plan, found, names, group)
    facts = {name: found[name].facts() for name in names if name in found}
    return Outcome(plan.before, plan.after, {"containers": facts}, warnings)


def converge_absent(engine: Engine, names: Sequence[str], group: str | None, whole_group: bool, check: bool) -> Outcome:
    """Remove the listed containers, or all of the group, with their anonymous volumes."""
    raise_if_any(duplicate_problems("containers", names))
    try:
        found = _read(engine, names, group if whole_group else None)
    except EngineNotRunning as error:
        if not check and engine_is_installed():
            raise
        return Outcome({}, {}, {"containers": {}}, [f"There is nothing to look at. {error}"] if check else [])
    raise_if_any(foreign_problems(names, found, group))
    plan = plan_absent(c for c in found.values() if c.ours and c.group == group)
    if not check:
        _carry_out(engine, plan, found, [], group)
    return Outcome(plan.before, plan.after, {"containers": {}})


def concurrently(function: Callable[[_Item], _Answer], items: Iterable[_Item]) -> list[_Answer]:
    """The function's answer for each item, in order. All run to their end; then all failures are reported together."""
    with ThreadPoolExecutor(max_workers=CONCURRENT_OPERATIONS) as pool:
        futures = [pool.submit(function, item) for item in items]
    failures = [str(future.exception()) for future in futures if isinstance(future.exception(), LabError)]
    if failures:
        raise LabError("\n".join(failures))
    return [future.result() for future in futures]


def list_containers(engine: Engine, **filters: list[str]) -> list[dict[str, Any]]:
    """All containers, running or not, in the short form of ``GET /containers/json``."""
    return engine.get("/containers/json", all="1", filters=json.dumps(filters))


def inspect_containers(engine: Engine, ids: Iterable[str]) -> list[dict[str, Any]]:
    """The long form of containers; those that disappeared meanwhile are left out."""
    documents = concurrently(lambda identifier: engine.find(f"/containers/{identifier}/json"), ids)
    return [document for document in documents if document is not None]


def running_places(engine: Engine, names: Sequence[str]) -> list[ContainerPlace]:
    """The running containers with these names, or all that run, sorted by name; LabError if a named one does not."""
    listed = list_containers(engine)
    running = {entry["Names"][0].lstrip("/"): entry["Id"] for entry in listed if entry["State"] == "running"}
    missing = [name for name in names if name not in running]
    if missing:
        raise LabError(
            f"On {os.uname().nodename}, these containers do not exist or do not run: {', '.join(missing)}; "
            f"running ones are: {', '.join(sorted(running)) or 'none'}."
        )
    documents = inspect_containers(engine, [running[name] for name in sorted(set(names) or running)])
    return [ContainerPlace.of(document) for document in documents if document["State"]["Running"]]


def _read(engine: Engine, names: Iterable[str], group: str | None) -> dict[str, FoundContainer]:
    """The containers with these names and those of the group, by name."""
    concerned = {f"/{name}" for name in names}
    listed = list_containers(engine)
    ids = [
        entry["Id"]
        for entry in listed
        if concerned.intersection(entry["Names"])
        or (group is not None and (entry["Labels"] or {}).get(GROUP_LABEL) == group)
    ]
    containers = [FoundContainer.from_inspect(document) for document in inspect_containers(engine, ids)]
    return {container.name: container for container in containers}


def _image_ids(engine: Engine, wanted: Iterable[ContainerSpec]) -> dict[str, str | None]:
    images = {spec.image: engine.find(f"/images/{quote(spec.image)}/json") for spec in wanted}
    return {name: image["Id"] if image is not None else None for name, image in images.items()}


def _carry_out(
    engine: Engine, plan: Plan, found: dict[str, FoundContainer], names: Sequence[str], group: str | None
) -> dict[str, FoundContainer]:
    """Apply the plan and return the named containers as they are then."""
    if not plan.changes:
        return found
    concurrently(lambda change: _apply(engine, change, group), plan.changes)
    return _read(engine, names, None)


def _apply(engine: Engine, change: Change, group: str | None) -> None:
    try:
        if change.remove is not None:
            engine.delete(f"/containers/{change.remove.id}", force="1", v="1")
        if change.create is not None:
            engine.post("/containers/create", change.create.create_body(group), name=change.name)
        if change.unpause:
            engine.post(f"/containers/{change.name}/unpause")
        if change.restart_policy is not None:
            engine.post(f"/containers/{change.name}/update", {"RestartPolicy": {"Name": change.restart_policy}})
        if change.start or change.create is not None:
            engine.post(f"/containers/{change.name}/start")
    except LabError as error:
        raise LabError(f"Container '{change.name}': {error}") from error
