# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module topology_info against real namespaces: what it tells, ip(8), bridge(8) and pyroute2 tell too."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.kernel_view import command, fdb, ip, link, neighbours, routes
from tests.support.module_runner import run_module


def look(*names: str, tables: bool = True) -> dict[str, dict]:
    """The namespaces by name."""
    found = run_module("topology_info", namespaces=list(names), tables=tables)["topology"]["namespaces"]
    return {namespace["name"]: namespace for namespace in found}


def test_both_ends_of_a_pair_find_each_other(netns_factory: Callable[[], str]):
    host, inner = netns_factory(), netns_factory()
    ip(host, "link add br0 type bridge")
    ip(host, f"link add outer master br0 type veth peer name inner netns {inner}")
    ip(inner, "address add 10.9.8.2/24 dev inner")
    ip(inner, "link set inner up")
    found = look(host, inner)
    assert set(found) == {host, inner}
    outer = next(device for device in found[host]["devices"] if device["name"] == "outer")
    end = next(device for device in found[inner]["devices"] if device["name"] == "inner")
    assert outer["peer"] == {"namespace": found[inner]["id"], "index": end["index"]}
    assert end["peer"] == {"namespace": found[host]["id"], "index": outer["index"]}
    assert outer["master"] == "br0"
    assert end["addresses"] == ["10.9.8.2/24"]
    assert (end["mac"], end["mtu"], end["up"]) == (link(inner, "inner").mac, 1500, True)


def test_the_tables_are_those_of_the_commands(netns: str):
    ip(netns, "link add vx1 type vxlan id 7 local 10.9.8.1 dstport 8472 nolearning")
    ip(netns, "link set vx1 up")
    ip(netns, "address add 10.9.7.1/24 dev vx1")
    ip(netns, "route add 10.9.6.0/24 via 10.9.7.2 dev vx1 onlink")
    ip(netns, "route add 10.9.5.0/24 via 10.9.7.3 dev vx1 table 100")
    ip(netns, "rule add fwmark 0x100/0xff00 lookup 100 priority 90")
    ip(netns, "neigh add 10.9.7.2 lladdr 02:00:00:00:00:02 dev vx1 nud permanent")
    command("bridge", "-n", netns, "fdb", "append", "02:00:00:00:00:02", "dev", "vx1", "dst", "10.9.8.2", "self")
    command("ip", "netns", "exec", netns, "iptables", "-t", "nat", "-A", "POSTROUTING", "-j", "MASQUERADE")
    command("ip", "netns", "exec", netns, "iptables", "-P", "FORWARD", "DROP")
    tables = look(netns)[netns]["tables"]
    main = [line for line in tables["routes"] if "table" not in line and ":" not in line]
    assert sorted(main) == routes(netns)
    assert "10.9.5.0/24 via 10.9.7.3 dev vx1 table 100" in tables["routes"]
    assert tables["policy_rules"] == [
        "0: from all lookup local",
        "90: from all fwmark 0x100/0xff00 lookup 100",
        "32766: from all lookup main",
        "32767: from all lookup default",
    ]
    permanent = [line for line in tables["neighbours"] if line.endswith("PERMANENT")]
    assert permanent == ["10.9.7.2 dev vx1 lladdr 02:00:00:00:00:02 PERMANENT"]
    assert len(neighbours(netns, "vx1")) == 1
    assert tables["forwarding"] == ["02:00:00:00:00:02 dev vx1 dst 10.9.8.2 self permanent"]
    assert len(fdb(netns, "vx1")) == 1
    assert "iptables -t nat -A POSTROUTING -j MASQUERADE" in tables["iptables"]
    assert any(line.startswith("iptables -t filter :FORWARD DROP") for line in tables["iptables"])


def test_a_tunnel_says_where_its_packets_go(netns: str):
    ip(netns, "link add vx1 type vxlan id 7 local 10.9.8.1 remote 10.9.8.2 dstport 4789")
    ip(netns, "link add vx2 type vxlan external dstport 6784")
    found = {device["name"]: device for device in look(netns, tables=False)[netns]["devices"]}
    assert found["vx1"]["tunnel"] == "vxlan id 7 remote 10.9.8.2 local 10.9.8.1 dstport 4789"
    assert found["vx2"]["tunnel"] == "vxlan dstport 6784"
    assert found["lo"]["tunnel"] == ""


def test_an_impairment_is_told(netns: str):
    ip(netns, "link add va type veth peer name vb")
    command(
        "tc", "-n", netns, "qdisc", "add", "dev", "va", "root", "tbf", "rate", "1gbit", "burst", "64k", "latency", "9ms"
    )
    found = {device["name"]: device for device in look(netns, tables=False)[netns]["devices"]}
    assert (found["va"]["impairment"], found["vb"]["impairment"]) == ("rate 1gbit", "")
