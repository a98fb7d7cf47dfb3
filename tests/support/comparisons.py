# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements of networks, as compare.yml writes them."""

from __future__ import annotations

from typing import Any


def runs(*rates: float, processor: float = 0.5) -> list[dict[str, float]]:
    """Runs of iperf3 with these rates in both directions."""
    return [{"sent": rate, "received": rate + 1, "processor": processor} for rate in rates]


def peer(across: bool = False, **other: Any) -> dict[str, Any]:
    """What was measured to one host: containers take twice as long, and get half as much."""
    default = {"host": runs(20, 22), "container": runs(10, 11, processor=1.0), "problem": ""}
    equal = {"host": runs(8), "container": runs(6), "problem": ""}
    found = {
        "to": "node-4" if across else "node-2",
        "across": across,
        "reached": True,
        "latency": {"host": [0.1, 0.2, 0.3], "container": [0.3, 0.4, 0.9]},
        "wire": {"by": "VXLAN UDP 8472", "overhead": 50, "readable": True},
        "full_size": True,
        "throughput": {"default": default} if across else {"default": default, "equal": equal},
    }
    return {**found, **other}


def measured(*peers: dict[str, Any], **other: Any) -> dict[str, Any]:
    """What the module network_measurement returned."""
    found = {
        "from": "node-1",
        "shared_kernel": True,
        "mtu": 8951,
        "underlay_mtu": 9001,
        "equal_mtu": 1376,
        "peers": list(peers) or [peer(), peer(across=True)],
        "starts": [{"answer": 1.5, "bare": 0.5}, {"answer": 1.0, "bare": 0.5}],
        "isolation": {"isolated": True, "problem": ""},
        "names": False,
    }
    return {**found, **other}


def variant(name: str, found: dict[str, Any] | None, **other: Any) -> dict[str, Any]:
    """A document of compare.yml."""
    return {"name": name, "cni": name, "measured": found, "converge": 61.5, "problem": "", "documented": {}, **other}


def comparison() -> dict[str, Any]:
    """Two networks that were measured, and one that was not; names are such as must be written with care."""
    far = peer(across=True, reached=False, wire=None, full_size=None, latency={"host": [0.2], "container": []})
    says = {"source": "Chapter <4>", "mtu": "8951 of 9001", "subnets": "no: hosts must be in one subnet"}
    return {
        "variants": [
            variant("flannel-vxlan", measured(), documented=says),
            variant("calico & more", measured(peer(), far, isolation={"isolated": None, "problem": "a <b>"})),
            variant("kuryr", None, problem="node-1: kuryr_controller has no hosts <here>"),
        ]
    }
