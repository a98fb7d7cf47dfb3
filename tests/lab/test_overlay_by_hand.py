# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The overlay network made by hand: section 2 of "four nodes", on the two hosts that this folder's tests share.

They have other addresses on the underlay, so the playbook gets another table of endpoints; all else is as documented.
The playbook itself pings from each container to all others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.checks.check import tokens
from tests.support.lab_runs import Lab, on_host
from tests.support.snapshot import assert_unchanged

PLAYBOOK = "overlay_by_hand.yml"
ENDPOINTS = [
    {"ip": "10.20.0.3", "mac": "02:42:0a:14:00:03", "vtep": "10.12.31.211"},
    {"ip": "10.20.0.2", "mac": "02:42:0a:14:00:02", "vtep": "10.12.31.212"},
]
TABLE = json.dumps({"overlay_endpoints": ENDPOINTS})


@pytest.fixture(scope="module")
def overlay(bare: Lab) -> Iterator[Lab]:
    """The lab with the overlay network, and at the end without it."""
    bare.play(PLAYBOOK, TABLE)
    yield bare
    bare.play(PLAYBOOK, "state=absent")


def lines(command: str) -> list[str]:
    """What a command prints on host1, as the documents' versions of the programs print it."""
    return [" ".join(tokens(line.replace("\\", " "))) for line in on_host("host1", *command.split()).splitlines()]


def in_overlay(command: str) -> list[str]:
    return lines(f"nsenter --net=/run/netns/1-overlay {command}")


def test_check_mode_predicts_and_changes_nothing(bare: Lab, hosts_before: dict[str, dict]) -> None:
    recap = bare.play(PLAYBOOK, TABLE, options=("--check", "--diff"))
    assert recap.changed == {"host1": 7, "host2": 7}  # all steps but the check of the table and the pings
    assert_unchanged(hosts_before)


def test_the_overlays_namespace_has_the_documented_devices(overlay: Lab) -> None:
    (br0,) = in_overlay("ip -o link show dev br0")
    assert "mtu 1450" in br0
    (address,) = in_overlay("ip -o -4 addr show dev br0")
    assert "inet 10.20.0.1/16" in address
    (vxlan0,) = in_overlay("ip -d -d -o link show dev vxlan0")
    assert "mtu 1450 qdisc noqueue master br0 state UNKNOWN" in vxlan0
    assert (
        "vxlan id 256 srcport 0 0 dstport 4789 proxy l2miss l3miss ttl inherit ageing 300 "
        "udpcsum noudp6zerocsumtx noudp6zerocsumrx"
    ) in vxlan0
    (veth0,) = in_overlay("ip -o link show dev veth0")
    assert "mtu 1450 qdisc noqueue master br0 state UP" in veth0


def test_packets_travel_in_the_hosts_own_namespace(overlay: Lab) -> None:
    assert [line for line in lines("ss -uln") if "0.0.0.0:4789" in line]
    assert not [line for line in in_overlay("ss -uln") if ":4789" in line]


def test_container_has_the_documented_address_and_route(overlay: Lab) -> None:
    links = lines("docker exec busybox-host1 ip link")
    (name,) = [line for line in links if "eth0@" in line]
    assert "mtu 1450" in name
    assert "link/ether 02:42:0a:14:00:03 brd ff:ff:ff:ff:ff:ff" in links
    assert "inet 10.20.0.3/16 scope global eth0" in lines("docker exec busybox-host1 ip addr show eth0")
    assert lines("docker exec busybox-host1 ip route") == ["10.20.0.0/16 dev eth0 scope link src 10.20.0.3"]


def test_static_tables_are_the_documented_ones(overlay: Lab) -> None:
    assert in_overlay("ip neigh show nud permanent") == ["10.20.0.2 dev vxlan0 lladdr 02:42:0a:14:00:02 PERMANENT"]
    entries = [line for line in in_overlay("bridge fdb") if " dst " in line]
    assert entries == ["02:42:0a:14:00:02 dev vxlan0 dst 10.12.31.212 link-netnsid 0 self permanent"]


def test_second_run_changes_nothing(overlay: Lab) -> None:
    assert overlay.play(PLAYBOOK, TABLE).changed_in_all == 0
    assert overlay.play(PLAYBOOK, TABLE, options=("--check",)).changed_in_all == 0


def test_a_restarted_container_is_plugged_in_by_the_next_run(overlay: Lab) -> None:
    on_host("host2", "docker", "restart", "--time", "0", "busybox-host2")
    assert overlay.play(PLAYBOOK, TABLE).changed == {"host1": 0, "host2": 1}


def test_a_table_without_the_hosts_is_refused(overlay: Lab) -> None:
    text = overlay.fail(PLAYBOOK)
    assert "overlay_endpoints has no entry for host1, whose underlay_address is 10.12.31.211" in text


def test_absent_is_predicted_and_leaves_nothing(overlay: Lab, hosts_before: dict[str, dict]) -> None:
    assert overlay.play(PLAYBOOK, "state=absent", options=("--check",)).changed == {"host1": 3, "host2": 3}
    assert overlay.play(PLAYBOOK, "state=absent").changed == {"host1": 3, "host2": 3}
    assert_unchanged(hosts_before)
    assert overlay.play(PLAYBOOK, "state=absent").changed_in_all == 0
