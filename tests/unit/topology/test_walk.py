# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The computed way of a packet, on topologies that were read from real labs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.compute import compute_walk
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.request import Request
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.steps import (
    DELIVERED,
    DROPPED,
    UNKNOWN,
    Sight,
    Walk,
    Way,
)
from tests.support.recorded_topologies import recorded, with_lines

ROUTER = "underlay-four_nodes"


def walk(name: str, source: str, destination: str, change: Callable[[str], str] = str, **wanted: Any) -> Walk:
    problems: list[str] = []
    found = compute_walk(recorded(name, change), Request(source, destination, **wanted), problems)
    assert problems == []
    assert found is not None
    return found


def replacing(*pairs: tuple[str, str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        return text

    return change


def passed(way: Way) -> list[str]:
    """The devices of hosts and of the router that a packet passes, with its direction; of a bridge only layer 3."""
    return [f"{sight.label} {'out' if sight.outgoing else 'in'}" for sight in way.sights]


def at(way: Way, label: str, outgoing: bool) -> Sight:
    (found,) = [sight for sight in way.sights if sight.label == label and sight.outgoing == outgoing]
    return found


def reasons(way: Way, what: str) -> list[str]:
    return [reason.line for step in way.steps for reason in step.reasons if reason.what.startswith(what)]


def kinds(way: Way) -> list[str]:
    return [step.kind for step in way.steps]


def test_flannel_vxlan_across_the_router():
    found = walk("flannel_vxlan", "node-1/busybox", "node-4/busybox")
    way = found.way
    assert (way.source, way.destination, way.end) == ("40.15.43.2", "40.15.102.2", DELIVERED)
    assert kinds(way) == ["send", "route", "encapsulate", "route", "decapsulate", "route", "deliver"]
    port, far_port = "node-1:veth3939db0", "node-4:veth026c4e3"
    assert passed(way) == [
        "node-1/busybox:eth0 out", f"{port} in", "node-1:docker0 in", "node-1:flannel.1 out", "node-1:eth0 out",
        f"{ROUTER}:node-1-eth0 in", f"{ROUTER}:subnet-1 in", f"{ROUTER}:subnet-2 out", f"{ROUTER}:node-4-eth0 out",
        "node-4:eth0 in", "node-4:flannel.1 in", "node-4:docker0 out", f"{far_port} out", "node-4/busybox:eth0 in",
    ]  # fmt: skip
    outer = at(way, "node-1:eth0", True)
    assert [f"{header.name} {header.describe()}" for header in outer.headers] == [
        "Ethernet 02:77:87:b3:76:a8 > 02:95:b5:20:98:50",
        "IPv4 192.168.1.68 > 192.168.0.33 ttl 64",
        "UDP port 8472",
        "VXLAN vni 1",
        "Ethernet 26:7f:9f:b1:69:c6 > 22:cf:5a:df:0b:f4",
        "IPv4 40.15.43.2 > 40.15.102.2 ttl 63",
        "ICMP type echo request",
    ]
    assert "40.15.102.0/24 via 40.15.102.0 dev flannel.1 onlink" in reasons(way, "route")
    assert "22:cf:5a:df:0b:f4 dev flannel.1 dst 192.168.0.33 self permanent" in reasons(way, "FDB")
    assert "iptables -t filter -A FORWARD -i docker0 ! -o docker0 -j ACCEPT" in reasons(way, "rule FORWARD")
    assert found.back is not None
    assert found.back.end == DELIVERED
    arrived = at(found.back, "node-1/busybox:eth0", False)
    assert [header.get("ttl") for header in arrived.headers if header.name == "IPv4"] == ["62"]


def test_flannel_vxlan_within_a_segment_is_switched_and_not_routed():
    way = walk("flannel_vxlan", "node-1/busybox", "node-2/busybox").way
    assert kinds(way) == ["send", "route", "encapsulate", "bridge", "decapsulate", "route", "deliver"]
    assert "02:ff:79:d9:7a:ed dev node-2-eth0 master subnet-1" in reasons(way, "FDB")


def test_a_host_gateway_needs_no_tunnel():
    found = walk(
        "flannel_vxlan",
        "node-1/busybox",
        "node-2/busybox",
        replacing(
            ("40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink", "40.15.26.0/24 via 192.168.1.254 dev eth0"),
            ("40.15.43.0/24 via 40.15.43.0 dev flannel.1 onlink", "40.15.43.0/24 via 192.168.1.68 dev eth0"),
        ),
    )
    assert kinds(found.way) == ["send", "route", "bridge", "route", "deliver"]
    assert {header.name for sight in found.way.sights for header in sight.headers} == {"Ethernet", "IPv4", "ICMP"}
    assert found.back is not None
    assert found.back.end == DELIVERED


def test_from_a_container_to_another_host_its_own_masquerades():
    found = walk("flannel_vxlan", "node-1/busybox", "node-2")
    assert "Its source becomes 192.168.1.68." in " ".join(step.says for step in found.way.steps)
    assert found.back is not None
    assert (found.back.destination, found.back.end) == ("192.168.1.68", DELIVERED)
    assert reasons(found.back, "conntrack") == [
        "an answer: 192.168.1.254 > 192.168.1.68 becomes 192.168.1.254 > 40.15.43.2"
    ]
    assert passed(found.back)[-1] == "node-1/busybox:eth0 in"


def test_hosts_among_themselves_and_the_outside():
    way = walk("flannel_vxlan", "node-1", "node-4").way
    assert passed(way)[0] == "node-1:eth0 out"
    assert passed(way)[-1] == "node-4:eth0 in"
    assert walk("flannel_vxlan", "node-1/busybox", "203.0.113.1").way.end == DELIVERED


@pytest.mark.parametrize("name", ["calico", "docker_overlay", "flannel_vxlan"])
def test_a_host_is_reached_by_its_card_and_not_by_what_all_hosts_have(name):
    found = walk(name, "node-1", "node-4")
    assert (found.way.source, found.way.destination) == ("192.168.1.68", "192.168.0.33")
    assert passed(found.way)[-1] == "node-4:eth0 in"


@pytest.mark.parametrize(
    ("destination", "source"),
    [("40.15.43.2", "40.15.43.2"), ("127.0.0.1", "127.0.0.1"), ("node-1/busybox", "40.15.43.2")],
)
def test_what_is_for_itself_goes_over_the_loopback_device_and_no_further(destination, source):
    found = walk("flannel_vxlan", "node-1/busybox", destination)
    assert found.back is not None
    for way in (found.way, found.back):
        assert (way.end, way.source) == (DELIVERED, source)
        assert passed(way) == ["node-1/busybox:lo out", "node-1/busybox:lo in"]


def test_rules_are_asked_for_what_is_for_itself():
    rule = "iptables -t filter -A INPUT -i lo -p icmp -j DROP"
    way = walk("flannel_vxlan", "node-1", "127.0.0.1", with_lines(("node-1", "host", "iptables", [rule]))).way
    assert (way.end, way.because) == (DROPPED, f"node-1 drops it in INPUT by the rule: {rule}")


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        (["create nobody hash:net family inet hashsize 1024 maxelem 65536"], DELIVERED),
        (["create nobody hash:net family inet hashsize 1024 maxelem 65536", "add nobody 40.15.43.0/24"], DROPPED),
    ],
)
def test_an_empty_set_has_nobody(lines, end):
    rule = "iptables -t filter -A DOCKER-USER -m set --match-set nobody src -j DROP"
    change = with_lines(("node-1", "host", "iptables", [rule]), ("node-1", "host", "sets", lines))
    way = walk("flannel_vxlan", "node-1/busybox", "node-4/busybox", change).way
    assert (way.end, [doubt for step in way.steps for doubt in step.doubts]) == (end, [])


def cut(host: str, name: str, device: str, *, forget: str = "") -> Callable[[str], str]:
    """A change by which a device sends nothing, and no neighbour of an address is known."""

    def change(text: str) -> str:
        found = json.loads(text)
        namespaces = [each for one in found["hosts"].values() for each in one["topology"]["namespaces"]]
        for each in namespaces if forget else ():
            each["tables"]["neighbours"] = [line for line in each["tables"]["neighbours"] if forget not in line]
        (there,) = [each for each in found["hosts"][host]["topology"]["namespaces"] if each["name"] == name]
        (end,) = [each for each in there["devices"] if each["name"] == device]
        end["impairment"] = "cut"
        return json.dumps(found)

    return change


@pytest.mark.parametrize(
    ("line", "because"),
    [
        (("node-3", "plain-node-3", "ethwe"), "node-3/plain-node-3:ethwe"),  # what it answers is lost
        (("node-3", "host", "vethwepl3593"), "node-3:vethwepl3593"),  # it is not asked
        (("node-1", "busybox-node-1", "ethwe0"), "node-1/busybox-node-1:ethwe0"),
        (("node-1", "host", "vethwlad1946016"), "node-1:vethwlad1946016"),
    ],
)
def test_over_a_line_that_is_cut_nobody_answers_who_has_an_address(line, because):
    way = walk("weave", "busybox-node-1", "plain-node-3", cut(*line, forget="172.111.222.97")).way
    assert (way.end, way.because) == (
        DROPPED,
        f"nobody can answer for 172.111.222.97 on ethwe0: {because} is cut, as impair.yml does it",
    )
    assert way.sights == []


def test_calico_is_routed_within_a_segment_and_tunnels_to_another():
    routed = walk("calico", "busybox-1", "busybox-2")
    assert kinds(routed.way) == ["name", "send", "route", "bridge", "route", "deliver"]
    assert "197.19.186.192/26 via 192.168.1.254 dev eth0 proto bird" in reasons(routed.way, "route")
    tunnelled = walk("calico", "busybox-1", "busybox-4")
    assert kinds(tunnelled.way) == ["name", "send", "route", "encapsulate", "route", "decapsulate", "route", "deliver"]
    vni = [header for header in at(tunnelled.way, "node-4:eth0", False).headers if header.name == "VXLAN"]
    assert [header.get("vni") for header in vni] == ["4096"]
    assert any("--match-set cali4-all-vxlan-net src" in line for line in reasons(tunnelled.way, "rule INPUT"))


def test_calico_by_ip_in_ip():
    change = replacing(
        ('"kind": "vxlan"', '"kind": "ipip"'),
        ("vxlan.calico", "tunl0"),
        ("vxlan id 4096 local 192.168.1.68 dstport 4789", "ipip local 192.168.1.68"),
        ("vxlan id 4096 local 192.168.0.33 dstport 4789", "ipip local 192.168.0.33"),
        ("vxlan id 4096 local 192.168.1.254 dstport 4789", "ipip local 192.168.1.254"),
        ("-p udp", "-p ipencap"),
        (" -m multiport --dports 4789", ""),
    )
    found = walk("calico", "busybox-1", "busybox-4", change)
    assert kinds(found.way) == ["name", "send", "route", "encapsulate", "route", "decapsulate", "route", "deliver"]
    outer = at(found.way, "node-1:eth0", True)
    assert [header.name for header in outer.headers] == ["Ethernet", "IPv4", "IPv4", "ICMP"]
    assert [header.get("to") for header in outer.headers if header.name == "IPv4"] == ["192.168.0.33", "197.19.65.133"]


def test_calico_drops_what_comes_from_another_network_and_says_by_which_rule():
    found = walk("calico", "busybox-1", "busybox-2b")
    assert (found.way.end, found.back) == (DROPPED, None)
    assert found.way.steps[-1].place == "node-2"
    assert "Drop if no profiles matched" in found.way.because


def test_an_overlay_is_in_a_namespace_of_its_own():
    found = walk("docker_overlay", "busybox-node-1", "busybox-node-4")
    assert kinds(found.way) == ["name", "send", "bridge", "encapsulate", "route", "decapsulate", "bridge", "deliver"]
    inside = [sight.label for sight in found.way.sights if sight.device == "vxlan0"]
    assert [label.partition("/")[0] for label in inside] == ["node-1", "node-4"]
    assert "The outer packet leaves from node-1, where the device was made." in found.way.steps[3].says
    assert found.back is not None
    assert found.back.end == DELIVERED


def test_weave_on_bridges():
    found = walk("weave", "busybox-node-1", "plain-node-3")
    assert kinds(found.way) == [
        "name", "send", "bridge", "bridge", "encapsulate", "bridge", "decapsulate", "bridge", "bridge", "deliver",
    ]  # fmt: skip
    assert found.way.destination == "172.111.222.97"  # of the network that both have, and not that of Docker's bridge
    assert found.back is not None
    assert passed(found.back)[-1] == "node-1/busybox-node-1:ethwe0 in"


def test_bridges_that_do_not_know_an_address_yet_are_searched_through():
    def forget(text: str) -> str:
        for known in ("dev vethwe-bridge master weave", "dev vxlan-6784 master datapath"):
            text = text.replace(f"82:88:5b:43:c8:9b {known}", f"82:88:5b:43:c8:90 {known}")
        return text

    found = walk("weave", "busybox-node-1", "plain-node-3", forget)
    assert found.way.end == DELIVERED
    assert [line for line in reasons(found.way, "FDB") if "not known on" in line] == [
        "82:88:5b:43:c8:9b: not known on weave yet; of all ports, vethwe-bridge leads there",
        "82:88:5b:43:c8:9b: not known on datapath yet; of all ports, vxlan-6784 leads there",
    ]


def test_what_flows_of_open_vswitch_decide_is_said_to_be_unknown():
    bridge = '"kind": "bridge",\n        "mac": "1e:ff:86:54:40:f2"'
    change = replacing((bridge, bridge.replace("bridge", "openvswitch")))
    found = walk("weave", "busybox-node-1", "plain-node-3", change)
    assert found.way.end == DELIVERED
    assert "The datapath datapath takes it. Its flows are not read" in " ".join(step.says for step in found.way.steps)
    doubts = [doubt for step in found.way.steps for doubt in step.doubts]
    assert doubts == ["how it gets from node-1 to node-3 is decided by Open vSwitch: look at what was seen"]


RAW_DROP = "iptables -t raw -A PREROUTING -p udp -m udp --dport 8472 -j DROP"
FLANNELD_FORWARD = 'iptables -t filter -A FORWARD -m comment --comment \\"flanneld forward\\" -j FLANNEL-FWD'
NO_RULE = "iptables -t filter -A NOWHERE -j ACCEPT"


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        (
            [("40.15.102.0/24 via 40.15.102.0 dev flannel.1 onlink", "unreachable 40.15.102.0/24")],
            "the route of node-1 to it is one that refuses: unreachable",
        ),
        (
            [("22:cf:5a:df:0b:f4 dev flannel.1 dst", "22:cf:5a:df:0b:f5 dev flannel.1 dst")],
            "flannel.1 knows no VTEP for 22:cf:5a:df:0b:f4",
        ),
        (
            [("iptables -t filter -A FORWARD -i docker0 ! -o docker0 -j ACCEPT", NO_RULE), (FLANNELD_FORWARD, NO_RULE)],
            "node-1 drops it in FORWARD by the rule: iptables -t filter :FORWARD DROP [0:0]",
        ),
        (
            [("iptables -t raw -A PREROUTING -j FLANNEL-ARRIVALS", RAW_DROP)],
            f"node-4 drops it in PREROUTING by the rule: {RAW_DROP}",
        ),
        (
            [("vxlan id 1 local 192.168.0.33 dstport 8472", "vxlan id 2 local 192.168.0.33 dstport 8472")],
            "node-4 has no VXLAN device for UDP port 8472 and the VNI 1",
        ),
    ],
)
def test_where_and_why_a_packet_is_lost(changes, because):
    way = walk("flannel_vxlan", "node-1/busybox", "node-4/busybox", replacing(*changes)).way
    assert (way.end, way.because) == (DROPPED, because)
    assert way.steps[-1].kind == "drop"


def test_what_cannot_be_computed_is_unknown_and_said():
    way = walk("flannel_vxlan", "node-1/busybox", "node-4/busybox", replacing(('"kind": "vxlan"', '"kind": "tun"'))).way
    assert way.end == UNKNOWN
    assert "what this kind of device (tun) does is not computed" in way.because
    assert way.steps[-1].kind == "unknown"


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        ("busybox", "node-1", "from: 'busybox' may be any of several: write node-1/busybox or"),
        ("node-1", "", "to: name a container, a host or an address, as to=node-1/busybox"),
        ("10.1.2.3", "node-1", "from: nobody has the address 10.1.2.3 of all who were seen"),
        ("node-1", "172.17.0.999", "to: '172.17.0.999' is neither a host"),
        ("node-1", "subnet-1", "nor a running container (busybox): write HOST, HOST/CONTAINER or an address"),
        ("node-1", "node-2:eth0", "nor a running container (busybox): write HOST, HOST/CONTAINER or an address"),
        ("node-1/busybox", "40.15.43.255", "to: 40.15.43.255 is a broadcast address, which all on a network hear"),
        ("node-1", "255.255.255.255", "to: 255.255.255.255 is a broadcast address"),
        ("node-1", "224.0.0.1", "to: 224.0.0.1 is a multicast address, which many may listen to: a walk follows"),
        ("node-1", "0.0.0.0", "to: 0.0.0.0 is nobody's address"),
        ("node-1", "fe80::99", "to: fe80::99 is an address that each link has others of"),
    ],
)
def test_ends_that_mean_nothing(source, destination, words):
    problems: list[str] = []
    assert compute_walk(recorded("flannel_vxlan"), Request(source, destination), problems) is None
    assert words in problems[0]
