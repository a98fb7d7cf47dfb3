# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains and sets of a Calico host: the documented rules, with the comments that real Felix gave them."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico import v3_rules
from ansible_collections.container_network.lab.plugins.module_utils.calico.felix_rules import (
    CHAIN_NAME_LENGTH,
    chain_name,
    chain_texts,
    selector_set,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.policy import (
    FLAT_DISPATCH,
    Policy,
    plan_policy,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.profiles import profile_spec
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    Node,
    Profile,
    WorkloadEndpoint,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput

NODES = {
    "node-1": Node("node-1", ipv4_address="192.168.1.68/24", ipv6_address="fd00:1::68/64"),
    "node-3": Node("node-3", ipv4_address="192.168.1.245/24", ipv6_address="fd00:1::245/64"),
}
POOL = IPPool("one", ipaddress.ip_network("197.19.0.0/16"), 26, nat_outgoing=True)
POOL6 = IPPool("six", ipaddress.ip_network("fd80:24e2:f998:72d6::/64"), 122)
DOCUMENTED_SET = "cali4-s:VFoIKKR-LOG_UuTlYqcKubo"


def endpoint(node: str, interface: str, network: str, *addresses: str) -> WorkloadEndpoint:
    return WorkloadEndpoint(node, interface[4:], addresses, (network,), interface=interface)


def snapshot(*endpoints: WorkloadEndpoint, **changes: Any) -> Snapshot:
    profiles = {name: Profile(name, profile_spec(name)) for name in ("calico-net-1", "calico-net-2")}
    return Snapshot(**{"pools": (POOL,), "nodes": NODES, "profiles": profiles, "endpoints": endpoints, **changes})


DOCUMENTED = snapshot(
    endpoint("node-1", "calia2656637189", "calico-net-1", "197.19.38.139/32"),
    endpoint("node-1", "calie889861df72", "calico-net-1", "197.19.38.140/32"),
    endpoint("node-1", "calib12b038e611", "calico-net-2", "197.19.38.141/32"),
    endpoint("node-3", "cali3a3a3a3a3a3", "calico-net-1", "197.19.26.7/32"),
)


def chain(policy: Policy, name: str, table: str = "filter") -> list[str]:
    return policy.chains.chains[(table, name)]


def members(policy: Policy, name: str) -> frozenset[str]:
    return next(each.members for each in policy.sets if each.name == name)


def test_documented_forward_chain() -> None:
    policy = plan_policy(DOCUMENTED, "node-1", 4)
    assert chain(policy, "cali-FORWARD") == [
        '-i cali+ -m comment --comment "cali:X3vB2lGcBrfkYquC" -j cali-from-wl-dispatch',
        '-o cali+ -m comment --comment "cali:UtJ9FnhBnFbyQMvU" -j cali-to-wl-dispatch',
        '-i cali+ -m comment --comment "cali:Tt19HcSdA5YIGSsw" -j ACCEPT',
        '-o cali+ -m comment --comment "cali:9LzfFCvnpC5_MYXm" -j ACCEPT',
    ]
    assert ("filter", "FORWARD", '-m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD') in policy.chains.top


def test_documented_dispatch() -> None:
    assert chain(plan_policy(DOCUMENTED, "node-1", 4), "cali-to-wl-dispatch") == [
        '-o calia2656637189 -m comment --comment "cali:TFwr8sfMnFH3BUla" -g cali-tw-calia2656637189',
        '-o calib12b038e611 -m comment --comment "cali:ZbRb0ozg-GGeUfRA" -g cali-tw-calib12b038e611',
        '-o calie889861df72 -m comment --comment "cali:5OoGv50NzX0sKdMg" -g cali-tw-calie889861df72',
        '-m comment --comment "cali:RvicCiwAy9cIEAKA" -m comment --comment "Unknown interface" -j DROP',
    ]


def test_documented_endpoint_chain() -> None:
    assert chain(plan_policy(DOCUMENTED, "node-1", 4), "cali-tw-calia2656637189") == [
        '-m comment --comment "cali:259EHpBvnovN8_q6" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        '-m comment --comment "cali:YLokMEiVkZggfg9R" -m conntrack --ctstate INVALID -j DROP',
        '-m comment --comment "cali:pp8a6fGxqaALtRK5" -j MARK --set-xmark 0x0/0x1000000',
        '-m comment --comment "cali:bgw2sCtlIfZjhXLA" -j cali-pri-calico-net-1',
        '-m comment --comment "cali:1Z2NvhoS27pP03Ll" -m comment --comment "Return if profile accepted" '
        "-m mark --mark 0x1000000/0x1000000 -j RETURN",
        '-m comment --comment "cali:mPb8hORsTXeVt7yC" -m comment --comment "Drop if no profiles matched" -j DROP',
    ]


def test_documented_profile_and_its_set() -> None:
    policy = plan_policy(DOCUMENTED, "node-1", 4)
    assert chain(policy, "cali-pri-calico-net-1") == [
        f'-m comment --comment "cali:Gvse2HBGxQ9omCdo" -m set --match-set {DOCUMENTED_SET} src '
        "-j MARK --set-xmark 0x1000000/0x1000000",
        '-m comment --comment "cali:0vZpvvDd_5bT7g_k" -m mark --mark 0x1000000/0x1000000 -j RETURN',
    ]
    assert members(policy, DOCUMENTED_SET) == {"197.19.38.139", "197.19.38.140", "197.19.26.7"}


def test_masquerading_as_real_calico_does() -> None:
    policy = plan_policy(DOCUMENTED, "node-1", 4)
    assert chain(policy, "cali-nat-outgoing", "nat") == [
        '-m comment --comment "cali:Wd76s91357Uv7N3v" -m set --match-set cali4-masq-ipam-pools src '
        "-m set ! --match-set cali4-all-ipam-pools dst -j MASQUERADE"
    ]
    assert members(policy, "cali4-masq-ipam-pools") == {"197.19.0.0/16"}
    assert ("nat", "POSTROUTING", '-m comment --comment "cali:O3lYWMrLQYEMJtB5" -j cali-POSTROUTING') in (
        policy.chains.top
    )


def test_containers_may_reach_their_host() -> None:
    policy = plan_policy(DOCUMENTED, "node-1", 4)
    assert chain(policy, "cali-wl-to-host") == [
        '-m comment --comment "cali:Ee9Sbo10IpVujdIY" -j cali-from-wl-dispatch',
        '-m comment --comment "cali:nSZbcOoG1xPONxb8" -m comment --comment "Configured DefaultEndpointToHostAction" '
        "-j ACCEPT",
    ]
    assert chain(plan_policy(DOCUMENTED, "node-1", 4, "DROP"), "cali-wl-to-host")[-1].endswith("-j DROP")
    assert ("filter", "INPUT", '-m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT') in policy.chains.top


def test_a_container_elsewhere_changes_a_set_and_no_chain() -> None:
    more = (*DOCUMENTED.endpoints, endpoint("node-3", "cali4b4b4b4b4b4", "calico-net-1", "197.19.26.8/32"))
    before, after = plan_policy(DOCUMENTED, "node-1", 4), plan_policy(snapshot(*more), "node-1", 4)
    assert before.chains == after.chains
    assert members(after, DOCUMENTED_SET) - members(before, DOCUMENTED_SET) == {"197.19.26.8"}


def test_many_endpoints_are_divided() -> None:
    many = [
        endpoint(
            "node-1",
            f"cali{number * 2654435761 % 16**11:011x}",
            "calico-net-1",
            f"197.19.{number // 250}.{number % 250}/32",
        )
        for number in range(1000)
    ]
    before = plan_policy(snapshot(*many[:-1]), "node-1", 4).chains.chains
    after = plan_policy(snapshot(*many), "node-1", 4).chains.chains
    assert len(after[("filter", "cali-to-wl-dispatch")]) <= 17
    changed = {name for name, rules in after.items() if before.get(name) != rules}
    assert len(changed) == 4, "the endpoint's two chains, and one branch in each direction"
    first = many[0].interface
    branch = after[("filter", f"cali-to-wl-dispatch-{first[4]}")]
    assert any(f"-o {first} " in rule and f"-g cali-tw-{first}" in rule for rule in branch)
    assert branch[-1].endswith('--comment "Unknown interface" -j DROP')


def test_a_few_endpoints_that_begin_alike_stand_in_one_chain() -> None:
    alike = [
        endpoint("node-1", f"cali{number:011x}", "calico-net-1", f"197.19.38.{number}/32")
        for number in range(FLAT_DISPATCH)
    ]
    assert len(chain(plan_policy(snapshot(*alike), "node-1", 4), "cali-to-wl-dispatch")) == FLAT_DISPATCH + 1


def test_ipv6_has_chains_and_sets_of_its_own() -> None:
    both = snapshot(
        endpoint("node-1", "calia2656637189", "calico-net-1", "197.19.38.139/32", "fd80:24e2:f998:72d6::1/128"),
        pools=(POOL, POOL6),
    )
    policy = plan_policy(both, "node-1", 6)
    assert policy.chains.ip_version == "ipv6"
    assert members(policy, selector_set(6, "has(calico-net-1)")) == {"fd80:24e2:f998:72d6::1"}
    assert chain(policy, "cali-wl-to-host")[0] == (
        f'-p ipv6-icmp -m comment --comment "cali:{_digest(chain(policy, "cali-wl-to-host")[0])}" '
        "-m icmp6 --icmpv6-type 130 -j ACCEPT"
    )
    assert "-m rpfilter --validmark --invert -j DROP" in chain(policy, "cali-PREROUTING", "raw")[0]


def _digest(rule: str) -> str:
    return rule.partition('"cali:')[2][:16]


def without_comment(texts: list[str]) -> list[str]:
    return [text.replace(f'-m comment --comment "cali:{_digest(text)}" ', "") for text in texts]


ACCEPTED = ["-j MARK --set-xmark 0x1000000/0x1000000", "-m mark --mark 0x1000000/0x1000000 -j RETURN"]


def rules(direction: str, *declared: dict[str, Any]) -> list[str]:
    spec = profile_spec("web", default=False, **{direction: declared})
    return without_comment(chain_texts("cali-pri-web", v3_rules.rule_chain(spec[direction], 4)))


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, ACCEPTED),
        (
            {"protocol": "tcp", "ports": ["80"]},
            ["-p tcp -m multiport --dports 80 -j MARK --set-xmark 0x1000000/0x1000000", ACCEPTED[1]],
        ),
        ({"protocol": "icmp"}, ["-p icmp -j MARK --set-xmark 0x1000000/0x1000000", ACCEPTED[1]]),
        ({"action": "deny", "cidr": "10.0.0.0/8"}, ["-s 10.0.0.0/8 -j DROP"]),
        ({"action": "deny", "cidr": "fd00::/8"}, []),
        ({"protocol": "icmp", "cidr": "fd00::/8"}, []),
        (
            {"action": "deny", "protocol": "udp", "network": "calico-net-1", "ports": ["53", "8000:8100"]},
            [f"-p udp -m set --match-set {DOCUMENTED_SET} src -m multiport --dports 53,8000:8100 -j DROP"],
        ),
    ],
)
def test_declared_ingress(declared: dict[str, Any], expected: list[str]) -> None:
    assert rules("ingress", declared) == expected


def test_declared_egress_is_about_the_destination() -> None:
    declared = {"action": "deny", "protocol": "tcp", "ports": ["22"], "cidr": "10.0.0.0/8", "network": "calico-net-1"}
    assert rules("egress", declared) == [
        f"-d 10.0.0.0/8 -p tcp -m set --match-set {DOCUMENTED_SET} dst -m multiport --dports 22 -j DROP"
    ]


def test_what_is_declared_badly_is_refused_together() -> None:
    with pytest.raises(InvalidInput) as refused:
        profile_spec(
            "web",
            ingress=[{"ports": ["80"]}],
            egress=[{"cidr": "10.0.0.1/8", "protocol": "tcp", "ports": ["0", "9:8"]}],
        )
    text = str(refused.value)
    for part in (
        "profile web: ingress[0]: ports 80 need protocol tcp or udp",
        "egress[0]: cidr: 10.0.0.1/8 has host bits set",
        "egress[0]: port '0'",
        "egress[0]: port '9:8'",
    ):
        assert part in text


def test_many_ports_need_several_rules() -> None:
    declared = {"action": "deny", "protocol": "tcp", "ports": [*map(str, range(1, 15)), "100:200", "300"]}
    ports = [text.partition("--dports ")[2].split()[0] for text in rules("ingress", declared)]
    assert ports == [",".join(map(str, range(1, 15))), "100:200,300"]


def test_a_profile_that_cannot_be_enforced_lets_nothing_through() -> None:
    web = {
        "ingress": [
            {"action": "Mirror"},
            {"action": "Allow", "protocol": "TCP", "source": {"selector": "a && b", "serviceAccounts": {}}},
            {"action": "Allow", "protocol": "TCP", "destination": {"ports": [0]}},
        ]
    }
    broken = {"calico-net-1": Profile("calico-net-1", web)}
    policy = plan_policy(snapshot(*DOCUMENTED.endpoints, profiles=broken), "node-1", 4)
    assert chain(policy, "cali-pri-calico-net-1") == chain(policy, "cali-pri-calico-net-2") == []
    text = "\n".join(policy.warnings)
    for part in (
        "ingress[0]: action 'Mirror'",
        "'a && b'",
        "'source.serviceAccounts'",
        "port '0'",
        "calico-net-2 is not in",
    ):
        assert part in text


def test_names_too_long_for_the_kernel_are_hashed() -> None:
    name = chain_name("cali-pri-", "a-network-with-a-long-name")
    assert len(name) == CHAIN_NAME_LENGTH
    assert name.startswith("cali-pri-_")
    assert name != chain_name("cali-pri-", "a-network-with-a-long-name-2")
