# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds of a network's soak: random actions; then all is mended, and is well; then all goes, and nothing is left."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone

from tests.soak.actions import Subject, draw
from tests.soak.agreement import Disagreement, await_agreement, await_reach, defects, start_probes
from tests.soak.deeds import Deeds
from tests.soak.kinds import Kind
from tests.support.driver_network import Place
from tests.support.lab_runs import Lab, await_success, on_host

ROUND_SECONDS = 60.0
"""Of actions. What follows takes about as long."""


def subject_of(lab: Lab, kind: Kind) -> Subject:
    """The hosts of the inventory, and the Docker networks that site.yml has made."""
    listed = subprocess.run(
        ["ansible-inventory", "-i", str(lab.inventory), "--list"], check=True, capture_output=True, text=True
    )
    groups = json.loads(listed.stdout)
    hosts = _hosts_of(groups, "nodes")
    networks = _networks_of(kind.driver.driver, hosts[0]) if kind.driver else ("bridge",)
    return Subject(hosts, _hosts_of(groups, "etcd")[0], networks, kind.services, kind.extra_networks)


def _networks_of(driver: str, host: str) -> tuple[str, ...]:
    by_driver = ("--filter", f"driver={driver}", "--format", "{{.Name}}")
    return tuple(on_host(host, "docker", "network", "ls", *by_driver).split())


def _hosts_of(groups: dict, group: str) -> tuple[str, ...]:
    below = [host for child in groups[group].get("children", ()) for host in _hosts_of(groups, child)]
    return tuple(dict.fromkeys([*groups[group].get("hosts", ()), *below]))


def workloads_of(subject: Subject) -> dict[str, list[str]]:
    """The containers that each host had before; a Docker that is killed does not start them again."""
    return {host: on_host(host, "docker", "ps", "--format", "{{.Names}}").split() for host in subject.hosts}


def run_round(lab: Lab, kind: Kind, seed: int, tell: Callable[[str], None], seconds: float = ROUND_SECONDS) -> None:
    """One round. Disagreement if not all is well afterwards."""
    subject = subject_of(lab, kind)
    workloads = workloads_of(subject)
    place = Place(subject.hosts, subject.etcd_host, subject.networks + subject.extra_networks)
    always = Place(subject.hosts, subject.etcd_host, subject.networks)
    deeds = Deeds(lab, kind, subject, tell)
    since = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    deeds.perform(draw(seed, subject, seconds))
    tell("mending what is broken")
    deeds.heal()
    for host, names in workloads.items():
        for name in names:
            await_success(host, "docker", "start", name)
    began = time.monotonic()
    await_agreement(kind, place)
    tell(f"all agree after {time.monotonic() - began:.0f} s")
    start_probes(kind, always)
    await_agreement(kind, place)
    await_reach(kind, always)
    deeds.remove_all()
    await_agreement(kind, place)
    found = defects(subject, since)
    if found:
        raise Disagreement("\n".join(["the service's journal tells of defects:", *found]))


def run(
    lab: Lab, kind: Kind, seed: int, seconds: float, tell: Callable[[str], None], round_seconds: float = ROUND_SECONDS
) -> None:
    """Rounds for so long, at least one. A round's seed is one more than that of the round before."""
    lab.play("site.yml", *kind.variables)
    deadline = time.monotonic() + seconds
    while True:
        tell(f"=== {kind.name}: a round; SEED={seed} KINDS={kind.name} begins with it")
        run_round(lab, kind, seed, tell, round_seconds)
        seed += 1
        if time.monotonic() > deadline:
            return
