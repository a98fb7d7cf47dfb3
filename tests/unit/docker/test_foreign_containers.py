# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which running containers are in the way of a network's removal."""

from __future__ import annotations

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.docker.containers import SPECIFICATION_LABEL
from ansible_collections.container_network.lab.plugins.module_utils.docker.foreign_containers import (
    Attachment,
    foreign_attachments,
)

NETWORKS = [
    {"Id": "1", "Name": "bridge", "Driver": "bridge"},
    {"Id": "2", "Name": "cal_net1", "Driver": "calico"},
    {"Id": "3", "Name": "mine", "Driver": "someone/plugin"},
    {"Id": "4", "Name": "blue", "Driver": "overlay"},
]


def container(name: str, labels: dict[str, str] | None, *networks: str) -> dict[str, Any]:
    """As the Engine lists a running one."""
    ids = {network["Name"]: network["Id"] for network in NETWORKS}
    endpoints = {network: {"NetworkID": ids[network]} for network in networks}
    return {"Names": [f"/{name}"], "Labels": labels, "NetworkSettings": {"Networks": endpoints}}


CONTAINERS = [
    container("ours", {SPECIFICATION_LABEL: "{}"}, "cal_net1"),
    container("on-two", None, "bridge", "cal_net1", "blue"),
    container("by-hand", {"com.example": ""}, "cal_net1"),
    container("elsewhere", {}, "mine", "bridge"),
    container("web.1.x", {"com.docker.swarm.service.name": "web"}, "blue"),
]


def test_containers_of_others_on_networks_of_the_drivers_are_found() -> None:
    assert foreign_attachments(NETWORKS, CONTAINERS, frozenset({"calico"})) == [
        Attachment("by-hand", "cal_net1", "2", "calico"),
        Attachment("on-two", "cal_net1", "2", "calico"),
    ]


def test_a_service_is_named_because_its_containers_come_back() -> None:
    found = foreign_attachments(NETWORKS, CONTAINERS, frozenset({"overlay", "overlay-etcd"}))
    assert [attachment.way_out for attachment in found] == [
        "docker network disconnect blue on-two",
        "docker service rm web",
    ]
