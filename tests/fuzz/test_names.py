# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever people call a network, a container or an alias: its name touches nothing but itself."""

from __future__ import annotations

import ipaddress
import re

from hypothesis import given, strategies

from ansible_collections.container_network.lab.plugins.module_utils.calico import felix_rules, v3_rules
from ansible_collections.container_network.lab.plugins.module_utils.calico.policy import plan_policy
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.profiles import profile_of, profile_spec
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    Node,
    Profile,
    WorkloadEndpoint,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot as CalicoSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.datastore.keys import key_part, name_of_part
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_names import (
    ContainerName,
    answers,
    hosts_text,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel.command import script
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import (
    OverlayEndpoint,
    address_key,
)
from ansible_collections.container_network.lab.plugins.module_utils.overlay.networks import AgreedNetwork
from ansible_collections.container_network.lab.plugins.module_utils.overlay.snapshot import Snapshot as OverlaySnapshot
from tests.support.fuzzing import fuzzed

TYPED = ["my net", "team/net", "web@prod", "网络", "my.net.", "cal_net_", "x -j ACCEPT", "a\nb", "-", "%2F", "n" * 200]
LOOKS_SAFE = strategies.from_regex(r"[a-z]{1,4}-[0-9a-f]{16}", fullmatch=True)
NAMES = strategies.one_of(strategies.sampled_from(TYPED), strategies.text(min_size=1), LOOKS_SAFE)
PAIRS = strategies.tuples(NAMES, NAMES).filter(lambda pair: pair[0] != pair[1])


@given(NAMES)
@fuzzed
def test_a_profile_is_enforceable_and_its_rules_are_lines_of_known_words(network: str) -> None:
    name = profile_of(network)
    profile = Profile(name, profile_spec(name))
    assert v3_rules.rule_problems(name, profile.spec) == []
    assert profile.resource().key.rpartition("/")[2] == name
    endpoint = WorkloadEndpoint.of_container("host1", "a" * 64, ("10.0.0.1/32",), (name,))
    snapshot = CalicoSnapshot(
        pools=(IPPool("pool", ipaddress.ip_network("10.0.0.0/24"), 26),),
        nodes={"host1": Node("host1", "192.0.2.1/24")},
        profiles={name: profile},
        endpoints=(endpoint,),
    )
    policy = plan_policy(snapshot, "host1", 4)
    assert policy.warnings == ()
    rules = {rule for rules in policy.chains.chains.values() for rule in rules}
    jumps = {rule.split()[-1] for rule in rules if " -j cali-p" in rule}
    assert jumps == {felix_rules.chain_name(prefix, name) for prefix in ("cali-pri-", "cali-pro-")}
    assert all(re.fullmatch(r"cali[A-Za-z0-9_.:/-]{1,24}", chain) for _table, chain in policy.chains.chains)
    assert [sorted(one.members) for one in policy.sets if "-s:" in one.name] == [["10.0.0.1"]]
    script(rules)


@given(PAIRS)
@fuzzed
def test_two_networks_never_share_a_profile(networks: tuple[str, str]) -> None:
    first, second = map(profile_of, networks)
    assert first != second


@given(strategies.text())
@fuzzed
def test_a_chain_is_one_word_whoever_stored_the_profile(name: str) -> None:
    assert re.fullmatch(r"cali-pri-[A-Za-z0-9_.:/-]+", felix_rules.chain_name("cali-pri-", name))


@given(PAIRS)
@fuzzed
def test_overlays_are_told_apart_by_their_keys(names: tuple[str, str]) -> None:
    endpoints = [OverlayEndpoint.of_address(name, "e" * 64, "host1", "192.0.2.1", "10.0.0.2/24") for name in names]
    items = {endpoint.key: endpoint.named(name).text() for endpoint, name in zip(endpoints, names)}
    items.update({address_key(name, "10.0.0.2"): "host1" for name in names})
    subnet, gateway = ipaddress.IPv4Network("10.0.0.0/24"), ipaddress.IPv4Address("10.0.0.1")
    networks = {name: AgreedNetwork(name, subnet, gateway, 256, 1450) for name in names}
    items.update({network.key: network.text() for network in networks.values()})
    snapshot = OverlaySnapshot.from_items(items)
    assert dict(snapshot.networks) == networks
    assert sorted((one.network, one.container) for one in snapshot.endpoints) == sorted((name, name) for name in names)
    assert {name: dict(found) for name, found in snapshot.addresses.items()} == {
        name: {"10.0.0.2": "host1"} for name in names
    }


@given(strategies.text())
@fuzzed
def test_a_part_of_a_key_is_read_back_and_divides_nothing(name: str) -> None:
    part = key_part(name)
    assert "/" not in part
    assert name_of_part(part) == name


@given(NAMES, strategies.lists(strategies.text(), max_size=3))
@fuzzed
def test_a_hosts_file_says_nothing_of_other_names_and_addresses(network: str, aliases: list[str]) -> None:
    names = [
        ContainerName("first", "net1", ("10.0.0.1",), 1),
        ContainerName("odd", network, ("10.0.0.2",), 2, aliases=tuple(aliases)),
    ]
    lines = hosts_text(answers(names)).split("\n")
    assert lines[0] == "10.0.0.1 first.net1.container first"
    assert len(lines) == 3
    address, *found = lines[1].split(" ")
    assert address == "10.0.0.2"
    assert "first" not in found
    assert len(found) == len(set(map(str.lower, found)))
    assert all(re.fullmatch(r"[A-Za-z0-9_@+-]{1,63}(\.[A-Za-z0-9_@+-]{1,63})*", name) for name in found)


@given(strategies.text())
@fuzzed
def test_a_script_has_one_command_a_line(text: str) -> None:
    try:
        written = script(["first", text])
    except LabError:
        assert not text.isprintable()
    else:
        assert written.splitlines() == ["first", text]
