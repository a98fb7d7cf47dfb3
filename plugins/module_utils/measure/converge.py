# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module network_measurement does: it serves, measures and ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..docker.engine import Engine, container_pid
from ..errors import LabError, raise_if_any
from ..outcome import Outcome, observed
from . import containers, throughput, wire
from .echoes import full_size_passes, packet, round_trips
from .processors import ProcessorMeter, boot_id

SMALLEST_MTU, LARGEST_MTU = 576, 65535  # RFC 791: what every host takes; an IPv4 packet
_SETTLING_SECONDS = 1.0


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module network_measurement."""
    _refuse_wrong_numbers(params)
    if check_mode:
        return observed({})
    if params["state"] == "checked":
        throughput.require_program()
        return observed({})
    if params["state"] == "served":
        namespaces = {"host": None, "container": _netns(params["end"]["container"])}
        servers = {name: throughput.serve(netns) for name, netns in namespaces.items()}
        return observed({"servers": {name: asdict(each) for name, each in servers.items()}, "boot_id": boot_id()})
    if params["state"] == "ended":
        throughput.end(params["pids"])
        return observed({})
    return observed({"measured": _Measurement(params).document()})


def _refuse_wrong_numbers(params: Mapping[str, Any]) -> None:
    problems = [
        f"{name}: {params[name]} must be from 1 to {most}"
        for name, most in (("runs", 100), ("seconds", 60), ("echoes", 10000))
        if not 1 <= params[name] <= most
    ]
    if not SMALLEST_MTU <= params["mtu"] <= LARGEST_MTU:
        problems.append(f"mtu: {params['mtu']} must be from {SMALLEST_MTU} to {LARGEST_MTU} bytes")
    raise_if_any(problems)


def _netns(container: str) -> str:
    return f"/proc/{container_pid(container)}/ns/net"


class _Measurement:
    """From the containers and the host here to those of other hosts; each beside the other, in turns."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self._own = params["end"]
        self._netns = _netns(self._own["container"])
        self._engine = Engine()
        shared = any(peer["boot_id"] == boot_id() for peer in params["peers"])
        self._meter = ProcessorMeter(shared).settled(_SETTLING_SECONDS)

    def document(self) -> dict[str, Any]:
        """All that was measured."""
        peers = [self._peer(peer) for peer in self._params["peers"]]
        first = self._params["peers"][0]
        image, network, address = self._own["image"], self._own["network"], first["address"]
        containers.seconds_to_start(self._engine, image)  # the first one reads from the disk what others find in memory
        starts = [
            {
                "answer": containers.seconds_to_answer(self._engine, image, network, address),
                "bare": containers.seconds_to_start(self._engine, image),
            }
            for _run in range(self._params["runs"])
        ]
        return {
            "from": self._own["host"],
            "shared_kernel": self._meter.shared_kernel,
            "mtu": self._own["mtu"],
            "underlay_mtu": self._own["underlay_mtu"],
            "equal_mtu": self._params["mtu"],
            "peers": peers,
            "starts": starts,
            "isolation": containers.isolation(self._engine, image, network, address),
            "names": containers.finds_name(self._engine, self._own["container"], first["container"]),
        }

    def _peer(self, peer: Mapping[str, Any]) -> dict[str, Any]:
        echoes: dict[str, list[float]] = {"host": [], "container": []}
        for _run in range(self._params["runs"]):
            count = max(1, self._params["echoes"] // self._params["runs"])
            echoes["host"] += round_trips(None, peer["underlay"], count)
            echoes["container"] += round_trips(self._netns, peer["address"], count)
        reached = bool(echoes["container"])
        sizes = {"default": None} if peer["across"] else {"default": None, "equal": self._params["mtu"]}
        device, underlay = self._own["underlay_device"], peer["underlay"]
        return {
            "to": peer["host"],
            "across": peer["across"],
            "reached": reached,
            "latency": echoes,
            "wire": wire.watch(self._netns, packet(peer["address"]), device, underlay) if reached else None,
            "full_size": full_size_passes(self._netns, peer["address"], self._own["mtu"]) if reached else None,
            "throughput": {name: self._runs(peer, mtu, reached) for name, mtu in sizes.items()},
        }

    def _runs(self, peer: Mapping[str, Any], mtu: int | None, reached: bool) -> dict[str, Any]:
        """Runs between the hosts and between the containers in turns; what failed is said in words."""
        ways = {"host": throughput.Way(None, peer["underlay"], peer["ports"]["host"])}
        if reached:
            ways["container"] = throughput.Way(self._netns, peer["address"], peer["ports"]["container"])
        found: dict[str, Any] = {"host": [], "container": [], "problem": ""}
        try:
            for _run in range(self._params["runs"]):
                for name, way in ways.items():
                    found[name].append(throughput.there_and_back(way, self._params["seconds"], mtu, self._meter))
        except LabError as error:
            found["problem"] = str(error)
        return found
