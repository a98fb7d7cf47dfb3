# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico on two hosts: "Calico on two hosts", course chapter 68, line by line."""

from __future__ import annotations

import re

import pytest

from tests.support.lab_host import LabHost, ttl_of_ping

HOSTS = {"host1": LabHost("host1"), "host2": LabHost("host2")}
CONTAINERS = {"host1": "bbox1", "host2": "bbox2"}
ADDRESSES = {"bbox1": "192.168.119.0", "bbox2": "192.168.183.64"}
ROUTES = {
    "host1": [
        "default via 10.12.28.6 dev ens160 onlink",
        "10.2.46.0/24 dev docker0 proto kernel scope link src 10.2.46.1",
        "10.12.28.0/22 dev ens160 proto kernel scope link src 10.12.31.211",
        "172.22.0.0/16 via 10.12.28.1 dev ens160",
        "192.168.119.0 dev {cali} scope link",
        "blackhole 192.168.119.0/26 proto bird",
        "192.168.183.64/26 via 10.12.31.212 dev ens160 proto bird",
    ],
    "host2": [
        "default via 10.12.28.6 dev ens160 onlink",
        "10.2.44.0/24 dev docker0 proto kernel scope link src 10.2.44.1",
        "10.12.28.0/22 dev ens160 proto kernel scope link src 10.12.31.212",
        "172.22.0.0/16 via 10.12.28.1 dev ens160",
        "192.168.119.0/26 via 10.12.31.211 dev ens160 proto bird",
        "192.168.183.64 dev {cali} scope link",
        "blackhole 192.168.183.64/26 proto bird",
    ],
}


def cali(host: str) -> str:
    """The host's end of its container's veth pair."""
    (line,) = [line for line in HOSTS[host].lines("ip -o link") if re.match(r"\d+: cali", line)]
    return line.split()[1].partition("@")[0]


@pytest.mark.parametrize("host", HOSTS)
def test_routes_are_the_documented_ones(host: str) -> None:
    assert HOSTS[host].lines("ip route") == [line.format(cali=cali(host)) for line in ROUTES[host]]


@pytest.mark.parametrize("host", HOSTS)
def test_host_end_is_cali_and_11_characters(host: str) -> None:
    assert re.fullmatch(r"cali[0-9a-f]{11}", cali(host))
    (line,) = HOSTS[host].lines(f"ip -o link show dev {cali(host)}")
    assert "mtu 1500" in line
    assert "state UP" in line
    assert "link-netnsid" in line


@pytest.mark.parametrize("host", HOSTS)
def test_container_has_cali0_with_the_first_address_of_the_block(host: str) -> None:
    container = CONTAINERS[host]
    card = HOSTS[host].in_namespace_of(container, "ip address show dev cali0")
    assert re.match(r"\d+: cali0@if\d+: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue", card[0])
    assert card[1].startswith("link/ether ee:ee:ee:ee:ee:ee")
    assert card[2].split()[:2] == ["inet", f"{ADDRESSES[container]}/32"]
    assert card[2].endswith("scope global cali0")


@pytest.mark.parametrize("host", HOSTS)
def test_container_sends_everything_to_169_254_1_1(host: str) -> None:
    assert HOSTS[host].in_container(CONTAINERS[host], "ip route") == [
        "default via 169.254.1.1 dev cali0",
        "169.254.1.1 dev cali0 scope link",
    ]


@pytest.mark.parametrize(("host", "target"), [("host2", "bbox1"), ("host1", "bbox2")])
def test_ping_by_name_passes_two_routers(host: str, target: str) -> None:
    ping = HOSTS[host].output(f"docker exec {CONTAINERS[host]} ping -c 2 {target}").splitlines()
    assert ping[0] == f"PING {target} ({ADDRESSES[target]}): 56 data bytes"
    assert ping[1].startswith(f"64 bytes from {ADDRESSES[target]}: seq=0 ttl=62")
    assert ttl_of_ping(ping) == 62
    assert "2 packets transmitted, 2 packets received, 0% packet loss" in ping


@pytest.mark.parametrize("host", HOSTS)
def test_docker_knows_the_network(host: str) -> None:
    assert HOSTS[host].lines("docker network ls --filter driver=calico --format '{{.Name}} {{.Driver}}'") == [
        "cal_net1 calico"
    ]


def test_commands_of_chapter_71_work_by_hand() -> None:
    """A container that is started with the course's own command is reached by name, and leaves nothing behind.

    Docker tells a container's name only once it runs, so the other host learns it a moment later.
    """
    HOSTS["host1"].output("docker run -itd --name by_hand --network cal_net1 busybox")
    try:
        try_until_known = "for i in 1 2 3 4 5 6; do ping -c 1 -W 5 by_hand && exit; sleep 0.5; done; exit 1"
        ping = HOSTS["host2"].output(f"docker exec bbox2 sh -c '{try_until_known}'").splitlines()
        assert ttl_of_ping(ping) == 62
        assert any(line.startswith("PING by_hand (192.168.119.") for line in ping)
    finally:
        HOSTS["host1"].output("docker rm --force by_hand")
    assert sum("cali" in line for line in HOSTS["host1"].lines("ip route")) == 1
