# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's overlay over etcd: what is refused, another network, and a host that leaves.

Killed runs are in test_runs.py, the swarm in its place in test_interrupted_change.py, and what dies while the overlay
runs in test_driver_faults.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.lab_runs import HOSTS, Lab, on_host
from tests.support.overlay_view import OVERLAY
from tests.support.snapshot import assert_unchanged, unlike_before

pytestmark = pytest.mark.long

SWARM = ("cni=docker_overlay",)
DRIVER = ("--driver", "overlay-etcd", "--ipam-driver", "overlay-etcd")


def _networks(*networks: dict) -> str:
    return json.dumps({"docker_overlay_networks": networks})


@contextmanager
def _on_host(host: str, make: tuple[str, ...], remove: tuple[str, ...]) -> Iterator[None]:
    """Something of somebody else's on a host."""
    on_host(host, *make)
    try:
        yield
    finally:
        on_host(host, *remove)


def test_wrong_input_is_refused_all_together(bare: Lab, hosts_before: dict[str, dict]) -> None:
    """Every single message is the subject of tests/unit/test_docker_overlay_problems.py."""
    wrong = _networks(
        {"name": "overlay", "subnet": "10.12.0.0/16", "vni": 16777216},
        {"name": "second", "subnet": "172.17.3.0/24", "vni": 300, "mtu": 1451},
        {"name": "third", "subnet": "10.21.0.0/16", "vni": 300, "encrypted": True},
    )
    text = bare.fail("site.yml", *OVERLAY.variables, wrong, '{"etcd_endpoints": []}')
    for words in (
        "vni '16777216'",
        "subnet 10.12.0.0/16 of 'overlay' overlaps the underlay of host1",
        "subnet 172.17.3.0/24 of 'second' overlaps Docker's network 'bridge' on host2",
        "mtu 1451 of 'second' does not fit host1",
        "second and third have the same vni 300",
        "'third' is encrypted, which only the control plane swarm can",
        "etcd_endpoints is empty",
    ):
        assert words in text, words
    text = bare.fail("site.yml", *SWARM, "docker_overlay_control_plane=consul")
    assert "docker_overlay_control_plane 'consul' is not known: write swarm or etcd" in text
    assert_unchanged(hosts_before)


def test_a_blocked_port_is_named_before_the_first_change(bare: Lab, hosts_before: dict[str, dict]) -> None:
    rule = ("INPUT", "-p", "udp", "--dport", "4789", "-j", "DROP")
    with _on_host("host1", ("iptables", "-I", *rule), ("iptables", "-D", *rule)):
        text = bare.fail("site.yml", *OVERLAY.variables)
    assert "host2 cannot reach 10.12.31.211 on port 4789/udp (no answer within 3 s)" in text
    assert_unchanged(hosts_before)


def test_a_subnet_of_another_docker_network_is_refused(bare: Lab, hosts_before: dict[str, dict]) -> None:
    create = ("docker", "network", "create", "--subnet", "10.20.7.0/24", "mine")
    with _on_host("host2", create, ("docker", "network", "rm", "mine")):
        text = bare.fail("site.yml", *OVERLAY.variables)
    assert "subnet 10.20.0.0/16 of 'overlay' overlaps Docker's network 'mine' on host2 (10.20.7.0/24)" in text
    assert_unchanged(hosts_before)


@pytest.fixture
def overlay(fresh_lab: Lab) -> Lab:
    """The lab with the overlay converged and verified."""
    fresh_lab.play("site.yml", *OVERLAY.variables)
    return fresh_lab


def test_a_vni_and_a_name_that_are_taken_are_refused(overlay: Lab) -> None:
    create = ("docker", "network", "create", *DRIVER, "--subnet", "10.40.0.0/16", "--opt", "vni=300", "mine")
    with _on_host("host2", create, ("docker", "network", "rm", "mine")):
        text = overlay.fail(
            "site.yml", *OVERLAY.variables, _networks({"name": "x", "subnet": "10.41.0.0/16", "vni": 300})
        )
        assert "host2: vni 300 of 'x' is taken by network 'mine': choose another one" in text
        name_taken = _networks({"name": "mine", "subnet": "10.40.0.0/16"})
        text = overlay.fail("site.yml", *OVERLAY.variables, name_taken)
        assert "host2: network 'mine' exists and was not made by this role" in text
        assert overlay.play("site.yml", *OVERLAY.variables).changed_in_all == 0


def test_another_network_is_predicted_and_takes_the_place(overlay: Lab) -> None:
    another = _networks({"name": "overlay", "subnet": "10.30.0.0/16", "vni": 300, "mtu": 1400})
    assert overlay.play("site.yml", *OVERLAY.variables, options=("--check", "--diff")).changed_in_all == 0
    recap = overlay.play("site.yml", *OVERLAY.variables, another, options=("--check", "--diff"))
    assert all(recap.changed[host] > 0 for host in HOSTS)
    assert "10.30.0.0/16" in recap.text
    overlay.kill_at("Make the overlays", "site.yml", *OVERLAY.variables, another)
    overlay.play("site.yml", *OVERLAY.variables, another)
    assert "mtu 1400" in on_host("host1", "docker", "exec", "bbox1", "ip", "link", "show", "eth0")
    assert OVERLAY.containers("host1")["bbox1"].startswith("10.30.")
    OVERLAY.await_agreement()


def test_a_host_that_leaves_is_cleaned_and_forgotten(overlay: Lab, hosts_before: dict[str, dict]) -> None:
    overlay.play("site.yml", *OVERLAY.variables, '{"docker_overlay_nodes": ["host1"]}', '{"workloads": []}')
    assert unlike_before(hosts_before["host2"], "host2") == []
    assert "host2" not in on_host("host1", "etcdctl", "get", "--prefix", "/docker/")
