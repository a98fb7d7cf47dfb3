# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each network over an etcd with TLS and users: what ``make lab … EXTRA="-e etcd_tls=true"`` makes.

The tests of a network follow one another, from bare hosts to bare hosts. An etcd of three members that loses one is in
test_etcd_cluster.py.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hostile_container import Attacker, etcd_is_not_reached
from tests.support.lab_entry import inside
from tests.support.lab_runs import HOSTS, Lab, on_host
from tests.support.networks import NETWORKS, LabNetwork
from tests.support.snapshot import assert_unchanged

pytestmark = pytest.mark.long

SECRETS = Path("/run/container-network-test-tls")
TLS = ("etcd_tls=true", f"etcd_secrets={SECRETS}")


@pytest.fixture(scope="module", params=[pytest.param(network, id=network.name) for network in NETWORKS if network.etcd])
def network(request: pytest.FixtureRequest, fresh_lab: Lab) -> Iterator[LabNetwork]:
    """One of the networks that keep something in etcd, converged and verified."""
    fresh_lab.play("teardown.yml")
    fresh_lab.play("site.yml", *request.param.variables, *TLS)
    yield request.param
    fresh_lab.play("teardown.yml", *TLS)
    shutil.rmtree(SECRETS)


def test_a_second_run_changes_nothing(network: LabNetwork, fresh_lab: Lab) -> None:
    assert fresh_lab.play("site.yml", *network.variables, *TLS).changed_in_all == 0


def test_etcdctl_is_ready_to_type_on_all_hosts_and_others_are_not_let_in(network: LabNetwork) -> None:
    for host in HOSTS:
        assert "https://10.12.31.211:2379" in on_host(host, "etcdctl", "member", "list")
        for prefix in network.etcd:
            assert prefix in on_host(host, "etcdctl", "get", "--prefix", "--keys-only", prefix)
    for endpoint in ("http://10.12.31.211:2379", "https://10.12.31.211:2379"):
        # The package's own program, without what the host has for root.
        plain = [*inside("host2"), "/usr/bin/etcdctl", "--endpoints", endpoint, "--command-timeout", "3s"]
        refused = subprocess.run([*plain, "get", "/x"], check=False, capture_output=True, text=True, timeout=60)
        assert refused.returncode != 0


@pytest.mark.parametrize("attacker", [Attacker("host1", "bbox1"), Attacker("host2", "bbox2")], ids=str)
def test_containers_do_not_reach_etcd(network: LabNetwork, attacker: Attacker) -> None:
    etcd_is_not_reached(attacker)


def test_tls_is_taken_back_and_said_again_while_containers_run(network: LabNetwork, fresh_lab: Lab) -> None:
    fresh_lab.play("site.yml", *network.variables)
    assert "http://10.12.31.211:2379" in on_host("host1", "etcdctl", "member", "list")
    assert on_host("host2", "which", "etcdctl").strip() == "/usr/bin/etcdctl"
    fresh_lab.play("site.yml", *network.variables, *TLS)  # ends with the verification
    if network.driver:
        network.driver.await_agreement()
    assert fresh_lab.play("site.yml", *network.variables, *TLS).changed_in_all == 0


def test_nothing_is_left(network: LabNetwork, fresh_lab: Lab, hosts_before: dict[str, dict]) -> None:
    fresh_lab.play("teardown.yml", *TLS)
    assert_unchanged(hosts_before)
