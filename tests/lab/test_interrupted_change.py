# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of networks that is killed half-way: the next run takes out the rest of the old one, also from etcd."""

from __future__ import annotations

import pytest

from tests.support.lab_runs import Lab, on_host


@pytest.mark.parametrize(
    ("old", "task", "new", "prefixes"),
    [
        ("calico", "Take the cluster out of etcd", "flannel", ["/calico/", "/container_network/calico/"]),
        ("flannel", "Remove device, tables, routes and rules", "calico", ["/coreos.com/network/"]),
    ],
)
def test_nothing_of_the_old_network_stays_in_etcd(
    fresh_lab: Lab, old: str, task: str, new: str, prefixes: list[str]
) -> None:
    fresh_lab.play("site.yml", f"cni={old}")
    fresh_lab.kill_at(task, "site.yml", f"cni={new}")
    fresh_lab.play("site.yml", f"cni={new}")
    for prefix in prefixes:
        assert on_host("host1", "etcdctl", "get", "--prefix", prefix, "--keys-only").strip() == ""
