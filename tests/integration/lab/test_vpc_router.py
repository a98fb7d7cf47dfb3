# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router of a lab with a VPC: packets take the ways that the EC2 API says, as soon as it says so."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.lab.vpc.builder import client_of
from tests.support.four_nodes import UNDERLAY
from tests.support.vpc import TABLE_A, TABLE_B, described_vpc

ROOT = Path(__file__).parents[3]
FILES = ROOT / "roles/lab/files"
CONTAINERS = {"node-1": "40.15.16.2", "node-2": "40.15.64.2", "node-4": "40.15.83.2"}
SECONDS = 2
"""Within so many, a change of the API changes the traffic."""


def in_netns(netns: str, *command: str, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(["ip", "netns", "exec", netns, *command], check=check, capture_output=True, text=True)


class Lab:
    """A router with two segments and an outside, three nodes with the address of a container each, and the API."""

    def __init__(self) -> None:
        self.name = f"test-{secrets.token_hex(3)}"
        self.router = f"underlay-{self.name}"
        self.instances = {
            instance.name: instance for instance in described_vpc().instances if instance.name in CONTAINERS
        }

    def node(self, name: str) -> str:
        return f"{self.name}-{name}"

    def make(self) -> None:
        for netns in (self.router, *map(self.node, CONTAINERS)):
            subprocess.run(["ip", "netns", "add", netns], check=True)
        commands = ["link add outside type veth peer name world", "link set outside up"]
        commands += ["link set world up", "address add 203.0.113.254/24 dev outside"]
        for number, segment in ((1, "subnet-1"), (0, "subnet-2")):
            commands += [f"link add {segment} type bridge", f"link set {segment} up"]
            commands.append(f"address add 192.168.{number}.1/24 dev {segment}")
        self._ip(self.router, commands)
        in_netns(self.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for name, instance in self.instances.items():
            netns = self.node(name)
            self._ip(
                self.router,
                [
                    f"link add {name} type veth peer name eth0 address {instance.mac} netns {netns}",
                    f"link set {name} master {instance.segment} up",
                ],
            )
            gateway = instance.address.rpartition(".")[0] + ".1"
            self._ip(
                netns,
                [
                    "link set lo up",
                    "link set eth0 up",
                    f"address add {instance.address}/24 dev eth0",
                    f"address add {CONTAINERS[name]}/32 dev lo",
                    f"route add default via {gateway}",
                ],
            )

    def start(self) -> str:
        description = described_vpc().as_data()
        description["instances"] = [entry for entry in description["instances"] if entry["name"] in CONTAINERS]
        command = [str(FILES / "start_vpc.sh"), self.name, sys.executable, str(ROOT / "plugins")]
        done = subprocess.run(command, input=json.dumps(description), check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def remove(self) -> None:
        subprocess.run([str(FILES / "stop_vpc.sh"), self.name], check=True, capture_output=True)
        for netns in (self.router, *map(self.node, CONTAINERS)):
            subprocess.run(["ip", "netns", "delete", netns], check=True)
        Path(f"/var/log/container-network-lab-vpc-{self.name}.log").unlink()

    def call(self, operation: str, **arguments: Any) -> Any:
        """A call of the API from node-1."""
        with inside(self.node("node-1")):
            return getattr(client_of("http://169.254.169.254", "us-east-1"), operation)(**arguments)

    def interface(self, node: str) -> str:
        filters = [{"Name": "private-ip-address", "Values": [UNDERLAY[node]]}]
        return self.call("describe_network_interfaces", Filters=filters)["NetworkInterfaces"][0]["NetworkInterfaceId"]

    def lead(self, node: str, *tables: str) -> None:
        """What the module does for a node."""
        eni = self.interface(node)
        self.call("modify_network_interface_attribute", NetworkInterfaceId=eni, SourceDestCheck={"Value": False})
        for table in tables:
            self.call("create_route", RouteTableId=table, DestinationCidrBlock=subnet_of(node), NetworkInterfaceId=eni)

    def pings(self, source: str, target: str) -> bool:
        """Whether the container of one node gets an answer of that of another."""
        command = ["ping", "-c", "1", "-W", "0.4", "-I", CONTAINERS[source], CONTAINERS[target]]
        return in_netns(self.node(source), *command, check=False).returncode == 0

    def matrix(self) -> set[str]:
        pairs = [(source, target) for source in CONTAINERS for target in CONTAINERS if source != target]
        return {f"{source[-1]}-{target[-1]}" for source, target in pairs if self.pings(source, target)}

    @staticmethod
    def _ip(netns: str, commands: list[str]) -> None:
        subprocess.run(["ip", "-n", netns, "-batch", "-"], input="\n".join(commands), text=True, check=True)


def subnet_of(node: str) -> str:
    return CONTAINERS[node].removesuffix(".2") + ".0/24"


def becomes(wanted: bool, look: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if look() is wanted:
            return True
    return False


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    made.make()
    try:
        assert made.start() == "started"
        yield made
    finally:
        made.remove()


def test_the_chapter(lab):
    """Each node in the table of its subnet; then both tables; then one of them only, where replies get lost."""
    for node, table in (("node-1", TABLE_A), ("node-2", TABLE_A), ("node-4", TABLE_B)):
        lab.lead(node, table)
    assert becomes(True, lambda: lab.pings("node-1", "node-2"))
    assert lab.matrix() == {"1-2", "2-1"}
    lab.lead("node-4", TABLE_A)
    assert not becomes(True, lambda: lab.pings("node-1", "node-4"))  # the reply finds no way in the other table
    for node in ("node-1", "node-2"):
        lab.lead(node, TABLE_B)
    assert becomes(True, lambda: lab.matrix() == {"1-2", "1-4", "2-1", "2-4", "4-1", "4-2"})


def test_what_is_changed_by_hand_changes_the_traffic(lab):
    for node in CONTAINERS:
        lab.lead(node, TABLE_A, TABLE_B)
    assert becomes(True, lambda: lab.pings("node-1", "node-4"))
    lab.call("delete_route", RouteTableId=TABLE_A, DestinationCidrBlock=subnet_of("node-4"))
    assert becomes(False, lambda: lab.pings("node-1", "node-4"))
    lab.lead("node-4", TABLE_A)
    assert becomes(True, lambda: lab.pings("node-1", "node-4"))
    # Both halves of the check: as the receiver, and as the sender.
    eni = lab.interface("node-4")
    lab.call("modify_network_interface_attribute", NetworkInterfaceId=eni, SourceDestCheck={"Value": True})
    assert becomes(False, lambda: lab.pings("node-1", "node-4"))
    assert not lab.pings("node-4", "node-1")
    assert in_netns(lab.router, "iptables", "-w", "-S", "VPC-SENDERS").stdout.count("-s 192.168.0.33/32") == 1
    lab.call("modify_network_interface_attribute", NetworkInterfaceId=eni, SourceDestCheck={"Value": False})
    assert becomes(True, lambda: lab.pings("node-4", "node-1"))
    (found,) = lab.call("describe_network_interfaces", NetworkInterfaceIds=[eni])["NetworkInterfaces"]
    lab.call("terminate_instances", InstanceIds=[found["Attachment"]["InstanceId"]])
    assert becomes(False, lambda: lab.pings("node-1", "node-4"))
    (table,) = lab.call("describe_route_tables", RouteTableIds=[TABLE_A])["RouteTables"]
    states = {route["DestinationCidrBlock"]: route["State"] for route in table["Routes"]}
    assert (states["40.15.83.0/24"], states["40.15.16.0/24"]) == ("blackhole", "active")


def test_a_second_start_changes_nothing_and_strangers_are_not_answered(lab):
    lab.lead("node-1", TABLE_A)
    assert lab.start() == ""
    assert lab.call("describe_route_tables", RouteTableIds=[TABLE_A])["RouteTables"][0]["Routes"][-1][
        "DestinationCidrBlock"
    ]
    fetch = (
        "import http.client, sys; c = http.client.HTTPConnection('169.254.169.254', source_address=(sys.argv[1], 0))\n"
    )
    fetch += "c.request('GET', '/latest/meta-data/local-ipv4'); r = c.getresponse(); print(r.status, r.read().decode())"
    answer = in_netns(lab.node("node-1"), sys.executable, "-c", fetch, UNDERLAY["node-1"]).stdout
    assert answer == f"200 {UNDERLAY['node-1']}\n"
    assert in_netns(lab.router, sys.executable, "-c", fetch, "203.0.113.254").stdout.startswith(
        "403 203.0.113.254 is no host"
    )
