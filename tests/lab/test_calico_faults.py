# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's own faults; those of all networks of the network driver are in test_driver_faults.py."""

from __future__ import annotations

import pytest

from tests.support.calico_view import CALICO
from tests.support.driver_network import remove_many
from tests.support.lab_runs import HOSTS, Lab, await_success, kill_service, on_host, unharmed_traffic

pytestmark = pytest.mark.long


def test_a_killed_bird_is_back_and_harms_no_traffic(calico: Lab) -> None:
    with unharmed_traffic("host1", "bbox1", CALICO.containers("host2")["bbox2"]):
        kill_service("host2", "bird")
        for host, other in (("host1", "10_12_31_212"), ("host2", "10_12_31_211")):
            await_success(host, "sh", "-c", f"birdc show protocols Mesh_{other} | grep Established")
    for host, block, other in (("host1", "192.168.183.64/26", "212"), ("host2", "192.168.119.0/26", "211")):
        assert on_host(host, "ip", "route", "show", block).startswith(f"{block} via 10.12.31.{other} dev ens160")


def _ipam_info(lab: Lab) -> dict:
    """What calico_ipam_info returns, with nothing excused."""
    return lab.module("host1", "calico_ipam_info", etcd_endpoints=["http://10.12.31.211:2379"], grace_seconds=0)


def test_containers_that_came_and_went_at_once_leave_no_address_and_no_handle(calico: Lab) -> None:
    before = _ipam_info(calico)["addresses"]
    names = [f"short{number}" for number in range(10)]
    for run in [CALICO.start_many(host, names) for host in HOSTS]:
        assert run.wait() == 0, run.stdout.read()
    for run in [remove_many(host, names) for host in HOSTS]:
        assert run.wait() == 0, run.stdout.read()
    CALICO.await_agreement()
    ipam = _ipam_info(calico)
    assert ipam["addresses"] == before
    assert (ipam["leaked"], ipam["unrecorded"], ipam["stale"]) == ([], [], [])
