# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports of Calico's containers: as Docker sends them, as they are stored, and as rules."""

from __future__ import annotations

import ipaddress
import json
import re

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.policy import plan_policy
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.published_ports import problems
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import Node, WorkloadEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot
from ansible_collections.container_network.lab.plugins.module_utils.datastore.documents import object_or_empty
from ansible_collections.container_network.lab.plugins.module_utils.driver.libnetwork import (
    PublishedPort,
    PublishRequest,
)

WEB, DNS = PublishedPort("tcp", 80, 8080), PublishedPort("udp", 53, 5353, "127.0.0.1")
LISTED = [
    {"Proto": 6, "IP": "", "Port": 80, "HostIP": "0.0.0.0", "HostPort": 8080, "HostPortEnd": 8080},
    {"Proto": 17, "IP": "", "Port": 53, "HostIP": "127.0.0.1", "HostPort": 5353, "HostPortEnd": 5353},
    {"Proto": 132, "IP": "", "Port": 9, "HostIP": "", "HostPort": 9000, "HostPortEnd": 9010},
]


def endpoint(*ports: PublishedPort) -> WorkloadEndpoint:
    return WorkloadEndpoint("host1", "e" * 64, ("17.2.0.9/32",), ("net",), interface="cali1", ports=ports)


def rules(*ports: PublishedPort) -> dict[tuple[str, str], list[str]]:
    snapshot = Snapshot(
        pools=(IPPool("pool", ipaddress.ip_network("17.2.0.0/24"), 26),),
        nodes={"host1": Node("host1", "192.0.2.1/24")},
        endpoints=(endpoint(*ports),),
    )
    chains = plan_policy(snapshot, "host1", 4).chains
    hooked = {(table, chain): [rule] for table, chain, rule in chains.top}
    without_comments = re.compile(r"-m comment --comment \"[^\"]*\" ?")
    return {
        key: [without_comments.sub("", rule) for rule in found] for key, found in {**chains.chains, **hooked}.items()
    }


def test_dockers_port_map_is_read():
    request = PublishRequest.parse(
        {"NetworkID": "n", "EndpointID": "e", "Options": {"com.docker.network.portmap": LISTED}}
    )
    assert request.ports == (PublishedPort("sctp", 9, 0), DNS, WEB)
    assert [port.option for port in request.ports] == ["-p 9/sctp", "-p 127.0.0.1:5353:53/udp", "-p 8080:80/tcp"]
    assert PublishRequest.parse({"NetworkID": "n", "EndpointID": "e"}).ports == ()


def test_ports_are_stored_with_the_endpoint_until_they_are_taken_back():
    stored = endpoint(WEB, DNS).resource().document(None, "uid", "now")
    assert object_or_empty(stored)["spec"]["ports"] == [
        {"name": "tcp-8080", "protocol": "TCP", "port": 80, "hostPort": 8080},
        {"name": "udp-5353", "protocol": "UDP", "port": 53, "hostPort": 5353, "hostIP": "127.0.0.1"},
    ]
    assert WorkloadEndpoint.from_document(object_or_empty(stored)).ports == (WEB, DNS)
    unaware = WorkloadEndpoint("host1", "e" * 64, ("17.2.0.9/32",), ("net",), interface="cali1")
    assert object_or_empty(unaware.resource().document(stored, "uid", "now"))["spec"].get("ports")
    assert "ports" not in object_or_empty(endpoint().resource().document(stored, "uid", "now"))["spec"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"interfaceName": "x -j ACCEPT"},
        {"interfaceName": "cali1\n"},
        {"ipNetworks": ["10.0.0.1/32\nadd other 0.0.0.0/0"]},
        {"ports": [{"protocol": "TCP\n", "port": 80}]},
        {"ports": [{"protocol": "TCP", "port": 80, "hostPort": 8080, "hostIP": "127.0.0.1 -j ACCEPT"}]},
        {"ports": [{"protocol": "TCP", "port": 1 << 16}]},
    ],
)
def test_what_somebody_stored_and_no_rule_can_have_is_left_out(wrong: dict):
    stored = object_or_empty(endpoint(WEB).resource().document(None, "uid", "now"))
    key = endpoint().key
    assert Snapshot.from_items({key: json.dumps(stored)}).endpoints == (endpoint(WEB),)
    stored["spec"].update(wrong)
    assert Snapshot.from_items({key: json.dumps(stored)}).endpoints == ()


def test_the_rules_lead_to_the_container_and_let_in_what_they_lead():
    found = rules(WEB, DNS)
    to_host = "! -d 169.254.0.0/16 -m addrtype --dst-type LOCAL -j cali-host-ports"
    for hook in ("PREROUTING", "OUTPUT"):
        assert found[("nat", hook)] == [f"-j cali-{hook}"]
        assert found[("nat", f"cali-{hook}")] == [to_host]
    assert found[("nat", "cali-host-ports")] == [
        "-p tcp -m multiport --dports 8080 -j DNAT --to-destination 17.2.0.9:80",
        "-d 127.0.0.1/32 -p udp -m multiport --dports 5353 -j DNAT --to-destination 17.2.0.9:53",
    ]
    assert found[("nat", "cali-POSTROUTING")][1:] == [
        "-s 127.0.0.0/8 -o cali+ -j MASQUERADE",
        "-s 17.2.0.9/32 -d 17.2.0.9/32 -j MASQUERADE",
    ]
    opened = [rule for rule in found[("filter", "cali-tw-cali1")] if "DNAT" in rule]
    assert opened == [
        "-p tcp -m multiport --dports 80 -m conntrack --ctstate DNAT -j ACCEPT",
        "-p udp -m multiport --dports 53 -m conntrack --ctstate DNAT -j ACCEPT",
    ]


def test_without_published_ports_there_are_no_rules_for_them():
    assert not any("host-ports" in rule or "DNAT" in rule for found in rules().values() for rule in found)
    assert ("nat", "PREROUTING") not in rules()


def test_a_port_is_one_containers_alone_unless_address_or_protocol_differ():
    assert (
        problems([WEB, DNS], [("other", PublishedPort("udp", 1, 8080)), ("other", PublishedPort("tcp", 1, 80))]) == []
    )
    assert problems([DNS], [("other", PublishedPort("udp", 1, 5353, "192.0.2.1"))]) == []
    assert problems([DNS], [("web", PublishedPort("udp", 1, 5353))]) == [
        "-p 127.0.0.1:5353:53/udp: container web has published this port: choose another one."
    ]
