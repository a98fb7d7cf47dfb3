# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a shared network is stored, and what of the store is taken for one."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.driver.docker_view import DockerNetwork
from ansible_collections.container_network.lab.plugins.module_utils.driver.network_records import DEFINITION_LABEL
from ansible_collections.container_network.lab.plugins.module_utils.driver.shared_networks import NetworkDefinition
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError

DOCKER = DockerNetwork(
    "0123456789ab",
    "my net/1",
    ipv6=True,
    subnets=("10.20.0.0/16", "fd00:20::/64"),
    gateways=("10.20.0.1/16", "fd00:20::1/64"),
    ranges=("10.20.4.0/24",),
    internal=True,
    options={"mtu": "1400"},
    ipam_driver="overlay-etcd",
    labels={"team": "a b"},
)
DEFINITION = NetworkDefinition.of(DOCKER, "overlay-etcd", "feed")


def test_it_is_stored_and_read_again() -> None:
    assert NetworkDefinition.parse(DEFINITION.text()) == DEFINITION


def test_docker_is_asked_for_the_same_network_with_the_token_as_a_label() -> None:
    assert DEFINITION.create_body() == {
        "Name": "my net/1",
        "CheckDuplicate": True,
        "Driver": "overlay-etcd",
        "IPAM": {
            "Driver": "overlay-etcd",
            "Config": [
                {"Subnet": "10.20.0.0/16", "Gateway": "10.20.0.1", "IPRange": "10.20.4.0/24"},
                {"Subnet": "fd00:20::/64", "Gateway": "fd00:20::1"},
            ],
            "Options": {},
        },
        "EnableIPv6": True,
        "Internal": True,
        "Options": {"mtu": "1400"},
        "Labels": {"team": "a b", DEFINITION_LABEL: "feed"},
    }


@pytest.mark.parametrize(
    ("changes", "alike"),
    [
        ({"token": "cafe", "labels": {}, "ranges": ()}, True),
        ({"internal": False}, False),
        ({"subnets": ("10.21.0.0/16",)}, False),
        ({"options": {}}, False),
    ],
)
def test_networks_are_alike_if_containers_see_no_difference(changes: dict[str, Any], alike: bool) -> None:
    assert DEFINITION.is_like(dataclasses.replace(DEFINITION, **changes)) is alike


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"name": 7},
        {"ipv6": "yes"},
        {"subnets": ["10.20.0.0/99"]},
        {"subnets": 5},
        {"subnets": [["10.20.0.0/16"]]},
        {"gateways": ["10.20.0.1/16"]},
        {"gateways": [None]},
        {"options": {"mtu": 1400}},
        {"labels": ["a"]},
    ],
)
def test_what_is_no_network_is_refused(changes: dict[str, Any]) -> None:
    (name,) = changes
    document = {**json.loads(DEFINITION.text()), **changes}
    with pytest.raises(LabError, match=name):
        NetworkDefinition.parse(json.dumps(document))


@pytest.mark.parametrize("text", ["", "7", "[]", "null", "{}", '{"name": "a"}'])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(LabError, match="it "):
        NetworkDefinition.parse(text)


def test_fields_of_a_newer_version_are_left_out() -> None:
    document = {**json.loads(DEFINITION.text()), "novelty": 1}
    assert NetworkDefinition.parse(json.dumps(document)) == DEFINITION
