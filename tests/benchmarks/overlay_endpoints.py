# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of an overlay over etcd with a thousand containers, and beside a thousand of other hosts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.overlay.dataplane import Dataplane, plan_host
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import OverlayEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.overlay.namespace import OverlayNamespace
from ansible_collections.container_network.lab.plugins.module_utils.overlay.networks import AgreedNetwork
from ansible_collections.container_network.lab.plugins.module_utils.overlay.snapshot import Snapshot

from .measuring import median_ms, namespaces, seconds, table

REMOTE = OWN = 1000
SAMPLES = 20
ROUNDS = 5
SUBNET = IPv4Network("10.20.0.0/16")
NETWORK = AgreedNetwork("overlay", SUBNET, SUBNET[1], 256, 1450, nodes=("node-1", "node-2"))
IDS = {"overlay": "892b4d4ba3b70d45"}


def measure() -> str:
    """What one more container costs, and how long a host takes to follow the others."""
    return f"{_own_containers()}\n\n{_remote_containers()}"


def _own_containers() -> str:
    """Containers come and go beside few and beside many; their ends stay on the host, which makes no difference."""
    endpoints = [_endpoint(number, "node-1", "192.168.1.68") for number in range(2, OWN + SAMPLES + 2)]
    with tempfile.TemporaryDirectory() as folder, namespaces(1) as hosts, inside(hosts[0]):
        namespace = OverlayNamespace.of("overlay", IDS["overlay"], Path(folder))
        namespace.ensure(NETWORK)

        def attach(one: OverlayEndpoint) -> float:
            return seconds(lambda: namespace.attach(one, NETWORK.mtu))

        attached = [attach(one) for one in endpoints]
        detached = [seconds(lambda one=one: namespace.detach(one.endpoint_id)) for one in endpoints[-SAMPLES:]]
        namespace.remove()
    rows = [
        ["attach: the first containers", f"{median_ms(attached[:SAMPLES]):.2f}"],
        [f"attach: one more beside {OWN}", f"{median_ms(attached[-SAMPLES:]):.2f}"],
        [f"detach: one of {OWN}", f"{median_ms(detached):.2f}"],
    ]
    return table(f"{OWN} containers of one overlay on one host: median ms.", ["what", "ms"], rows)


def _remote_containers() -> str:
    """From the datastore's documents to the kernel's tables, all and one more."""
    own = _endpoint(2, "node-1", "192.168.1.68")
    remote = [_endpoint(number, "node-2", "192.168.1.254") for number in range(3, REMOTE + 4)]
    few, more = _documents(own, remote[:-1]), _documents(own, remote)
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, namespaces(1) as hosts, inside(hosts[0]):
        for _round in range(ROUNDS):
            plane = Dataplane(Path(folder))
            for what, documents in (
                (f"{REMOTE} remote containers, and the namespace", few),
                ("one more", more),
                ("one less", few),
            ):
                took = seconds(lambda documents=documents, plane=plane: _follow(plane, documents))
                times.setdefault(what, []).append(took)
            plane.resync()
            took = seconds(lambda plane=plane: _follow(plane, few))
            times.setdefault("a full look, nothing to change", []).append(took)
            plane.converge({})
    return table(
        f"A host of an overlay with {REMOTE} remote containers, from etcd's documents to the kernel's tables.",
        ["what", "ms"],
        [[what, f"{median_ms(measured):.1f}"] for what, measured in times.items()],
    )


def _endpoint(number: int, node: str, vtep: str) -> OverlayEndpoint:
    endpoint_id = f"{number:08x}{0:056x}"  # what is unique comes first, as with Docker's
    return OverlayEndpoint.of_address("overlay", endpoint_id, node, vtep, f"{SUBNET[number]}/16")


def _documents(own: OverlayEndpoint, remote: Sequence[OverlayEndpoint]) -> dict[str, str]:
    return {NETWORK.key: NETWORK.text(), **{one.key: one.text() for one in (own, *remote)}}


def _follow(plane: Dataplane, documents: dict[str, str]) -> None:
    plane.converge(plan_host("node-1", Snapshot.from_items(documents), IDS))
