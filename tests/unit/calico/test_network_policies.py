# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies that somebody stored: which apply to an endpoint, in which order, and their chains in Felix's shapes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.felix_rules import (
    chain_name,
    nets_set,
    selector_set,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.policy import Policy, plan_policy
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    RESOURCES,
    Node,
    Profile,
    Resource,
    WorkloadEndpoint,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot

INTERFACE = "cali0123456789a"
ACCEPT = ["-j MARK --set-xmark 0x1000000/0x1000000", "-m mark --mark 0x1000000/0x1000000 -j RETURN"]
PASS = ["-j MARK --set-xmark 0x2000000/0x2000000", "-m mark --mark 0x2000000/0x2000000 -j RETURN"]
PROFILES = [
    "-j cali-pri-net",
    '-m comment --comment "Return if profile accepted" -m mark --mark 0x1000000/0x1000000 -j RETURN',
    '-m comment --comment "Drop if no profiles matched" -j DROP',
]


def stored(resource: Resource) -> dict[str, str]:
    return {resource.key: resource.document(None, "uid", "2026-01-01T00:00:00Z")}


def policy(name: str, namespace: str = "", **spec: Any) -> dict[str, str]:
    """As calicoctl stores one: with the prefix of the tier in its name."""
    metadata = {"name": f"default.{name}", **({"namespace": namespace} if namespace else {})}
    plural = f"networkpolicies/{namespace}" if namespace else "globalnetworkpolicies"
    kind = "NetworkPolicy" if namespace else "GlobalNetworkPolicy"
    document = {"kind": kind, "apiVersion": "projectcalico.org/v3", "metadata": metadata, "spec": spec}
    return {f"{RESOURCES}{plural}/default.{name}": json.dumps(document)}


def plan(*policies: dict[str, str], labels: dict[str, str] | None = None) -> Policy:
    """The policy of node-1, which has a container with these labels on the network net; another is on node-2."""
    items: dict[str, str] = {}
    for name, address in (("node-1", "192.168.1.68/24"), ("node-2", "192.168.1.254/24")):
        items.update(stored(Node(name, address).resource()))
    items.update(stored(Profile("net", {"labelsToApply": {"net": "", "role": "from the profile"}}).resource()))
    for node, address, endpoint_id in (("node-1", "17.2.0.9/32", INTERFACE[4:]), ("node-2", "17.2.0.10/32", "f" * 11)):
        endpoint = WorkloadEndpoint(
            node, endpoint_id, (address,), ("net",), interface=f"cali{endpoint_id}", labels=labels or {}
        )
        items.update(stored(endpoint.resource()))
    for one in policies:
        items.update(one)
    return plan_policy(Snapshot.from_items(items), "node-1", 4)


def rules(planned: Policy, chain: str) -> list[str]:
    """A chain without the hashes."""
    texts = planned.chains.chains[("filter", chain)]
    return [re.sub('-m comment --comment "cali:[^"]*" ', "", text) for text in texts]


def policy_rules(planned: Policy, direction: str = "tw") -> list[str]:
    """What is between the endpoint's first rules and those of its profiles."""
    found = rules(planned, f"cali-{direction}-{INTERFACE}")
    begin = next((n for n, text in enumerate(found) if "Start of policies" in text), None)
    end = next((n for n, text in enumerate(found) if "no policies passed" in text), 0)
    return [] if begin is None else found[begin : end + 1]


def test_a_policy_is_asked_before_the_profiles() -> None:
    planned = plan(policy("deny", selector="has(net)", types=["Ingress"]))
    assert rules(planned, f"cali-tw-{INTERFACE}")[3:] == [
        '-m comment --comment "Start of policies" -j MARK --set-xmark 0x0/0x2000000',
        "-m mark --mark 0x0/0x2000000 -j cali-pi-default.deny",
        '-m comment --comment "Return if policy accepted" -m mark --mark 0x1000000/0x1000000 -j RETURN',
        '-m comment --comment "Drop if no policies passed packet" -m mark --mark 0x0/0x2000000 -j DROP',
        *PROFILES,
    ]
    assert rules(planned, "cali-pi-default.deny") == []
    assert policy_rules(planned, "fw") == []


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        ({}, True, False),
        ({"ingress": [{"action": "Allow"}]}, True, False),
        ({"egress": [{"action": "Allow"}]}, False, True),
        ({"ingress": [{"action": "Allow"}], "egress": [{"action": "Allow"}]}, True, True),
        ({"types": ["Egress"], "ingress": [{"action": "Allow"}]}, False, True),
        ({"preDNAT": True, "applyOnForward": True}, False, False),
        ({"doNotTrack": True, "applyOnForward": True}, False, False),
    ],
)
def test_directions(spec: dict[str, Any], ingress: bool, egress: bool) -> None:
    planned = plan(policy("one", **spec))
    assert [bool(policy_rules(planned, direction)) for direction in ("tw", "fw")] == [ingress, egress]


def test_policies_are_asked_in_their_order_and_then_by_name() -> None:
    planned = plan(policy("last"), policy("c", order=5), policy("b", order=10.5), policy("a", order=10.5))
    jumps = [text.rpartition(" ")[2] for text in policy_rules(planned) if "-j cali-pi-" in text]
    assert jumps == ["cali-pi-default.c", "cali-pi-default.a", "cali-pi-default.b", "cali-pi-default.last"]


@pytest.mark.parametrize(
    ("selector", "labels", "applies"),
    [
        ("", {}, True),
        ("has(net)", {}, True),
        ("role == 'from the profile'", {}, True),
        ("role == 'from the profile'", {"role": "its own"}, False),
        ("org.projectcalico.label.container == 'web'", {"org.projectcalico.label.container": "web"}, True),
        ("projectcalico.org/orchestrator == 'libnetwork'", {}, True),
        ("projectcalico.org/orchestrator == 'k8s'", {}, False),
    ],
)
def test_whom_a_policy_selects(selector: str, labels: dict[str, str], applies: bool) -> None:
    planned = plan(policy("one", selector=selector), labels=labels)
    assert bool(policy_rules(planned)) is applies
    assert (("filter", "cali-pi-default.one") in planned.chains.chains) is applies


def test_a_policy_of_a_namespace_is_for_that_alone_and_so_are_its_rules() -> None:
    rule = {"action": "Allow", "source": {"selector": "has(net)"}}
    planned = plan(policy("in", "libnetwork", ingress=[rule]), policy("out", "default", ingress=[rule]))
    name = chain_name("cali-pi-", "libnetwork/default.in")
    assert [text for text in policy_rules(planned) if "-j cali-pi" in text] == [
        f"-m mark --mark 0x0/0x2000000 -j {name}"
    ]
    chosen = selector_set(4, '(projectcalico.org/namespace == "libnetwork" && has(net))')
    assert rules(planned, name)[0] == f"-m set --match-set {chosen} src {ACCEPT[0]}"
    (members,) = [one.members for one in planned.sets if one.name == chosen]
    assert members == {"17.2.0.9", "17.2.0.10"}


@pytest.mark.parametrize("name", ["namespaceSelector", "serviceAccountSelector"])
def test_selectors_of_what_docker_has_not_select_no_container(name: str) -> None:
    assert policy_rules(plan(policy("one", **{name: "has(team)"}))) == []
    assert policy_rules(plan(policy("one", **{name: "!has(team)"})))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"action": "Allow"}, ACCEPT),
        ({"action": "allow"}, ACCEPT),
        ({"action": "Pass"}, PASS),
        ({"action": "Log"}, ['-j LOG --log-prefix "calico-packet: " --log-level 5']),
        (
            {"action": "Deny", "notProtocol": "TCP", "source": {"nets": ["10.0.0.0/8"]}},
            ["-s 10.0.0.0/8 ! -p tcp -j DROP"],
        ),
        (
            {"action": "Deny", "protocol": "UDP", "destination": {"notPorts": [53, "8000:8100"]}},
            ["-p udp -m multiport ! --dports 53,8000:8100 -j DROP"],
        ),
        ({"action": "Deny", "protocol": "ICMP", "notICMP": {"type": 8}}, ["-p icmp -m icmp ! --icmp-type 8 -j DROP"]),
        (
            {"action": "Deny", "source": {"notSelector": "has(net)"}},
            [f"-m set ! --match-set {selector_set(4, 'has(net)')} src -j DROP"],
        ),
        (
            {"action": "Deny", "source": {"notNets": ["10.0.0.0/8", "fd00::/8", "192.168.0.0/16"]}},
            [f"-m set ! --match-set {nets_set(4, ('10.0.0.0/8', '192.168.0.0/16'))} src -j DROP"],
        ),
        ({"action": "Deny", "ipVersion": 6}, []),
        ({"action": "Deny", "protocol": "ICMPv6"}, []),
        ({"action": "Deny", "protocol": 47, "source": {"nets": []}}, ["-p 47 -j DROP"]),
    ],
)
def test_rules_of_policies(rule: dict[str, Any], expected: list[str]) -> None:
    planned = plan(policy("one", ingress=[rule]))
    assert planned.warnings == ()
    assert rules(planned, "cali-pi-default.one") == expected
    named = {match for text in expected for match in re.findall(r"--match-set (\S+)", text)}
    assert named <= {one.name for one in planned.sets}


def test_excluded_networks_are_a_set() -> None:
    planned = plan(policy("one", egress=[{"action": "Deny", "destination": {"notNets": ["10.0.0.0/8"]}}]))
    (members,) = [one.members for one in planned.sets if one.name == nets_set(4, ("10.0.0.0/8",))]
    assert members == {"10.0.0.0/8"}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"action": "Mirror"}, "action 'Mirror'"),
        ({"action": "Allow", "http": {"methods": ["GET"]}}, "'http' is not supported"),
        ({"action": "Allow", "source": {"serviceAccounts": {}}}, "'source.serviceAccounts' is not supported"),
        ({"action": "Allow", "source": {"namespaceSelector": "has(team)"}}, "there are no namespaces here"),
        ({"action": "Allow", "protocol": "TCP", "destination": {"ports": ["http"]}}, "port 'http'"),
        ({"action": "Allow", "source": {"nets": "10.0.0.0/33"}}, "'10.0.0.0/33' is no network"),
        ({"action": "Allow", "source": {"selector": "a b"}}, "'a b'"),
        ({"action": "Allow", "protocol": "ICMP", "icmp": {"type": "echo"}}, "icmp.type 'echo'"),
        ({"action": "Allow", "source": "10.0.0.0/8"}, "source is no object"),
        ("Allow", "it is no rule"),
    ],
)
def test_what_cannot_be_enforced_lets_nothing_through_and_is_said(rule: Any, words: str) -> None:
    planned = plan(policy("one", ingress=[rule, {"action": "Allow"}]))
    (warning,) = planned.warnings
    assert words in warning
    assert warning.startswith("policy default.one, ingress[0]: ")
    assert warning.endswith("the containers that it selects are cut off")
    assert rules(planned, "cali-pi-default.one") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "{}",
        '{"metadata": {"name": "x"}, "spec": {"selector": "a b"}}',
        '{"metadata": {"name": "x"}, "spec": {"order": "soon"}}',
    ],
)
def test_a_document_that_is_no_policy_is_named(text: str) -> None:
    planned = plan({f"{RESOURCES}globalnetworkpolicies/default.x": text})
    assert planned.warnings == (f"{RESOURCES}globalnetworkpolicies/default.x cannot be read, and is not enforced",)
    assert policy_rules(planned) == []
