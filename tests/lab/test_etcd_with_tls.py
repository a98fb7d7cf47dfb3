# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each network over an etcd with TLS and users: what ``make lab … EXTRA="-e etcd_tls=true"`` makes.

The tests of a network follow one another, from bare hosts to bare hosts. An etcd of three members that loses one is in
test_etcd_cluster.py.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.cluster import CA_FILE, CLIENT_FILE
from tests.support.hostile_container import Attacker, etcd_is_not_reached
from tests.support.lab_entry import inside
from tests.support.lab_runs import HOSTS, Lab, await_condition, on_host
from tests.support.networks import NETWORKS, LabNetwork
from tests.support.snapshot import assert_unchanged

pytestmark = pytest.mark.long

SECRETS = Path("/run/container-network-test-tls")
ENDPOINT = "https://10.12.31.211:2379"
CERTIFICATE = ("--cacert", CA_FILE, "--cert", CLIENT_FILE, "--key", CLIENT_FILE)
FOLDER = f"etcd_secrets={SECRETS}"
TLS = ("etcd_tls=true", FOLDER)


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


def test_etcdctl_is_ready_to_type_on_all_hosts(network: LabNetwork) -> None:
    for host in HOSTS:
        assert ENDPOINT in on_host(host, "etcdctl", "member", "list")
    keys = _keys(network)
    for prefix in network.etcd:
        assert any(key.startswith(prefix) for key in keys)
    each = f"for key in {shlex.join(keys)}; do etcdctl get --keys-only $key; done"
    assert on_host("host2", "sh", "-c", each).split() == keys


def _keys(network: LabNetwork) -> list[str]:
    """All keys of the network, as the member sees them."""
    keys = on_host("host1", "etcdctl", "get", "--prefix", "--keys-only", "/").split()
    return [key for key in keys if key.startswith(network.etcd)]


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        pytest.param([*CERTIFICATE], "etcdserver: permission denied", id="no user"),
        pytest.param([*CERTIFICATE, "--user", "hosts:guessed"], "invalid user ID or password", id="wrong password"),
    ],
)
def test_etcd_refuses_who_is_no_user(network: LabNetwork, options: list[str], refusal: str) -> None:
    """The package's own program, without what root of a host has; etcdctl with all of it is let in."""
    known = _keys(network)[0]
    asking = ("--endpoints", ENDPOINT, "--command-timeout", "5s", "get", known)
    assert known in on_host("host2", "etcdctl", *asking)
    refused = _without_help("host2", *options, *asking)
    assert refused.returncode != 0
    assert refusal in refused.stderr
    assert known not in refused.stdout


def test_etcd_refuses_who_has_no_certificate(network: LabNetwork) -> None:
    """Who trusts etcd, too; and etcd says so in its journal, since what the client is told of it differs."""
    before = _rejected()
    refused = _without_help(
        "host2", "--cacert", CA_FILE, "--endpoints", ENDPOINT, "--command-timeout", "5s", "get", "--prefix", "/"
    )
    assert refused.returncode != 0
    assert refused.stdout == ""
    await_condition(lambda: len(_rejected()) > len(before), seconds=10)


def _rejected() -> list[str]:
    journal = on_host("host1", "journalctl", "--unit", "etcd", "--no-pager", "--output", "cat").splitlines()
    return [line for line in journal if "10.12.31.212" in line and "client didn't provide a certificate" in line]


def test_a_host_that_is_no_member_sees_and_changes_what_is_the_networks_and_nothing_else(network: LabNetwork) -> None:
    for verb in (["get", "/foreign"], ["put", "/foreign", "1"], ["user", "list"]):
        refused = _without_help("host2", *verb, program="etcdctl")
        assert refused.returncode != 0
        assert "permission denied" in refused.stderr
    assert "root" in on_host("host1", "etcdctl", "user", "list")


def _without_help(host: str, *words: str, program: str = "/usr/bin/etcdctl") -> subprocess.CompletedProcess[str]:
    command = [*inside(host), program, *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("attacker", [Attacker("host1", "bbox1"), Attacker("host2", "bbox2")], ids=str)
def test_containers_do_not_reach_etcd(network: LabNetwork, attacker: Attacker) -> None:
    etcd_is_not_reached(attacker)


def test_tls_is_taken_back_and_said_again_while_containers_run(network: LabNetwork, fresh_lab: Lab) -> None:
    fresh_lab.play("site.yml", *network.variables, FOLDER)
    assert "http://10.12.31.211:2379" in on_host("host1", "etcdctl", "member", "list")
    assert on_host("host2", "which", "etcdctl").strip() == "/usr/bin/etcdctl"
    fresh_lab.play("site.yml", *network.variables, *TLS)  # ends with the verification
    if network.driver:
        network.driver.await_agreement()
    assert fresh_lab.play("site.yml", *network.variables, *TLS).changed_in_all == 0


def test_nothing_is_left(network: LabNetwork, fresh_lab: Lab, hosts_before: dict[str, dict]) -> None:
    fresh_lab.play("teardown.yml", *TLS)
    assert_unchanged(hosts_before)
