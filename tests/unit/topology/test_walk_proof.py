# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of a packet beside what was computed: headers, rules, losses, and the text of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ansible_collections.container_network.lab.plugins.filter.walk import topology_walk, topology_walk_report
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.compute import compute_walk
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.decode import headers_of
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.packet import Header
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.proof import Proof, prove
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.request import Request
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.seen import (
    Met,
    Observations,
    Seen,
    met_of,
)
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.steps import Sight, Walk
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.text import (
    outcome,
    summary,
    walk_text,
)
from tests.support.recorded_topologies import recorded, recorded_results

ETHERNET, TUNNEL = 1, 768
MACS = "027787b376a80295b5209850"  # to, from
IP = "4500003c000040004001000028" + "0f2b02280f1a02"
ECHO = "0800000012340001"


def walk(source: str = "node-1/busybox", destination: str = "node-4/busybox", name: str = "flannel_vxlan") -> Walk:
    found = compute_walk(recorded(name), Request(source, destination), [])
    assert found is not None
    return found


def observed(sights: Sequence[Sight], **values: object) -> Observations:
    """Sights as if they had been seen one after the other, each a tenth of a millisecond later."""
    seen = tuple(Seen(sight, 1_000_000_000 + n * 100_000) for n, sight in enumerate(sights))
    return replace(Observations(seen, (), {}, {}, 0, 0.001), **values)


def all_of(found: Walk) -> list[Sight]:
    assert found.back is not None
    return [*found.way.sights, *found.back.sights]


def said(headers: Sequence[Header]) -> list[str]:
    return [f"{header.name} {header.describe()}" for header in headers]


def test_headers_of_what_was_seen():
    inner = f"{MACS}0800{IP}{ECHO}"
    vxlan = f"{MACS}08004500005a0000400040110000c0a80144c0a80021b1002118004600000800000000000100{inner}"
    assert said(headers_of(bytes.fromhex(vxlan), ETHERNET)) == [
        "Ethernet 02:95:b5:20:98:50 > 02:77:87:b3:76:a8",
        "IPv4 192.168.1.68 > 192.168.0.33 ttl 64",
        "UDP source port 45312 port 8472",
        "VXLAN vni 1",
        "Ethernet 02:95:b5:20:98:50 > 02:77:87:b3:76:a8",
        "IPv4 40.15.43.2 > 40.15.26.2 ttl 64",
        "ICMP type echo request",
    ]
    ipip = f"450000500000400040040000c0a80144c0a80021{IP}0000000012340001"
    assert said(headers_of(bytes.fromhex(ipip), TUNNEL))[1:] == [
        "IPv4 40.15.43.2 > 40.15.26.2 ttl 64",
        "ICMP type echo reply",
    ]
    refused = headers_of(bytes.fromhex(f"{MACS}0800{IP}030a0000"), ETHERNET)
    assert said(refused)[-1] == "ICMP type destination unreachable, host prohibited"
    assert headers_of(b"\x02", ETHERNET) == ()


def test_all_was_seen_as_it_was_computed():
    found = walk()
    proof = prove(found, observed(all_of(found)))
    assert proof.agrees
    assert proof.answered
    assert proof.way.says == "Proven: seen on all 14 devices, as computed."
    times = [sight.after for sight in proof.way.sights]
    assert times[:3] == pytest.approx([0, 0.0001, 0.0002])
    text = walk_text(found, proof)
    assert "✔ node-1:eth0 +0.400 ms → ✔ underlay-four_nodes:node-1-eth0" in text
    assert "✖" not in text
    assert summary(found, proof) == "Computed: it arrives. Sent, and seen as computed."
    assert outcome(found, proof) == "delivered"


def test_times_of_hosts_with_a_clock_of_their_own_are_not_compared():
    found = walk()
    other = [replace(sight, namespace=sight.namespace.replace("boot", "other")) for sight in all_of(found)[:1]]
    proof = prove(found, observed([*other, *all_of(found)]))
    assert [sight.after for sight in proof.way.sights] == [None] * 14


def test_what_differs_is_named_and_what_was_seen_elsewhere_too():
    found = walk()
    sights = all_of(found)
    wrong = replace(sights[0], headers=tuple(_with(header, "ttl", "63") for header in sights[0].headers))
    flood = replace(sights[1], device="veth99", label="node-1:veth99")
    proof = prove(found, observed([wrong, *sights[1:], flood]))
    assert not proof.agrees
    assert proof.way.says == "Seen on 14 of 14 devices, and otherwise than computed on 1 of them."
    assert proof.way.sights[0].differences == ("IPv4 ttl: computed 64, seen 63",)
    assert [seen.sight.label for seen in proof.elsewhere] == ["node-1:veth99"]
    text = walk_text(found, proof)
    assert "! node-1/busybox:eth0: IPv4 ttl: computed 64, seen 63" in text
    assert "SEEN ELSEWHERE" in text


def _with(header: Header, key: str, value: str) -> Header:
    return Header(header.name, tuple((name, value if name == key else old) for name, old in header.fields))


def lost(found: Walk, seen: int, **values: object) -> Proof:
    return prove(found, observed(found.way.sights[:seen], answered_after=None, **values))


def test_where_it_was_lost_and_by_which_rule():
    found = walk()
    host = found.way.steps[1].namespace
    rule = "iptables -t filter -A DOCKER-USER -p icmp -j DROP"
    proof = lost(found, 3, met=(Met(host, "40.15.43.2", "40.15.102.2", "DROP", rule),))
    assert proof.way.says == "It was lost: last seen on node-1:docker0, and not on node-1:flannel.1 any more."
    assert proof.way.lost == (f"node-1 dropped it by the rule: {rule}",)
    assert proof.way.steps[1].further == (rule,)
    text = walk_text(found, proof)
    assert f"! rule, not computed {rule}" in text
    assert "✖ node-1:flannel.1" in text
    assert outcome(found, proof) == "dropped"
    assert "THE WAY   It was lost" in text


def test_drops_of_other_packets_do_not_count():
    found = walk()
    host = found.way.steps[1].namespace
    proof = lost(found, 3, met=(Met(host, "10.0.0.1", "10.0.0.2", "DROP", "a rule"),))
    assert proof.way.lost == ()


def test_where_no_rule_was_told_counters_are():
    found = walk()
    host = found.way.steps[1].namespace
    hint = "meanwhile this rule has dropped 1: iptables -t filter -A FORWARD -j DROP"
    proof = lost(found, 3, hints={host: (hint,)}, untraced={host: "node-1 lacks nft."})
    assert proof.way.lost == (f"node-1: {hint}",)
    assert "The kernel was not asked for rules: node-1 lacks nft." in proof.notes


def test_a_computed_drop_is_proven_by_the_rule_and_refuted_by_what_goes_on():
    found = walk("busybox-1", "busybox-2b", "calico")
    rule = found.way.because.partition("by the rule: ")[2]
    last = found.way.steps[-1]
    met = Met(last.namespace, found.way.source, found.way.destination, "DROP", rule.replace('"', ""))
    proof = prove(found, observed(found.way.sights, met=(met,), answered_after=None))
    assert proof.agrees
    assert proof.way.says == "Proven: it comes as far as computed, and no further."
    assert proof.way.steps[-1].confirmed == (rule,)
    assert proof.way.lost == (f"node-2 dropped it by the rule: {met.line}",)
    beyond = replace(found.way.sights[-1], device="cali1", label="node-2:cali1", outgoing=True)
    refuted = prove(found, observed([*found.way.sights, beyond]))
    assert not refuted.agrees
    assert refuted.way.says == "It goes on where no way was computed: seen on node-2:cali1."


def test_what_could_not_be_sent():
    found = walk()
    proof = prove(found, observed([], answered_after=None, problem="node-1 cannot send the marked packet"))
    assert proof.way.says == "It was seen nowhere."
    assert proof.notes == ("The packet could not be sent: node-1 cannot send the marked packet",)


def test_what_is_for_itself_is_proven_on_the_loopback_device():
    found = walk("node-1/busybox", "40.15.43.2")
    proof = prove(found, observed(all_of(found)))
    assert (proof.agrees, proof.way.says) == (True, "Proven: seen on all 2 devices, as computed.")
    assert proof.elsewhere == ()
    assert not prove(found, observed([], answered_after=None)).agrees


TRACE = """\
PACKET: 2 d76c7b2e IN=docker0 OUT=eth0 MACSRC=2:42:28:f:2b:2 SRC=40.15.43.2 DST=192.168.1.254 LEN=84 TTL=63 ID=57365 DF
TRACE: 2 d76c7b2e mangle:FORWARD:policy:ACCEPT
TRACE: 2 d76c7b2e filter:FORWARD:rule:0x27:JUMP:DOCKER-USER  iptables -t filter -A FORWARD -j DOCKER-USER
TRACE: 2 d76c7b2e filter:DOCKER-USER:rule:0x8:0xfffffffb  iptables -t filter -A DOCKER-USER -j RETURN
TRACE: 2 d76c7b2e filter:FORWARD:rule:0x21:ACCEPT  iptables -t filter -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
PACKET: 1 11111111 IN=eth0 NFPROTO=2 SRC=10.0.0.1 DST=10.0.0.2 LEN=84 TTL=63
TRACE: 1 11111111 firewall:input:rule:0x3:DROP
TRACE: 2 d76c7b2e filter:FORWARD:policy:DROP"""


def test_rules_that_the_kernel_told():
    met = met_of("host", TRACE.splitlines())
    assert [(each.verdict, each.line) for each in met] == [
        ("JUMP:DOCKER-USER", "iptables -t filter -A FORWARD -j DOCKER-USER"),
        ("0xfffffffb", "iptables -t filter -A DOCKER-USER -j RETURN"),
        ("ACCEPT", "iptables -t filter -A FORWARD -i docker0 ! -o docker0 -j ACCEPT"),
        ("DROP", "a rule of the chain input in the table firewall of nftables"),
        ("DROP", "iptables -t filter :FORWARD DROP"),
    ]
    assert {(each.source, each.destination) for each in met if each.line.startswith("iptables")} == {
        ("40.15.43.2", "192.168.1.254")
    }


def test_the_plan_watches_each_namespace_once_and_asks_for_rules_where_it_comes_by():
    results, routers = recorded_results("flannel_vxlan")
    plan = topology_walk(results, "node-1/busybox", "node-4/busybox", routers)
    assert plan["problems"] == []
    assert plan["sender"]["host"] == "node-1"
    assert (plan["sender"]["source"], plan["sender"]["destination"]) == ("40.15.43.2", "40.15.102.2")
    assert plan["lookup"] == {"host": "node-1", "netns": plan["sender"]["netns"], "server": "", "name": ""}
    watched = plan["watched"]
    identities = [each["id"] for entries in watched.values() for each in entries]
    assert len(identities) == len(set(identities))
    assert set(watched) == {"node-1", "node-2", "node-4", "localhost"}
    assert [each["trace"] for each in watched["node-2"]] == [True, False]
    assert [each["netns"] is None for each in watched["node-2"]] == [True, False]


@pytest.mark.parametrize("sent", [None, {"answered_after": None, "problem": ""}])
def test_the_report(sent):
    results, routers = recorded_results("flannel_vxlan")
    report = topology_walk_report(results, "node-1/busybox", "node-4/busybox", routers, {}, sent)
    assert report["outcome"] == ("dropped" if sent else "delivered")
    assert ("agrees" in report["document"]) == bool(sent)
    first = report["document"]["way"]["steps"][0]
    assert first["passes"][0]["headers"][1] == {"name": "IPv4", "from": "40.15.43.2", "to": "40.15.102.2", "ttl": "64"}


def test_of_a_rule_that_is_told_by_its_chain_the_computed_one_is_meant():
    lines = [
        "PACKET: 10 aa IN=a OUT=b SRC=fd00:7:0:0:0:0:0:1 DST=fd00:8::1 LEN=60",
        "TRACE: 10 aa filter:FORWARD:rule:0x3:DROP  ip6tables -t filter",
    ]
    (met,) = met_of("host", lines)
    assert (met.line, met.whole, met.source) == ("ip6tables -t filter -A FORWARD", False, "fd00:7::1")
    found = walk("busybox-1", "busybox-2b", "calico")
    rule = found.way.because.partition("by the rule: ")[2]
    head = " ".join(rule.split()[:5])
    told = Met(found.way.steps[-1].namespace, found.way.source, found.way.destination, "DROP", head, whole=False)
    proof = prove(found, observed(found.way.sights, met=(told,), answered_after=None))
    assert proof.way.lost == (f"node-2 dropped it by the rule: {rule}",)
