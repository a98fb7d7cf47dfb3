# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module network_routes against real namespaces."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.recorded import records
from tests.support.kernel_view import MAIN_TABLE, command, ip, link, routes, routes6
from tests.support.lab_runs import await_condition
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module
from tests.support.persistent_sets import Killer, killed_everywhere

ONLINK = [
    {"dst": "40.15.26.0/24", "via": "40.15.26.0", "onlink": True},
    {"dst": "40.15.56.0/24", "via": "40.15.56.0", "onlink": True},
]


def plug(netns: str, name: str = "eth0", address: str = "192.168.1.68/24") -> None:
    """A device with carrier, so that routes look as on a host: a bridge with a veth in it."""
    ip(netns, f"link add {name} type bridge")
    ip(netns, f"link add {name}a master {name} type veth peer name {name}b")
    for each in (name, f"{name}a", f"{name}b"):
        ip(netns, f"link set {each} up")
    ip(netns, f"address add {address} dev {name}")
    await_condition(lambda: link(netns, name).operational_state == "UP", seconds=10)


@pytest.fixture
def node(netns: str) -> str:
    """A namespace with an underlay interface and a VXLAN device."""
    plug(netns)
    ip(netns, "link add flannel.1 type vxlan id 1 dev eth0 dstport 8472")
    ip(netns, "address add 40.15.43.0/32 dev flannel.1")
    ip(netns, "link set flannel.1 up")
    return netns


CONNECTED = "192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.68"


def test_flannel_by_vxlan(node: str) -> None:
    result = assert_converges("network_routes", netns=node, dev="flannel.1", routes=ONLINK)
    assert result["routes_count"] == 2
    assert result["diff"]["after"]["routes"] == [
        "40.15.26.0/24 via 40.15.26.0 dev flannel.1 proto boot onlink",
        "40.15.56.0/24 via 40.15.56.0 dev flannel.1 proto boot onlink",
    ]
    assert routes(node) == [
        CONNECTED,
        "40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink",
        "40.15.56.0/24 via 40.15.56.0 dev flannel.1 onlink",
    ]


def test_flannel_by_host_gw_replaces_the_routes_by_vxlan(node: str) -> None:
    run_module("network_routes", netns=node, dev="flannel.1", routes=ONLINK)
    by_hosts = [{"dst": "40.15.26.0/24", "via": "192.168.1.254"}, {"dst": "40.15.56.0/24", "via": "192.168.1.245"}]
    result = assert_converges("network_routes", netns=node, dev="eth0", routes=by_hosts)
    assert len(result["diff"]["before"]["routes"]) == len(result["diff"]["after"]["routes"]) == 2
    assert routes(node) == [
        CONNECTED,
        "40.15.26.0/24 via 192.168.1.254 dev eth0",
        "40.15.56.0/24 via 192.168.1.245 dev eth0",
    ]


def test_check_mode_writes_nothing(node: str) -> None:
    run_module("network_routes", _check=True, netns=node, dev="flannel.1", routes=ONLINK)
    assert routes(node) == [CONNECTED]


def test_all_the_documented_forms(node: str) -> None:
    ip(node, "link add cali1 type bridge")
    ip(node, "link set cali1 up")
    wanted = [
        {"dst": "default", "via": "192.168.1.1", "protocol": "dhcp", "src": "192.168.1.68", "metric": 100},
        {"dst": "197.19.38.128/26", "type": "blackhole", "protocol": "bird"},
        {"dst": "197.19.26.0/26", "via": "192.168.1.245", "protocol": "bird"},
        {"dst": "197.19.38.139", "dev": "cali1"},
        {"dst": "10.1.0.0/16", "type": "unreachable", "metric": 5},
        {"dst": "10.2.0.0/16", "type": "prohibit", "protocol": "77"},
        {"dst": "10.3.0.0/16", "type": "throw"},
        {"dst": "10.4.0.0/16", "scope": "host"},
        {"dst": "224.0.0.0/4", "metric": 4294967295},
    ]
    assert_converges("network_routes", netns=node, dev="eth0", routes=wanted)
    shown = [line for line in routes(node) if line != CONNECTED]
    assert [line.replace(" linkdown", "") for line in shown] == sorted(
        [
            "default via 192.168.1.1 dev eth0 proto dhcp src 192.168.1.68 metric 100",
            "blackhole 197.19.38.128/26 proto bird",
            "197.19.26.0/26 via 192.168.1.245 dev eth0 proto bird",
            "197.19.38.139 dev cali1 scope link",
            "unreachable 10.1.0.0/16 metric 5",
            "prohibit 10.2.0.0/16 proto 77",
            "throw 10.3.0.0/16",
            "10.4.0.0/16 dev eth0 scope host",
            "224.0.0.0/4 dev eth0 scope link metric 4294967295",
        ]
    )
    assert_converges("network_routes", netns=node, dev="eth0", routes=wanted, state="absent")
    assert routes(node) == [CONNECTED]


def test_ipv6(node: str) -> None:
    ip(node, "address add fd80::68/64 dev eth0 nodad")
    wanted = [
        {"dst": "FD81::/64", "via": "fd80::0254", "src": "fd80::68"},
        {"dst": "fd82::/64", "via": "fd99::1", "onlink": True, "metric": 7},
        {"dst": "fd83::/64"},
        {"dst": "fd84::/64", "type": "blackhole", "protocol": "bird"},
        {"dst": "::/0", "via": "fd80::1"},
        {"dst": "fd85::1", "type": "unreachable"},
    ]
    assert_converges("network_routes", netns=node, dev="eth0", routes=wanted)
    shown = [line.removesuffix(" pref medium") for line in routes6(node) if "proto kernel" not in line]
    assert shown == sorted(
        [
            "fd81::/64 via fd80::254 dev eth0 src fd80::68 metric 1024",
            "fd82::/64 via fd99::1 dev eth0 metric 7 onlink",
            "fd83::/64 dev eth0 metric 1024",
            "blackhole fd84::/64 dev lo proto bird metric 1024",
            "default via fd80::1 dev eth0 metric 1024",
            "unreachable fd85::1 dev lo metric 1024",
        ]
    )
    moved = [{"dst": "fd81::/64", "via": "fd80::9"}]
    assert_converges("network_routes", netns=node, dev="eth0", routes=moved)
    assert len([line for line in routes6(node) if line.startswith("fd81::/64")]) == 1
    assert_converges("network_routes", netns=node, dev="eth0", routes=[*moved, *wanted[1:]], state="absent")
    assert all("proto kernel" in line for line in routes6(node))


@pytest.mark.parametrize("table", ["100", "1000"])
def test_another_table(node: str, table: str) -> None:
    assert_converges("network_routes", netns=node, dev="flannel.1", routes=ONLINK, table=table)
    assert len(routes(node, int(table))) == 2
    assert routes(node) == [CONNECTED]
    assert_converges("network_routes", netns=node, dev="flannel.1", routes=ONLINK, table=table, state="absent")


def test_purge_within_device_and_protocol(node: str) -> None:
    run_module("network_routes", netns=node, dev="flannel.1", routes=ONLINK, protocol="bird")
    ip(node, "route add 10.1.0.0/16 dev flannel.1")
    ip(node, "route add 10.2.0.0/16 dev eth0 proto bird")
    result = assert_converges(
        "network_routes", netns=node, dev="flannel.1", routes=ONLINK[:1], protocol="bird", purge=True
    )
    assert result["diff"] == {
        "before": {"routes": ["40.15.56.0/24 via 40.15.56.0 dev flannel.1 proto bird onlink"]},
        "after": {"routes": []},
    }
    assert routes(node) == [
        "10.1.0.0/16 dev flannel.1 scope link",
        "10.2.0.0/16 dev eth0 proto bird scope link",
        CONNECTED,
        "40.15.26.0/24 via 40.15.26.0 dev flannel.1 proto bird onlink",
    ]


def test_absent_removes_what_is_listed_and_still_as_it_was_made(node: str) -> None:
    run_module("network_routes", netns=node, dev="flannel.1", routes=ONLINK)
    changed = [{**ONLINK[0], "via": "40.15.26.9"}]
    assert_unchanged("network_routes", netns=node, dev="flannel.1", routes=changed, state="absent")
    arguments = {"netns": node, "dev": "flannel.1", "routes": ONLINK[:1], "state": "absent", "purge": True}
    assert_converges("network_routes", **arguments)
    assert routes(node) == [CONNECTED, "40.15.56.0/24 via 40.15.56.0 dev flannel.1 onlink"]


def test_routes_of_another_type_of_service_are_not_rivals(node: str) -> None:
    command("ip", "-n", node, *"route add 10.1.0.0/16 tos 0x10 via 192.168.1.9".split())
    assert_converges("network_routes", netns=node, dev="eth0", routes=[{"dst": "10.1.0.0/16", "via": "192.168.1.1"}])
    assert [line for line in routes(node) if line.startswith("10.1.0.0/16")] == [
        "10.1.0.0/16 tos 0x10 via 192.168.1.9 dev eth0",
        "10.1.0.0/16 via 192.168.1.1 dev eth0",
    ]


def test_one_of_3000_routes_is_refused(node: str) -> None:
    wanted = [{"dst": f"10.{n >> 8}.{n & 255}.0/24", "via": "192.168.1.1"} for n in range(3000)]
    wanted[1500]["via"] = "10.99.99.99"
    with pytest.raises(ModuleFailed) as failure:
        run_module("network_routes", netns=node, dev="eth0", routes=wanted)
    assert str(failure.value) == (
        f"cannot write the route 10.5.220.0/24 via 10.99.99.99 dev eth0 proto boot in network namespace {node}: "
        "Network is unreachable (Nexthop has invalid gateway)."
    )
    assert len(routes(node)) == 3000


def failing(**arguments: Any) -> str:
    with pytest.raises(ModuleFailed) as failure:
        run_module("network_routes", **arguments)
    return str(failure.value)


def test_wrong_input_is_reported_all_together_and_changes_nothing(node: str) -> None:
    wanted = [
        ONLINK[0],
        {"dst": "40.15.43.7/24", "via": "192.168.1.1"},
        {"dst": "40.15.26.0/24", "via": "192.168.1.1"},
        {"dst": "40.15.0/24", "via": "192.168.1.1"},
        {"dst": "40.15.44.0/33", "via": "192.168.1.1"},
        {"dst": "40.15.45.0/24", "via": "192.168.1.1", "protocol": "nonsense"},
        {"dst": "40.15.46.0/24", "via": "fd80::1"},
        {"dst": "40.15.47.0/24", "onlink": True},
        {"dst": "40.15.48.0/24", "type": "blackhole", "via": "192.168.1.1"},
        {"dst": "40.15.49.0/24", "metric": -1},
        {"dst": "40.15.50.0/24", "src": "fd80::1"},
        {"dst": "40.15.51.0/24", "dev": "a" * 128},
    ]
    text = failing(netns=node, dev="eth0", routes=wanted, table="mine", protocol="256")
    assert text.splitlines() == [
        "table 'mine' is not known: use a number, or one of default, main, local",
        "protocol '256' is not known: use a number up to 255, or one of unspec, redirect, kernel, boot, static, ra, "
        "zebra, bird, dhcp, bgp, ospf",
        "routes[1] (40.15.43.7/24): '40.15.43.7/24' has bits set behind its prefix length: "
        "the network is 40.15.43.0/24",
        "routes[2] (40.15.26.0/24): entries 0 and 2 have the same destination and metric; "
        "one table holds one of them: drop one, or give another metric",
        "routes[3] (40.15.0/24): '40.15.0' is not an IP address: write it as 192.168.1.68 or fd80::1",
        "routes[4] (40.15.44.0/33): '40.15.44.0/33': the prefix length must be a number from 0 to 32",
        "routes[5] (40.15.45.0/24): protocol 'nonsense' is not known: use a number up to 255, or one of unspec, "
        "redirect, kernel, boot, static, ra, zebra, bird, dhcp, bgp, ospf",
        "routes[6] (40.15.46.0/24): via fd80::1 is of another address family than dst 40.15.46.0/24",
        "routes[7] (40.15.47.0/24): onlink says that the next hop is on the link: give 'via'",
        "routes[8] (40.15.48.0/24): a blackhole route leads nowhere: leave out 'via' and 'dev'",
        "routes[9] (40.15.49.0/24): metric -1 must be from 0 to 4294967295",
        "routes[10] (40.15.50.0/24): src fd80::1 is of another address family than dst 40.15.50.0/24",
        f"routes[11] (40.15.51.0/24): '{'a' * 128}' is not a device name: 1 to 127 characters, no blank, '/' or ':'",
    ]
    assert routes(node) == [CONNECTED]
    assert failing(netns=node, routes=[{"dst": "10.0.0.0/8", "via": "192.168.1.1"}], purge=True).splitlines() == [
        "purge: true removes unlisted routes of one device and protocol: give 'dev'",
        "routes[0] (10.0.0.0/8): a unicast route needs a device: give 'dev'",
    ]


def test_a_missing_device_is_named_before_any_change(node: str) -> None:
    text = failing(netns=node, routes=[{**ONLINK[0], "dev": "flannel.1"}, {**ONLINK[1], "dev": "flannel.7"}])
    assert text == (
        "route 40.15.56.0/24 via 40.15.56.0 dev flannel.7 proto boot onlink: there is no device 'flannel.7' "
        f"in network namespace {node}; it has eth0, eth0a, eth0b, flannel.1, lo."
    )
    assert routes(node) == [CONNECTED]


# --- recorded sets --------------------------------------------------------------------------------


def recorded(**arguments: Any) -> dict[str, Any]:
    return {"name": "flannel", "persistent": True, "dev": "eth0", **arguments}


def by_host(dst: str, via: str = "192.168.1.254") -> dict[str, Any]:
    return {"dst": dst, "via": via}


def test_routes_that_leave_the_set_vanish_and_others_stay(host: str) -> None:
    plug(host)
    ip(host, "route add 10.9.0.0/16 via 192.168.1.9")
    assert_converges("network_routes", **recorded(routes=[by_host("10.1.0.0/16"), by_host("10.2.0.0/16")]))
    assert_converges("network_routes", **recorded(routes=[by_host("10.2.0.0/16")]))
    ip(host, "route replace 10.2.0.0/16 via 192.168.1.77")
    assert_converges("network_routes", name="flannel", state="absent")
    assert routes(host) == [
        "10.2.0.0/16 via 192.168.1.77 dev eth0",  # a person changed it
        "10.9.0.0/16 via 192.168.1.9 dev eth0",
        CONNECTED,
    ]
    assert not records.RECORDS.exists()


@pytest.mark.parametrize("move", [{}, {"table": "100"}, {"dev": "eth1"}, {"dev": "eth1", "table": "1000"}])
def test_a_killed_run_is_finished_by_the_next(host: str, killer: Killer, move: dict[str, str]) -> None:
    plug(host)
    plug(host, "eth1", "192.168.2.68/24")
    ip(host, "route add 10.9.0.0/16 via 192.168.1.9")
    ip(host, "route add 10.9.0.0/16 via 192.168.1.9 table 100")
    gateway = "192.168.2.254" if move.get("dev") else "192.168.1.254"
    first = [by_host(f"10.{n}.0.0/16") for n in range(1, 5)]
    second = [by_host(f"10.{n}.0.0/16", gateway) for n in range(3, 8)]
    end = recorded(routes=second, **move) if "dev" not in move else {**recorded(routes=second), **move}
    for _step in killed_everywhere(
        killer,
        lambda: run_module("network_routes", **recorded(routes=first)),
        lambda: run_module("network_routes", **end),
    ):
        run_module("network_routes", **end)
        table = int(move.get("table", MAIN_TABLE))
        assert [line.split()[0] for line in routes(host, table) if f"via {gateway}" in line] == [
            f"10.{n}.0.0/16" for n in range(3, 8)
        ]
        assert "10.9.0.0/16 via 192.168.1.9 dev eth0" in routes(host)
        assert "10.9.0.0/16 via 192.168.1.9 dev eth0" in routes(host, 100)
        if move:
            assert not [line for line in routes(host) if "192.168.1.254" in line]
        assert_unchanged("network_routes", **end)


def test_a_device_by_its_alternative_name(node: str) -> None:
    ip(node, "link property add dev eth0 altname ens6")
    entries = [{"dst": "40.15.26.0/24", "via": "192.168.1.254"}]
    assert_converges("network_routes", netns=node, dev="ens6", protocol="static", purge=True, routes=entries)
    assert routes(node) == [CONNECTED, "40.15.26.0/24 via 192.168.1.254 dev eth0 proto static"]
    assert_converges("network_routes", netns=node, dev="ens6", protocol="static", purge=True, routes=[])
    assert routes(node) == [CONNECTED]


def test_somebody_s_route_with_several_next_hops(node: str) -> None:
    hops = "nexthop via 192.168.1.7 dev eth0 nexthop via 192.168.1.8 dev eth0"
    ip(node, f"route add 40.15.26.0/24 {hops}")
    kept = [{"dst": "40.15.56.0/24", "via": "192.168.1.254"}]
    assert_converges("network_routes", netns=node, dev="eth0", purge=True, routes=kept)
    shown = command("ip", "-n", node, "route")
    assert shown.count("nexthop") == 2, "it is no route of one device, to be purged with it"
    entries = [{"dst": "40.15.26.0/24", "via": "192.168.1.7"}]
    result = assert_converges("network_routes", netns=node, dev="eth0", routes=entries)
    assert result["diff"]["before"]["routes"] == [f"40.15.26.0/24 {hops} proto boot"], "said, and not silently replaced"


def test_several_next_hops(node: str) -> None:
    before = command("ip", "-n", node, "route")
    hops = [{"via": "192.168.1.7"}, {"via": "192.168.1.8", "dev": "eth0", "weight": 3}]
    arguments = {"netns": node, "dev": "eth0"}
    two = [{"dst": "10.9.0.0/16", "nexthops": hops}, {"dst": "default", "nexthops": hops, "metric": 7}]
    result = assert_converges("network_routes", **arguments, routes=two)
    shown = "nexthop via 192.168.1.7 dev eth0 nexthop via 192.168.1.8 dev eth0 weight 3"
    assert result["diff"]["after"]["routes"] == [
        f"10.9.0.0/16 {shown} proto boot",
        f"default {shown} proto boot metric 7",
    ]
    printed = command("ip", "-n", node, "route")
    assert printed.count("nexthop via 192.168.1.8 dev eth0 weight 3") == 2
    assert_converges("network_routes", **arguments, routes=[{"dst": "10.9.0.0/16", "nexthops": hops[::-1]}])
    run_module("network_routes", **arguments, routes=two[1:], state="absent")
    assert command("ip", "-n", node, "route").count("nexthop") == 2
    run_module("network_routes", **arguments, routes=[{"dst": "10.9.0.0/16", "nexthops": hops[::-1]}], state="absent")
    assert command("ip", "-n", node, "route") == before


def test_several_next_hops_of_ipv6(node: str) -> None:
    ip(node, "address add fd00::68/64 dev eth0 nodad")
    hops = [{"via": "fd00::7"}, {"via": "fd00::8"}]
    arguments = {"netns": node, "dev": "eth0", "routes": [{"dst": "fd80::/64", "nexthops": hops}]}
    assert_converges("network_routes", **arguments)
    assert command("ip", "-n", node, "-6", "route", "show", "fd80::/64").count("nexthop") == 2


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        ({"nexthops": [{"via": "192.168.1.7"}]}, "'nexthops' are two at least: write a single one as 'via'"),
        ({"via": "192.168.1.7", "nexthops": [{"via": "192.168.1.7"}] * 2}, "leave out 'via'"),
        ({"type": "blackhole", "nexthops": [{"via": "192.168.1.7"}] * 2}, "a blackhole route has no next hops"),
        ({"nexthops": [{"via": "192.168.1.7"}, {"via": "fd00::1"}]}, "of another address family than dst 10.9.0.0/16"),
        ({"nexthops": [{"via": "192.168.1.7", "weight": 0}, {"via": "x"}]}, "'x' is not an IP address"),
        ({"nexthops": [{"via": "192.168.1.7", "weight": 257}, {"via": "x"}]}, "weight 257 must be from 1 to 256"),
    ],
)
def test_wrong_next_hops(node: str, route: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModuleFailed) as failure:
        run_module("network_routes", netns=node, dev="eth0", routes=[{"dst": "10.9.0.0/16", **route}])
    assert problem in str(failure.value)
