# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether all is well after a round: everybody says the same of what runs, and all of it is reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tests.soak.actions import DRIVER, Subject
from tests.soak.kinds import Kind
from tests.support.driver_network import Connection, DriverNetwork, Place, looked, unlike
from tests.support.lab_runs import await_success, on_host

AGREEMENT_SECONDS = 150.0
"""The driver takes a thing for left over after 35 s at the earliest, and looks every 15 s; etcd may have to start."""
_DEFECTS = "Traceback|failed in the network driver"


class Disagreement(AssertionError):
    """What is not well, in the lines of the message."""


def await_agreement(kind: Kind, place: Place, seconds: float = AGREEMENT_SECONDS) -> None:
    """Docker, etcd, the kernels and the servers of names say the same of what runs, and nothing is left of the rest."""

    def found() -> list[str]:
        framework = _framework_disagreements(kind.driver, place) if kind.driver else []
        return [*kind.disagreements(place), *framework]

    _await_nothing(lambda: looked(found), seconds)


def _framework_disagreements(driver: DriverNetwork, place: Place) -> list[str]:
    """Of the keys that all networks of the driver have: networks, joined endpoints, pools without a network."""
    found = []
    networks, joined, shared, pools = (
        place.stored(f"{driver.prefix}{folder}/") for folder in ("networks", "joined", "shared", "pools")
    )
    listed = ("docker", "network", "ls", "--no-trunc", "--filter", f"driver={driver.driver}")
    living = place.connections()
    for host in place.hosts:
        ids = on_host(host, *listed, "--format", "{{.ID}} {{.Name}}").splitlines()
        known = {key.partition("/")[2] for key in networks if key.startswith(f"{host}/")}
        found += unlike(f"networks of {host} in etcd", known, (line.split()[0] for line in ids))
        used = {one.network for one in living[host]}
        names = {line.split()[1] for line in ids}
        found += unlike(f"networks of {host}", names, shared.keys() | (used & names))
        ends = {key.partition("/")[2] for key in joined if key.startswith(f"{host}/")}
        found += unlike(f"joined endpoints of {host}", ends, (one.endpoint_id for one in living[host]))
    return found + unlike("pools without a network", pools, ())


def start_probes(kind: Kind, place: Place) -> None:
    """On each host one container in each network: whatever happened before, it starts."""
    for host in place.hosts:
        for network in place.networks:
            name = f"{host}-probe-{network}"
            run = ("docker", "run", "-d", "--name", name, "--net", network, "busybox", "sleep", "36000")
            # One that could not start is in the way of the next attempt.
            await_success(host, "sh", "-c", f"docker rm --force {name}; {' '.join(run)}", seconds=60)


def await_reach(kind: Kind, place: Place, seconds: float = 60) -> None:
    """The probes of each host reach each container of their network, by its address and by its name."""
    domain = kind.driver.domain if kind.driver else ""
    living = [one for connections in place.connections().values() for one in connections]

    def found() -> list[str]:
        return [
            f"{host}: {network}: {target} is not reached"
            for host in place.hosts
            for network in place.networks
            for target in _unreached(host, network, [one for one in living if one.network == network], domain)
        ]

    _await_nothing(found, seconds)


def _unreached(host: str, network: str, connections: Sequence[Connection], domain: str) -> list[str]:
    targets = [one.address for one in connections]
    if domain:
        targets += [f"{one.container}.{domain.replace('NETWORK', network)}" for one in connections]
    ping = "ping -c 1 -W 3 $a >/dev/null 2>&1"
    script = f"for a in {' '.join(targets)}; do {{ {ping} || echo $a; }} & done; wait"
    return on_host(host, "docker", "exec", f"{host}-probe-{network}", "sh", "-c", script).splitlines()


def defects(subject: Subject, since: str) -> list[str]:
    """Lines of the service's journals that tell of a defect of its own, since a time of journalctl."""
    found = []
    for host in subject.hosts:
        journal = f"journalctl --unit {DRIVER} --since '{since}' --no-pager -o cat"
        script = f"{journal} | grep -E -A 25 '{_DEFECTS}' | head -n 60 || true"
        found += [f"{host}: {line}" for line in on_host(host, "sh", "-c", script).splitlines()]
    return found


def _await_nothing(found: Callable[[], list[str]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while disagreements := found():
        if time.monotonic() > deadline:
            raise Disagreement("\n".join([f"after {seconds:g} s:", *disagreements]))
        time.sleep(1.0)  # between two looks at a condition, not in its place
