# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that leaves by itself, by runs that are killed and one that finishes, and comes back to its network.

pytest -m long, on the lab of Kuryr.
"""

from __future__ import annotations

import pytest

from tests.support.kuryr_view import ADDRESSES, HOSTS, answer, container, neutron, reaches
from tests.support.lab_runs import Lab, await_condition

pytestmark = pytest.mark.long
LAB = Lab("kuryr")
LEAVING, HERE = "kuryr-4", HOSTS["kuryr-2"]
ONLY = ("--limit", LEAVING)


def hosts_of(collection: str, key: str) -> set[str]:
    """The hosts of which Neutron has ports or agents."""
    return {one[key] for one in neutron(collection)[collection]}


def tunnels() -> list[str]:
    return [port for port in HERE.lines("ovs-vsctl list-ports br-tun") if port.startswith("vxlan-")]


def test_a_host_leaves_no_orphans_and_comes_back() -> None:
    vnis = {one["name"]: one["provider:segmentation_id"] for one in neutron("networks")["networks"]}
    HOSTS[LEAVING].output("docker run -d --name of-a-person --net kuryr busybox sleep 3600")
    for task in ("Take the host out of Neutron", "Stop what runs, and remove all that it made"):
        LAB.kill_at(task, "teardown.yml", options=ONLY)
    LAB.play("teardown.yml", options=ONLY)
    assert LEAVING not in hosts_of("agents", "host")
    assert LEAVING not in hosts_of("ports", "binding:host_id")
    await_condition(lambda: len(tunnels()) == 2, 60)
    await_condition(lambda: answer("kuryr-1", container("kuryr-1"), container(LEAVING)) == "", 30)

    # The others miss nothing, neither a tag nor a pool: a new container's port goes with it.
    before = len(neutron("ports")["ports"])
    HERE.output("docker run -d --name after --net kuryr busybox sleep 3600")
    address = HERE.container_address("after").split("/")[0]
    try:
        await_condition(lambda: reaches("kuryr-1", container("kuryr-1"), address), 30)
    finally:
        HERE.output("docker rm -f after")
    assert len(neutron("ports")["ports"]) == before
    (tags,) = [one["tags"] for one in neutron("subnets")["subnets"]]
    assert tags == [one["id"] for one in neutron("subnetpools")["subnetpools"]]

    LAB.play("site.yml", "cni=kuryr")
    assert {one["name"]: one["provider:segmentation_id"] for one in neutron("networks")["networks"]} == vnis
    await_condition(lambda: reaches("kuryr-1", container("kuryr-1"), ADDRESSES[LEAVING]), 60)
    await_condition(lambda: len(tunnels()) == 3, 60)
