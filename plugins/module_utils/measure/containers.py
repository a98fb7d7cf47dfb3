# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker does for a measurement: containers that run for a moment, a second network, a name that is looked up."""

from __future__ import annotations

import ipaddress
import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

from ..docker.engine import Engine, EngineError
from ..errors import LabError
from .echoes import first_answer

LABEL = "container_network.lab.measurement"
_COMMAND = ["sleep", "600"]
_ANSWER_SECONDS = 20.0
_SILENCE_SECONDS = 2.0  # without an answer, until two count as kept apart
_LOOKUP_SECONDS = 15.0
_MOST_SUBNETS = 256  # that are tried
_NOT_THERE = (126, 127)  # exit status of a program that cannot be run
_TRIES = 3


@contextmanager
def running(engine: Engine, image: str, network: str) -> Iterator[str]:
    """A container that has been started; what stands for its network namespace. It goes with the block."""
    body = {"Image": image, "Cmd": _COMMAND, "Labels": {LABEL: ""}, "HostConfig": {"NetworkMode": network}}
    identifier = engine.post("/containers/create", body)["Id"]
    try:
        engine.post(f"/containers/{identifier}/start")
        pid = engine.get(f"/containers/{identifier}/json")["State"]["Pid"]
        if not pid:
            raise LabError(f"A container of {image} ended at once: its image has no program 'sleep'.")
        yield f"/proc/{pid}/ns/net"
    finally:
        engine.delete(f"/containers/{identifier}", force="1", v="1")


def seconds_to_answer(engine: Engine, image: str, network: str, address: str) -> float | None:
    """From ``docker run`` until a container of another host has answered the new one; None for never."""
    begun = time.monotonic()
    with running(engine, image, network) as netns:
        answered = first_answer(netns, address, _ANSWER_SECONDS)
        return None if answered is None else time.monotonic() - begun


def seconds_to_start(engine: Engine, image: str) -> float:
    """How long a container without a network takes until it runs."""
    begun = time.monotonic()
    with running(engine, image, "none"):
        return time.monotonic() - begun


def isolation(engine: Engine, image: str, network: str, address: str) -> dict[str, Any]:
    """Whether a second network of the same driver is kept apart from the first, whose container has ``address``.

    ``isolated`` is None, and ``problem`` says why, where that cannot be known.
    """
    try:
        with _second_network(engine, network) as second, running(engine, image, second) as one:
            with running(engine, image, second) as other:
                partner = _address_in(engine, other)
                if first_answer(one, partner, _ANSWER_SECONDS) is None:
                    return _unknown("two containers of the second network do not reach each other")
            return {"isolated": first_answer(one, address, _SILENCE_SECONDS) is None, "problem": ""}
    except LabError as error:
        return _unknown(error.reason if isinstance(error, EngineError) else str(error))


def _unknown(problem: str) -> dict[str, Any]:
    return {"isolated": None, "problem": problem}


def second_network(name: str, first: Mapping[str, Any], subnet: str | None = None) -> dict[str, Any]:
    """What makes a network like the first one, as ``docker network create`` with its drivers and nothing else. Pure.

    ``subnet`` is for drivers that choose none themselves.
    """
    ipam = (first.get("IPAM") or {}).get("Driver") or "default"
    config = []
    if subnet is not None:
        config.append({"Subnet": subnet, "Gateway": str(next(ipaddress.ip_network(subnet).hosts()))})
    return {
        "Name": name,
        "Driver": first["Driver"],
        "IPAM": {"Driver": ipam, **({"Config": config} if config else {})},
        "Attachable": bool(first.get("Attachable")),
        "Labels": {LABEL: ""},
    }


def subnet_beside(first: Mapping[str, Any], taken: Iterable[str]) -> str | None:
    """The next subnet behind that of a network, of the same size, in which nothing of ``taken`` is. Pure.

    None where the network has no IPv4 subnet, or is not in a private range (RFC 1918).
    """
    subnets = [str(each.get("Subnet") or "") for each in (first.get("IPAM") or {}).get("Config") or ()]
    own = next((ipaddress.IPv4Network(each) for each in subnets if "." in each), None)
    if own is None:
        return None
    others = [ipaddress.ip_network(each, strict=False) for each in (*subnets, *taken) if "." in each]
    for number in range(1, _MOST_SUBNETS):
        following = ipaddress.IPv4Network((int(own.network_address) + number * own.num_addresses, own.prefixlen))
        if not following.is_private:
            return None
        if not any(following.overlaps(other) for other in others):
            return str(following)
    return None


@contextmanager
def _second_network(engine: Engine, network: str) -> Iterator[str]:
    name = f"measurement-{secrets.token_hex(4)}"
    first = engine.get(f"/networks/{quote(network, safe='')}")
    try:
        identifier = engine.post("/networks/create", second_network(name, first))["Id"]
    except EngineError:  # of a driver that chooses no subnet, as Kuryr's
        subnet = subnet_beside(first, _subnets(engine))
        if subnet is None:
            raise
        identifier = engine.post("/networks/create", second_network(name, first, subnet))["Id"]
    try:
        yield name
    finally:
        _remove_network(engine, identifier)


def _subnets(engine: Engine) -> list[str]:
    """Those of all networks of the Engine."""
    configs = [(one.get("IPAM") or {}).get("Config") or () for one in engine.get("/networks")]
    return [each["Subnet"] for config in configs for each in config if "Subnet" in each]


def _remove_network(engine: Engine, identifier: str) -> None:
    """A swarm lets go of the last container's endpoint some time after it has gone."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            return engine.delete(f"/networks/{identifier}")
        except EngineError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _address_in(engine: Engine, netns: str) -> str:
    """The address of a container on its network."""
    pid = int(netns.split("/")[2])
    filters = json.dumps({"label": [LABEL]})
    for listed in engine.get("/containers/json", filters=filters):
        found = engine.get(f"/containers/{listed['Id']}/json")
        if found["State"]["Pid"] == pid:
            return next(iter(found["NetworkSettings"]["Networks"].values()))["IPAddress"]
    raise LabError("A container of the second network has ended.")


def finds_name(engine: Engine, container: str, name: str) -> bool | None:
    """Whether a container reaches another by its name; None where its image has no ping.

    On a busy machine runc fails to start a program now and then, which has the exit status of one that is not there.
    So that is tried again.
    """
    for _try in range(_TRIES):
        status = _exit_status(engine, container, ["ping", "-c", "1", "-W", "2", name])
        if status not in _NOT_THERE:
            return status == 0
    return None


def _exit_status(engine: Engine, container: str, command: list[str]) -> int | None:
    """What a program in a container ends with; None if it runs on."""
    identifier = engine.post(f"/containers/{quote(container, safe='')}/exec", {"Cmd": command})["Id"]
    with suppress(EngineError):  # of a program that cannot be run, which the exit status says
        engine.post(f"/exec/{identifier}/start", {"Detach": True})
    deadline = time.monotonic() + _LOOKUP_SECONDS
    while (state := engine.get(f"/exec/{identifier}/json"))["Running"]:
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)
    return _NOT_THERE[0] if state["ExitCode"] is None else state["ExitCode"]
