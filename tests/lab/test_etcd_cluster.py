# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave over an etcd of three members with TLS and users: one is lost and replaced, and containers start all the while.

The hosts are those of inventories/docker_hosts, which have no use for the lab of the other tests in this folder.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab_entry import inside
from tests.support.lab_runs import Lab, await_success, on_host

pytestmark = pytest.mark.long

MEMBERS = ("docker01", "docker02", "etcd-1")
LOST = "docker02"
SECRETS = Path("/run/container-network-test-secrets")
VARIABLES = (
    "cni=weave",
    "weave_range=10.40.0.0/16",
    "etcd_tls=true",
    f"etcd_secrets={SECRETS}",
    json.dumps({"workloads": [{"name": "box", "network": "weave", "image": "busybox", "command": ["sleep", "36000"]}]}),
)
BESIDE = ("-i", str(Path(__file__).with_name("three_etcd_members.yml")))


@pytest.fixture(scope="session", autouse=True)
def hosts_before() -> None:
    """In place of the one that brings up the other lab."""


@pytest.fixture(scope="module")
def three() -> Iterator[Lab]:
    """The lab with Weave and its etcd of three members."""
    lab = Lab("docker_hosts")
    lab.play("lab_down.yml")
    lab.play("lab_up.yml")
    lab.play("site.yml", *VARIABLES, options=BESIDE)
    yield lab
    lab.play("lab_down.yml")
    shutil.rmtree(SECRETS)


def _members(host: str) -> list[str]:
    """Those that etcd names; it refuses the question while it has no leader."""
    listed = await_success(host, "etcdctl", "member", "list")
    return sorted(line.split(", ")[2] for line in listed.splitlines())


def test_a_second_run_changes_nothing_and_etcdctl_is_ready_to_type(three: Lab) -> None:
    assert three.play("site.yml", *VARIABLES, options=BESIDE).changed_in_all == 0
    for host in MEMBERS:
        assert _members(host) == sorted(MEMBERS)
    assert "/container_network/weavemesh/" in on_host("etcd-1", "etcdctl", "get", "--prefix", "--keys-only", "/")
    plain = [*inside("docker01"), "/usr/bin/etcdctl", "--endpoints", "https://192.168.56.131:2379", "get", "/x"]
    refused = subprocess.run(plain, check=False, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0


def test_a_member_is_lost_and_replaced_and_containers_start_all_the_while(three: Lab) -> None:
    """On a host whose own etcd, the first of its endpoints, is there, and on the one that has lost its own."""
    failures: list[str] = []
    starts: list[str] = []
    stopping = threading.Event()

    def run_containers(host: str) -> None:
        run = ("docker", "run", "--rm", "--net", "weave", "busybox", "true")
        while not stopping.is_set():
            done = subprocess.run([*inside(host), *run], check=False, capture_output=True, text=True)
            starts.append(host)
            if done.returncode:
                failures.append(f"{host}: {done.stderr}")

    threads = [threading.Thread(target=run_containers, args=(host,)) for host in ("docker01", LOST)]
    for thread in threads:
        thread.start()
    try:
        on_host(LOST, "systemctl", "kill", "--signal", "KILL", "etcd")
        on_host(LOST, "systemctl", "stop", "etcd")
        on_host(LOST, "rm", "-rf", "/var/lib/etcd/container-network")
        assert LOST in _members("docker01")  # the others serve, and do not know yet that it will not return
        text = three.play("site.yml", *VARIABLES, options=BESIDE).text
        assert "Announce the member to the others" in text
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert {"docker01", LOST} <= set(starts)
    for host in MEMBERS:
        assert _members(host) == sorted(MEMBERS)
        await_success(host, "etcdctl", "--endpoints", "https://127.0.0.1:2379", "endpoint", "health")
    assert three.play("site.yml", *VARIABLES, options=BESIDE).changed_in_all == 0
