# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module veth_pair against real namespaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support.kernel_view import addresses, command, has_link, ip, link, routes, routes6
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module
from tests.support.persistent_sets import Killer, killed_everywhere


@pytest.fixture
def underlay(netns_factory: Callable[[], str]) -> str:
    """A namespace with a bridge that has the segment's gateway address."""
    name = netns_factory()
    ip(name, "link add subnet-1 type bridge")
    ip(name, "address add 192.168.1.1/24 dev subnet-1")
    ip(name, "link set subnet-1 up")
    return name


@pytest.fixture
def node(netns_factory: Callable[[], str]) -> str:
    """The namespace of a lab host."""
    return netns_factory()


def cable(underlay: str, node: str, **peer: Any) -> dict[str, Any]:
    return {
        "name": "node-1.eth0",
        "netns": underlay,
        "master": "subnet-1",
        "mtu": 9001,
        "peer": {
            "name": "eth0",
            "netns": node,
            "mtu": 9001,
            "mac": "02:42:c0:a8:01:44",
            "addresses": ["192.168.1.68/24"],
            "routes": [
                {"dst": "default", "via": "192.168.1.1", "protocol": "dhcp", "src": "192.168.1.68", "metric": 100}
            ],
            **peer,
        },
    }


def test_a_documented_node_is_plugged_in(underlay: str, node: str) -> None:
    result = assert_converges("veth_pair", pairs=[cable(underlay, node)])
    outer, inner = link(underlay, "node-1.eth0"), link(node, "eth0")
    assert (outer.mtu, inner.mtu, outer.master) == (9001, 9001, "subnet-1")
    assert inner.mac == "02:42:c0:a8:01:44"
    assert addresses(node, "eth0") == ["192.168.1.68/24"]
    assert routes(node) == [
        "192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.68",
        "default via 192.168.1.1 dev eth0 proto dhcp src 192.168.1.68 metric 100",
    ]
    command("nsenter", f"--net=/run/netns/{node}", "ping", "-c1", "-W2", "192.168.1.1")
    (key,) = result["diff"]["before"]["pairs"]
    assert key == f"node-1.eth0 in {underlay}"
    assert result["diff"]["before"]["pairs"] == {key: None}
    assert result["diff"]["after"]["pairs"][key]["peer"]["routes"] == [
        "default via 192.168.1.1 dev eth0 proto dhcp src 192.168.1.68 metric 100"
    ]


def test_check_mode_makes_nothing(underlay: str, node: str) -> None:
    run_module("veth_pair", _check=True, pairs=[cable(underlay, node)])
    assert not has_link(underlay, "node-1.eth0")
    assert not has_link(node, "eth0")


@pytest.mark.parametrize(
    "change",
    [
        {"mtu": 1450},
        {"mac": "02:42:c0:a8:01:45"},
        {"addresses": ["192.168.1.70/24", "192.168.1.71/24"], "routes": []},
        {"addresses": [], "routes": []},
        {"up": False, "routes": []},
        {"routes": [{"dst": "default", "via": "192.168.1.9"}]},
        {"routes": [{"dst": "197.19.38.128/26", "type": "blackhole", "protocol": "bird"}]},
    ],
)
def test_settings_change_on_the_living_pair(underlay: str, node: str, change: dict[str, Any]) -> None:
    run_module("veth_pair", pairs=[cable(underlay, node)])
    index = link(node, "eth0").index
    assert_converges("veth_pair", pairs=[cable(underlay, node, **change)])
    assert link(node, "eth0").index == index
    if "addresses" in change:
        assert addresses(node, "eth0") == change["addresses"]


def test_the_outer_end_moves_to_another_bridge(underlay: str, node: str) -> None:
    ip(underlay, "link add subnet-2 type bridge")
    run_module("veth_pair", pairs=[cable(underlay, node)])
    index = link(underlay, "node-1.eth0").index
    assert_converges("veth_pair", pairs=[{**cable(underlay, node), "master": "subnet-2"}])
    found = link(underlay, "node-1.eth0")
    assert (found.master, found.index) == ("subnet-2", index)


def test_missing_routes_come_back(underlay: str, node: str) -> None:
    run_module("veth_pair", pairs=[cable(underlay, node)])
    ip(node, "route del default")
    ip(node, "route add 10.0.0.0/8 via 192.168.1.1")
    assert_converges("veth_pair", pairs=[cable(underlay, node)])
    assert len(routes(node)) == 3


def test_ipv6_addresses_and_routes(underlay: str, node: str) -> None:
    ip(underlay, "address add fd80::1/64 dev subnet-1 nodad")
    routes_6 = [{"dst": "::/0", "via": "fd80::1"}, {"dst": "fd90::/64", "via": "fd80::9", "src": "fd80::68"}]
    assert_converges("veth_pair", pairs=[cable(underlay, node, addresses=["fd80::68/64"], routes=routes_6)])
    assert addresses(node, "eth0") == ["fd80::68/64"]
    assert [line.removesuffix(" pref medium") for line in routes6(node) if "via" in line] == [
        "default via fd80::1 dev eth0 metric 1024",
        "fd90::/64 via fd80::9 dev eth0 src fd80::68 metric 1024",
    ]


def test_routes_on_the_first_end(underlay: str, node: str) -> None:
    """The first end gets its routes when both ends are up, whatever the order."""
    pair = {
        "name": "up", "netns": node, "addresses": ["fd80::68/64", "10.0.0.1/24"],
        "routes": [{"dst": "::/0", "via": "fd80::1"}, {"dst": "default", "via": "10.0.0.2"}],
        "peer": {"name": "down", "netns": underlay, "addresses": ["fd80::1/64"],
                 "routes": [{"dst": "fd99::/64", "via": "fd80::68"}]},
    }  # fmt: skip
    assert_converges("veth_pair", pairs=[pair])


def test_route_over_another_device_of_the_namespace(underlay: str, node: str) -> None:
    ip(node, "link add br0 type bridge")
    ip(node, "link set br0 up")
    assert_converges("veth_pair", pairs=[cable(underlay, node, routes=[{"dst": "10.0.0.0/8", "dev": "br0"}])])
    assert "10.0.0.0/8 dev br0 scope link" in routes(node)


def test_both_ends_in_one_namespace(node: str) -> None:
    pair = {"name": "a", "netns": node, "peer": {"name": "b", "netns": f"/run/netns/{node}"}}
    assert_converges("veth_pair", pairs=[pair])
    pair["peer"]["netns"] = node
    assert_unchanged("veth_pair", pairs=[pair])


def test_an_end_in_the_namespace_of_the_task(underlay: str, node: str) -> None:
    with inside(node):
        pair = cable(underlay, node)
        del pair["peer"]["netns"]
        assert_converges("veth_pair", pairs=[pair])
        assert_unchanged("veth_pair", pairs=[cable(underlay, node)])


def test_first_ends_of_one_name_in_several_namespaces(underlay: str, netns_factory: Callable[[], str]) -> None:
    nodes = [netns_factory() for _number in range(3)]
    pairs = [
        {"name": "eth0", "netns": name, "peer": {"name": f"n{n}.eth0", "netns": underlay}}
        for n, name in enumerate(nodes)
    ]
    result = assert_converges("veth_pair", pairs=pairs)
    assert len(result["diff"]["after"]["pairs"]) == 3
    ip(nodes[0], "link set eth0 mtu 1400")
    ip(nodes[1], "link set eth0 down")
    pairs[0]["mtu"] = 1500
    assert_converges("veth_pair", pairs=pairs)


def test_ends_that_are_connected_elsewhere_are_made_anew(underlay: str, netns_factory: Callable[[], str]) -> None:
    """Two cables are plugged in crosswise."""
    left, right = netns_factory(), netns_factory()
    for a, b in (("a", "d"), ("c", "b")):
        ip(left, f"link add name {a} type veth peer name {b} netns {right}")
    pairs = [
        {"name": "a", "netns": left, "peer": {"name": "b", "netns": right, "addresses": ["10.0.0.2/24"]}},
        {"name": "c", "netns": left, "peer": {"name": "d", "netns": right, "addresses": ["10.0.1.2/24"]}},
    ]
    assert_converges("veth_pair", pairs=pairs)
    assert link(left, "a").lower_index == link(right, "b").index
    assert link(left, "c").lower_index == link(right, "d").index


def test_an_equal_index_in_another_namespace_is_no_connection(netns_factory: Callable[[], str]) -> None:
    left, right, other = netns_factory(), netns_factory(), netns_factory()
    ip(left, f"link add name a index 77 type veth peer name b index 88 netns {other}")
    ip(right, "link add name x index 77 type veth peer name b index 88")
    pair = {"name": "a", "netns": left, "peer": {"name": "b", "netns": right}}
    assert_converges("veth_pair", pairs=[pair])


def test_absent_by_either_end(underlay: str, node: str) -> None:
    run_module("veth_pair", pairs=[cable(underlay, node)])
    ip(underlay, "link add other type veth peer name other2")
    result = assert_converges("veth_pair", pairs=[{"name": "eth0", "netns": node}], state="absent")
    key = f"eth0 in {node}"
    assert result["diff"] == {
        "before": {"pairs": {key: {"name": "eth0", "netns": node}}},
        "after": {"pairs": {key: None}},
    }
    assert not has_link(underlay, "node-1.eth0")
    assert has_link(underlay, "other")
    gone = [{"name": "eth0", "netns": "no-such-place"}, {"name": "node-1.eth0", "netns": underlay}]
    assert_unchanged("veth_pair", pairs=gone, state="absent")


def test_many_pairs_at_once(underlay: str, netns_factory: Callable[[], str]) -> None:
    nodes = [netns_factory() for _number in range(10)]
    pairs = [
        {
            **cable(
                underlay,
                name,
                addresses=[f"192.168.1.{n + 10}/24"],
                routes=[{"dst": "default", "via": "192.168.1.1"}],
                mac=f"02:00:00:00:00:{n:02x}",
            ),
            "name": f"n{n}.eth0",
        }
        for n, name in enumerate(nodes)
    ]
    assert_converges("veth_pair", pairs=pairs)
    command("nsenter", f"--net=/run/netns/{nodes[3]}", "ping", "-c1", "-W2", "192.168.1.19")
    ip(nodes[4], "link del eth0")
    ip(nodes[5], "link set eth0 down")
    assert_converges("veth_pair", pairs=pairs)
    assert_converges("veth_pair", pairs=pairs, state="absent")


def failing(**arguments: Any) -> str:
    with pytest.raises(ModuleFailed) as failure:
        run_module("veth_pair", **arguments)
    return str(failure.value)


def test_wrong_input_is_reported_all_together_and_changes_nothing(underlay: str, node: str) -> None:
    pairs = [
        cable(underlay, node),
        {"name": "x", "netns": node},
        cable(underlay, node, name="eth1"),
        {"name": "y", "netns": node, "mtu": 1, "peer": {"name": "y", "netns": node, "mac": "02:00"}},
        {
            "name": "z",
            "netns": node,
            "peer": {"name": "zz", "addresses": ["1.2.3.4"], "routes": [{"dst": "10.0.0.1/8"}]},
        },
    ]
    assert failing(pairs=pairs).splitlines() == [
        "pairs[1]: x needs a 'peer': a veth device always comes as a pair",
        f"pairs[2]: node-1.eth0 in network namespace {underlay} is given twice, in entries 0 and 2: drop one",
        "pairs[2].peer.routes[0] (default via 192.168.1.1 dev eth1 proto dhcp src 192.168.1.68 metric 100): "
        "pairs[0].peer.routes[0] has the same destination and metric; one namespace holds one of them: drop one, or "
        "give another metric",
        "pairs[3]: mtu 1 of y must be from 68 to 65535 bytes",
        "pairs[3].peer: mac of y: '02:00' is not a MAC address: write six pairs of hexadecimal digits, "
        "as 4e:55:ee:0a:90:38",
        f"pairs[3]: both ends are called y in network namespace {node}: rename one",
        "pairs[4].peer: address of zz: '1.2.3.4': write an address with its prefix length, as 192.168.1.68/24",
        "pairs[4].peer.routes[0] (10.0.0.1/8): '10.0.0.1/8' has bits set behind its prefix length: "
        "the network is 10.0.0.0/8",
    ]
    assert not has_link(underlay, "node-1.eth0")


def test_routes_that_one_namespace_cannot_have_together_are_refused(underlay: str, node: str) -> None:
    """The kernel has one of them at a time: each run would write the other one."""
    route, better = {"dst": "10.0.0.0/8"}, {"dst": "10.0.0.0/8", "metric": 5}
    ends = [
        {"name": "a", "netns": node, "routes": [route, route, better], "peer": {"name": "b", "netns": underlay}},
        {"name": "c", "netns": node, "peer": {"name": "d", "netns": underlay, "routes": [route]}},
        {"name": "e", "netns": node, "routes": [route], "peer": {"name": "f", "netns": underlay}},
    ]
    rule = "one namespace holds one of them: drop one, or give another metric"
    assert failing(pairs=ends).splitlines() == [
        f"pairs[0].routes[1] (10.0.0.0/8 dev a proto boot scope link): pairs[0].routes[0] has the same destination and "
        f"metric; {rule}",
        f"pairs[2].routes[0] (10.0.0.0/8 dev e proto boot scope link): pairs[0].routes[0] has the same destination and "
        f"metric; {rule}",
    ]


def test_other_kinds_are_refused_before_any_change(underlay: str, node: str) -> None:
    ip(node, "link add eth1 type bridge")
    pairs = [cable(underlay, node), cable(underlay, node, name="eth1", routes=[]) | {"name": "node-1.eth1"}]
    assert failing(pairs=pairs) == (
        f"eth1 in network namespace {node} exists and is of kind bridge, not veth: it is not ours to replace. "
        "Remove it, or choose another name."
    )
    assert not has_link(node, "eth0")
    assert failing(pairs=[{"name": "eth1", "netns": node}], state="absent") == (
        f"eth1 in network namespace {node} is of kind bridge, not veth: it is not ours to remove."
    )


def test_a_missing_bridge_is_named_before_any_change(underlay: str, node: str) -> None:
    assert failing(pairs=[{**cable(underlay, node), "master": "subnet-9"}]) == (
        f"master of node-1.eth0: there is no device 'subnet-9' in network namespace {underlay}; it has lo, subnet-1."
    )
    assert not has_link(node, "eth0")


def test_a_missing_namespace_is_named(underlay: str) -> None:
    text = failing(pairs=[cable(underlay, "no-such-place")])
    assert text.startswith("netns 'no-such-place': cannot open the network namespace /run/netns/no-such-place: ")
    assert not has_link(underlay, "node-1.eth0")


def test_what_the_kernel_refuses_is_told_in_its_words(underlay: str, node: str) -> None:
    assert failing(pairs=[cable(underlay, node, mac="01:00:5e:00:00:01")]).startswith(
        f"cannot make the veth pair node-1.eth0 in network namespace {underlay} and eth0 in network namespace {node}: "
    )
    far = [{"dst": "10.0.0.0/8", "via": "172.16.0.1"}]
    assert failing(pairs=[cable(underlay, node, routes=far)]) == (
        f"cannot set up eth0 in network namespace {node}: 10.0.0.0/8 via 172.16.0.1 dev eth0 proto boot: "
        "Network is unreachable (Nexthop has invalid gateway)."
    )


def test_a_killed_run_is_finished_by_the_next(
    underlay: str,
    netns_factory: Callable[[], str],
    killer: Killer,
) -> None:
    nodes = [netns_factory(), netns_factory()]
    pairs = [
        {**cable(underlay, name, mac=f"02:00:00:00:00:0{n}"), "name": f"n{n}.eth0"} for n, name in enumerate(nodes)
    ]
    for _step in killed_everywhere(
        killer,
        lambda: run_module("veth_pair", pairs=pairs, state="absent"),
        lambda: run_module("veth_pair", pairs=pairs),
    ):
        run_module("veth_pair", pairs=pairs)
        assert_unchanged("veth_pair", pairs=pairs)
        assert all(len(routes(name)) == 2 for name in nodes)
