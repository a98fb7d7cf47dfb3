# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks take each other's place, and the first run of each dies half-way: the next one takes out the rest.

Nothing of the old network stays, on the hosts and in etcd.
"""

from __future__ import annotations

import dataclasses

import pytest

from tests.support.lab_runs import HOSTS, Lab, on_host
from tests.support.networks import CALICO, FLANNEL, NETWORKS, WEAVE, LabNetwork
from tests.support.snapshot import assert_unchanged

HOST_GW = dataclasses.replace(FLANNEL, variables=(*FLANNEL.variables, "flannel_backend=host-gw"))
ORDERS = [
    pytest.param((CALICO, HOST_GW, WEAVE), id="some"),
    pytest.param((*NETWORKS, *reversed(NETWORKS[:-1])), id="all, there and back", marks=pytest.mark.long),
]
SHOW = (
    "ip -o link; iptables-save; ipset list -name; docker network ls; "
    "ls -R /etc/container-network /etc/systemd/system /run/docker/plugins /usr/local/bin; "
    "docker info --format 'swarm {{.Swarm.LocalNodeState}}'"
)


@pytest.mark.parametrize("order", ORDERS)
def test_networks_take_each_others_place_and_leave_nothing(
    order: tuple[LabNetwork, ...], fresh_lab: Lab, hosts_before: dict[str, dict]
) -> None:
    fresh_lab.play("site.yml", *order[0].variables)
    for old, new in zip(order, order[1:]):
        assert _found_of(old) != set()
        fresh_lab.kill_at(old.replaced_at, "site.yml", *new.variables)
        fresh_lab.play("site.yml", *new.variables)
        assert _found_of(old) == set()
        if new.driver:
            new.driver.await_agreement()
    fresh_lab.play("teardown.yml")
    assert_unchanged(hosts_before)


def _found_of(network: LabNetwork) -> set[str]:
    """Which traces of a network the hosts and etcd show."""
    found = {word for host in HOSTS for word in network.traces if word in on_host(host, "sh", "-c", SHOW).lower()}
    if network.etcd:
        keys = on_host("host1", "etcdctl", "get", "--from-key", "", "--keys-only").split()
        found |= {key for key in keys if key.startswith(network.etcd)}
    return found
