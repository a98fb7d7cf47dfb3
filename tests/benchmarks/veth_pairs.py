# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attaching containers by veth pairs, against the best way to do it with ``ip -batch``."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from ansible_collections.container_network.lab.plugins.module_utils.kernel import veth
from ansible_collections.container_network.lab.plugins.module_utils.recorded.kinds import LINKS

from .measuring import median_ms, namespaces, seconds, table

CONTAINERS = 50
ROUNDS = 5
MTU = 1450


def measure() -> str:
    """Per pair: both ends with MTU, one on a bridge, the other with address and default route in its namespace."""
    attach, again, detach, first, second = [], [], [], [], []
    with namespaces(CONTAINERS + 1) as (host, *containers), TemporaryDirectory() as folder:
        bridge = {"name": "br0", "kind": "bridge", "addresses": ["10.1.0.1/16"]}
        LINKS.converge({"links": [bridge], "netns": host}, False)
        pairs = [_pair(number, host, container) for number, container in enumerate(containers)]
        scripts = [_from_the_host(Path(folder), host, containers), _from_the_containers(Path(folder), host, containers)]
        for _round in range(ROUNDS):
            attach.append(seconds(lambda: veth.converge({"pairs": pairs, "state": "present"}, False)))
            again.append(seconds(lambda: veth.converge({"pairs": pairs, "state": "present"}, False)))
            detach.append(seconds(lambda: veth.converge({"pairs": pairs, "state": "absent"}, False)))
            for script, times in zip(scripts, (first, second)):
                times.append(seconds(lambda: subprocess.run(["sh", str(script)], check=True)))  # noqa: B023
                veth.converge({"pairs": pairs, "state": "absent"}, False)
    best = min(median_ms(first), median_ms(second))
    rows = [
        ["module: attach", f"{median_ms(attach) / CONTAINERS:.2f}", f"{median_ms(attach) / best:.2f}"],
        ["module: no change", f"{median_ms(again) / CONTAINERS:.2f}", f"{median_ms(again) / best:.2f}"],
        ["module: detach", f"{median_ms(detach) / CONTAINERS:.2f}", f"{median_ms(detach) / best:.2f}"],
        ["ip -batch, pairs made on the host", f"{median_ms(first) / CONTAINERS:.2f}", f"{median_ms(first) / best:.2f}"],
        [
            "ip -batch, made in the containers",
            f"{median_ms(second) / CONTAINERS:.2f}",
            f"{median_ms(second) / best:.2f}",
        ],
    ]
    return table(
        f"Attaching {CONTAINERS} containers by veth: median ms a pair. Target: attach 0.60 of the better ip -batch.",
        ["way", "ms a pair", "ratio"],
        rows,
    )


def _pair(number: int, host: str, container: str) -> dict:
    peer = {
        "name": "eth0",
        "netns": container,
        "mtu": MTU,
        "addresses": [_address(number)],
        "routes": [{"dst": "default", "via": "10.1.0.1"}],
    }
    return {"name": f"veth{number}", "netns": host, "master": "br0", "mtu": MTU, "peer": peer}


def _address(number: int) -> str:
    return f"10.1.0.{number + 2}/16"


def _from_the_host(folder: Path, host: str, containers: list[str]) -> Path:
    """One batch makes all pairs with their ends in place; then one batch a container sets its end up."""
    pairs = folder / "host.pairs"
    pairs.write_text(
        "".join(
            f"link add veth{n} mtu {MTU} master br0 up type veth peer name eth0 mtu {MTU} netns {container}\n"
            for n, container in enumerate(containers)
        )
    )
    lines = [f"ip -n {host} -batch {pairs}"]
    for number, container in enumerate(containers):
        inside = folder / f"host.{number}"
        inside.write_text(
            f"address add {_address(number)} dev eth0\nlink set eth0 up\nroute add default via 10.1.0.1\n"
        )
        lines.append(f"ip -n {container} -batch {inside}")
    return _script(folder / "host.sh", lines)


def _from_the_containers(folder: Path, host: str, containers: list[str]) -> Path:
    """One batch a container makes its pair; then one batch sets up all ends on the host."""
    lines = []
    for number, container in enumerate(containers):
        inside = folder / f"container.{number}"
        inside.write_text(
            f"link add eth0 mtu {MTU} up type veth peer name veth{number} mtu {MTU} netns {host}\n"
            f"address add {_address(number)} dev eth0\nroute add default via 10.1.0.1\n"
        )
        lines.append(f"ip -n {container} -batch {inside}")
    ends = folder / "container.ends"
    ends.write_text("".join(f"link set veth{number} master br0 up\n" for number in range(len(containers))))
    return _script(folder / "container.sh", [*lines, f"ip -n {host} -batch {ends}"])


def _script(path: Path, lines: list[str]) -> Path:
    path.write_text("set -e\n" + "\n".join(lines) + "\n")
    return path
