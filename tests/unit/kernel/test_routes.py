# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes: what options mean, and what has to change."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput
from ansible_collections.container_network.lab.plugins.module_utils.kernel import rtnetlink as rt
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import LinkState, LinkTable
from ansible_collections.container_network.lab.plugins.module_utils.kernel.routes import (
    PROTOCOLS,
    TABLES,
    RouteParser,
    RouteSet,
    describe,
    parse,
    plan,
    route_messages,
)


def shown(options: dict[str, Any]) -> str:
    return describe(RouteParser("eth0", PROTOCOLS["boot"]).parse(options))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dst": "10.1.0.0/16"}, "10.1.0.0/16 dev eth0 proto boot scope link"),
        ({"dst": "10.1.2.3"}, "10.1.2.3/32 dev eth0 proto boot scope link"),
        ({"dst": "10.1.0.0/16", "via": "10.0.0.1"}, "10.1.0.0/16 via 10.0.0.1 dev eth0 proto boot"),
        ({"dst": "10.1.0.0/16", "dev": "eth1"}, "10.1.0.0/16 dev eth1 proto boot scope link"),
        ({"dst": "10.1.0.0/16", "scope": "global"}, "10.1.0.0/16 dev eth0 proto boot"),
        ({"dst": "10.1.0.0/16", "protocol": "bird"}, "10.1.0.0/16 dev eth0 proto bird scope link"),
        ({"dst": "10.1.0.0/16", "protocol": "77"}, "10.1.0.0/16 dev eth0 proto 77 scope link"),
        ({"dst": "10.1.0.0/16", "type": "blackhole"}, "blackhole 10.1.0.0/16 proto boot"),
        ({"dst": "10.1.0.1", "type": "local"}, "local 10.1.0.1/32 dev eth0 proto boot scope host"),
        ({"dst": "10.1.255.255", "type": "broadcast"}, "broadcast 10.1.255.255/32 dev eth0 proto boot scope link"),
        (
            {"dst": "default", "via": "10.0.0.1", "src": "10.0.0.2", "metric": 100, "onlink": True},
            "default via 10.0.0.1 dev eth0 proto boot src 10.0.0.2 metric 100 onlink",
        ),
        ({"dst": "default", "via": "fd80::1"}, "default via fd80::1 dev eth0 proto boot metric 1024"),
        ({"dst": "FD81::/64", "metric": 0}, "fd81::/64 dev eth0 proto boot metric 1024"),
        ({"dst": "fd81::/64", "scope": "link"}, "fd81::/64 dev eth0 proto boot metric 1024"),
        (
            {"dst": "10.1.0.0/16", "via": None, "metric": None, "onlink": False},
            "10.1.0.0/16 dev eth0 proto boot scope link",
        ),
    ],
)
def test_what_options_mean(options: dict[str, Any], text: str) -> None:
    assert shown(options) == text


def test_routes_of_one_shape_are_not_mixed_up() -> None:
    parser = RouteParser("eth0", PROTOCOLS["boot"])
    options = [
        {"dst": "10.1.0.0/16", "via": "10.0.0.1"},
        {"dst": "10.2.0.0/16"},
        {"dst": "fd81::/64", "via": "fd80::1"},
        {"dst": "fd82::/64"},
        {"dst": "10.3.0.0/16", "via": "10.0.0.3"},
    ]
    assert [describe(parser.parse(each)) for each in options] == [shown(each) for each in options]


def wanted(*entries: dict[str, Any], **options: Any) -> RouteSet:
    return parse({"routes": list(entries), "dev": "eth0", **options}, False)


def former(*entries: dict[str, Any]) -> dict:
    return {key: {value} for key, value in wanted(*entries).routes.items()}


ONE, TWO, THREE = ({"dst": f"10.{n}.0.0/16", "via": "10.0.0.1"} for n in (1, 2, 3))
OTHER_TWO = {**TWO, "via": "10.0.0.9"}


def planned(target: RouteSet, current: RouteSet, gone: dict) -> tuple[list[str], list[str]]:
    steps = plan(target, current.routes, gone)
    return [describe(route).split()[0] for route in steps.written], [describe(r).split()[0] for r in steps.removed]


def test_plan() -> None:
    assert planned(wanted(ONE, TWO), wanted(), {}) == (["10.1.0.0/16", "10.2.0.0/16"], [])
    assert planned(wanted(ONE, TWO), wanted(ONE, TWO), {}) == ([], [])
    assert planned(wanted(ONE, TWO), wanted(ONE, OTHER_TWO, THREE), {}) == (["10.2.0.0/16"], [])
    assert planned(wanted(ONE), wanted(ONE, TWO, THREE), former(ONE, TWO)) == ([], ["10.2.0.0/16"])
    assert planned(wanted(ONE), wanted(ONE, OTHER_TWO), former(TWO)) == ([], []), "it was changed by somebody else"
    assert planned(wanted(TWO), wanted(TWO), former(OTHER_TWO)) == ([], [])


def test_purge_stays_within_device_and_protocol() -> None:
    current = wanted(ONE, TWO, {**THREE, "dev": "eth1"}, {"dst": "10.4.0.0/16", "protocol": "bird"})
    target = wanted(ONE, purge=True)
    assert planned(target, current, {}) == ([], ["10.2.0.0/16"])
    assert planned(target, current, former(TWO)) == ([], ["10.2.0.0/16"]), "and none of them twice"
    assert parse({"routes": [], "dev": "eth0", "purge": True}, True).purged_dev is None


def test_entries_given_twice_are_told_by_index() -> None:
    with pytest.raises(InvalidInput) as error:
        wanted(ONE, {"dst": "bad"}, TWO, {**ONE, "via": "10.0.0.2"})
    assert error.value.problems == [
        "routes[1] (bad): 'bad' is not an IP address: write it as 192.168.1.68 or fd80::1",
        "routes[3] (10.1.0.0/16): entries 0 and 3 have the same destination and metric; one table holds one of them: "
        "drop one, or give another metric",
    ]
    assert len(wanted(ONE, {**ONE, "metric": 5}).routes) == 2


@pytest.mark.parametrize(("table", "number"), [("main", 254), ("local", 255), ("100", 100), ("4294967295", 4294967295)])
def test_tables(table: str, number: int) -> None:
    assert wanted(table=table).table == number


@pytest.mark.parametrize("table", ["0", "-1", "4294967296", "mine", "\uff11"])
def test_wrong_tables(table: str) -> None:
    with pytest.raises(
        InvalidInput, match=f"table '{table}' is not known: use a number, or one of default, main, local"
    ):
        wanted(table=table)


def test_on_the_wire() -> None:
    links = LinkTable(eth0=LinkState(7, "eth0", None, None, 1500, True, None, None, None))
    routes = wanted({**ONE, "onlink": True, "metric": 5, "src": "10.0.0.2"}, {"dst": "10.9.0.0/16", "type": "throw"})
    first, second = route_messages(rt.RTM_NEWROUTE, 0x500, routes.routes.items(), 1000, links)
    header = rt.route_header.unpack_from(first[2])
    assert header == (2, 16, 0, 0, 0, PROTOCOLS["boot"], 0, 1, rt.RTNH_F_ONLINK)
    found = rt.attributes(first[2], rt.route_header.size)
    assert found[rt.RTA_DST] == bytes([10, 1, 0, 0])
    assert found[rt.RTA_GATEWAY] == bytes([10, 0, 0, 1])
    assert found[rt.RTA_PREFSRC] == bytes([10, 0, 0, 2])
    assert [rt.u32(found[kind]) for kind in (rt.RTA_OIF, rt.RTA_PRIORITY, rt.RTA_TABLE)] == [7, 5, 1000]
    assert set(rt.attributes(second[2], rt.route_header.size)) == {rt.RTA_DST, rt.RTA_TABLE}
    (main,) = route_messages(rt.RTM_DELROUTE, 0, wanted(ONE).routes.items(), TABLES["main"], links)
    assert rt.route_header.unpack_from(main[2])[4] == 254
