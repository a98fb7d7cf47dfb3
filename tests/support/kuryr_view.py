# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kuryr's lab, seen from its hosts and from its Neutron."""

from __future__ import annotations

import json
import os
from typing import Any

from tests.support.lab_host import LabHost

ON_MACHINES = "VM_LAB_SSH_CONFIG" in os.environ
"""Whether the hosts are those of the inventory kuryr_vagrant: all of them but one."""
UNDERLAY = {
    name: address
    for name, address in {
        "kuryr-1": "192.168.1.68",
        "kuryr-2": "192.168.1.254",
        "kuryr-3": "192.168.1.245",
        "kuryr-4": "192.168.0.33",
    }.items()
    if not (ON_MACHINES and name == "kuryr-3")
}
ADDRESSES = {name: f"10.88.0.1{name[-1]}" for name in UNDERLAY}
GUARDED = "10.88.0.20"  # of a container in a security group of its own
GUARDED_HOST = "kuryr-2" if ON_MACHINES else "kuryr-3"
_ANSWER_SECONDS = 10 if ON_MACHINES else 2
"""How long a container may take to answer; emulated machines are slow."""
HOSTS = {name: LabHost(name) for name in UNDERLAY}
CONTROLLER = HOSTS["kuryr-1"]


def container(host: str) -> str:
    return f"busybox-{host}"


def neutron(path: str, *options: str) -> dict[str, Any]:
    """What Neutron answers."""
    command = ["curl", "--silent", "--max-time", "30", *options, f"'http://{UNDERLAY['kuryr-1']}:9696/v2.0/{path}'"]
    text = CONTROLLER.output(" ".join(command))
    return json.loads(text) if text else {}


def sent(method: str, document: dict[str, Any]) -> tuple[str, ...]:
    """The options of curl that send a document."""
    return f"--request {method}", "--header 'Content-Type: application/json'", f"--data '{json.dumps(document)}'"


def port(address: str) -> dict[str, Any]:
    (found,) = neutron(f"ports?fixed_ips=ip_address={address}")["ports"]
    return found


def reaches(host: str, name: str, address: str, *options: str) -> bool:
    command = f"docker exec {name} ping -c 1 -W {_ANSWER_SECONDS} {' '.join(options)} {address}"
    return HOSTS[host].host.run(command).rc == 0


def answers_by_tcp(host: str, name: str, address: str) -> bool:
    """Whether a connection to a closed port is refused, which takes packets in both directions."""
    command = f"docker exec {name} nc -w {_ANSWER_SECONDS} {address} 9"
    return "Connection refused" in HOSTS[host].host.run(command).stderr


def hears_nothing(host: str, name: str, sender: str, address: str) -> bool:
    """Whether a container's card does not get the packets that another one on its host sends to an address."""
    sent = 10
    received = f"docker exec {name} cat /sys/class/net/eth0/statistics/rx_packets"
    before = int(HOSTS[host].output(received))
    HOSTS[host].output(f"docker exec {sender} ping -q -c {sent} -W {_ANSWER_SECONDS} {address}")
    return int(HOSTS[host].output(received)) - before < sent / 2  # a query for an address is for all of them


def answer(host: str, name: str, asked: str) -> str:
    """The address that a container gets for a name, by way of Docker's own resolver; empty if none."""
    found = HOSTS[host].host.run(f"docker exec {name} nslookup {asked}").stdout.partition("\n\n")[2]
    lines = [line for line in found.splitlines() if line.startswith("Address")]
    return lines[0].split(": ")[1].strip() if lines else ""
