# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network that is to go, and containers on it that somebody started by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.lab_runs import Lab, await_success, on_host
from tests.support.networks import CALICO, OVERLAY_ETCD, OVERLAY_SWARM, WEAVE, LabNetwork
from tests.support.snapshot import assert_unchanged, host_state

DOCKER_NETWORK = {"calico": "cal_net1", "weave": "weave", "docker_overlay": "overlay"}


@pytest.fixture(
    scope="module",
    params=[
        CALICO,
        *(pytest.param(network, marks=pytest.mark.long) for network in (WEAVE, OVERLAY_ETCD, OVERLAY_SWARM)),
    ],
    ids=lambda network: network.name,
)
def network(fresh_lab: Lab, request: pytest.FixtureRequest) -> Iterator[LabNetwork]:
    """A network with a container on it, on host2, that was started by hand."""
    fresh_lab.play("site.yml", *request.param.variables)
    docker_network = DOCKER_NETWORK[request.param.role]
    run = ("docker", "run", "-d", "--name", "by-hand", "--net", docker_network, "--stop-signal", "KILL")
    on_host("host2", *run, "busybox", "sleep", "infinity")
    # Its name reaches the other host a moment after Docker has started it.
    await_success("host1", "docker", "exec", "bbox1", "ping", "-c", "1", "-W", "1", "by-hand")
    yield request.param
    on_host("host2", "docker", "rm", "--force", "by-hand")


@pytest.mark.parametrize("playbook", [("site.yml", "cni=flannel"), ("teardown.yml",)], ids=["switch", "teardown"])
def test_it_stays_as_it_is_while_somebody_uses_it(
    fresh_lab: Lab, network: LabNetwork, playbook: tuple[str, ...]
) -> None:
    before = {host: host_state(host) for host in ("host1", "host2")}
    text = fresh_lab.fail(*playbook, "disconnect_foreign_containers=false")
    assert f"container 'by-hand' is on network '{DOCKER_NETWORK[network.role]}'" in text
    assert "disconnect_foreign_containers=true" in text
    assert_unchanged(before)


def test_another_takes_its_place_once_the_containers_may_be_disconnected(fresh_lab: Lab, network: LabNetwork) -> None:
    recap = fresh_lab.play("site.yml", "cni=flannel", "disconnect_foreign_containers=true")
    docker_network = DOCKER_NETWORK[network.role]
    assert f"container 'by-hand' is disconnected from network '{docker_network}', which goes" in " ".join(
        recap.text.split()
    )
    assert docker_network not in on_host("host2", "docker", "network", "ls", "--format", "{{.Name}}").split()
    assert (
        on_host("host2", "docker", "inspect", "--format", "{{.NetworkSettings.Networks}}", "by-hand").strip() == "map[]"
    )
