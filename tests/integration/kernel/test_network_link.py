# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module network_link against real namespaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.host_facts import missing_link_kinds
from ansible_collections.container_network.lab.plugins.module_utils.kernel.writer import KernelWriter
from ansible_collections.container_network.lab.plugins.module_utils.recorded import records, restore
from tests.support.kernel_view import addresses, all_addresses, command, fdb, has_link, ip, link
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module
from tests.support.persistent_sets import Killer, killed_everywhere
from tests.support.vxlan_view import assert_vxlan

FLANNEL = {"id": 1, "local": "192.168.1.68", "dev": "eth0", "port": 8472, "learning": False}


def flannel_link(**changes: Any) -> dict[str, Any]:
    return {
        "name": "flannel.1",
        "kind": "vxlan",
        "mtu": 8951,
        "mac": "0e:08:23:57:14:9a",
        "addresses": ["40.15.43.0/32"],
        "vxlan": FLANNEL,
        **changes,
    }


@pytest.fixture
def node(netns: str) -> str:
    """A namespace with an underlay interface, a bridge named eth0."""
    ip(netns, "link add eth0 mtu 9001 type bridge")
    ip(netns, "address add 192.168.1.68/24 dev eth0")
    ip(netns, "link set eth0 up")
    return netns


def test_flannel_device_has_the_documented_attributes(node: str) -> None:
    result = assert_converges("network_link", netns=node, links=[flannel_link()])
    assert link(node, "flannel.1").mtu == 8951
    assert_vxlan(
        node,
        "flannel.1",
        {"id": 1, "local": "192.168.1.68", "link": link(node, "eth0").index, "port": 8472, "ageing": 300},
        {"udp_csum"},
    )
    assert addresses(node, "flannel.1") == ["40.15.43.0/32"]
    assert result["diff"]["before"] == {"links": {"flannel.1": None}}
    assert result["diff"]["after"]["links"]["flannel.1"] == {
        "kind": "vxlan",
        "vxlan": {**FLANNEL, "proxy": False, "l2miss": False, "l3miss": False, "udp6zerocsumrx": False},
        "up": True,
        "mac": "0e:08:23:57:14:9a",
        "mtu": 8951,
        "addresses": ["40.15.43.0/32"],
    }


def test_check_mode_makes_nothing(node: str) -> None:
    run_module("network_link", _check=True, netns=node, links=[flannel_link()])
    assert not has_link(node, "flannel.1")


def test_overlay_device_of_docker(netns: str) -> None:
    vxlan = {"id": 256, "proxy": True, "l2miss": True, "l3miss": True}
    bridge = {"name": "br0", "kind": "bridge"}
    assert_converges(
        "network_link",
        netns=netns,
        links=[bridge, {"name": "vxlan0", "kind": "vxlan", "mtu": 1450, "master": "br0", "vxlan": vxlan}],
    )
    found = link(netns, "vxlan0")
    assert (found.mtu, found.master) == (1450, "br0")
    assert_vxlan(netns, "vxlan0", {"id": 256, "port": 4789}, {"learning", "proxy", "l2miss", "l3miss", "udp_csum"})


def test_packets_without_a_checksum_over_ipv6(netns: str) -> None:
    links = [{"name": "vxlan-6784", "kind": "vxlan", "vxlan": {"id": 0, "port": 6784, "udp6zerocsumrx": True}}]
    assert_converges("network_link", netns=netns, links=links)
    assert link(netns, "vxlan-6784").attributes["vxlan_udp_zero_csum6_rx"] == 1


@pytest.mark.parametrize(
    ("setting", "value", "shown"),
    [
        ("mtu", 1450, lambda found: found.mtu),
        ("mac", "4e:55:ee:0a:90:38", lambda found: found.mac),
        ("master", "br0", lambda found: found.master),
    ],
)
def test_settings_change_on_the_living_device(node: str, setting: str, value: Any, shown: Any) -> None:
    links = [{"name": "br0", "kind": "bridge"}, flannel_link()]
    run_module("network_link", netns=node, links=links)
    index = link(node, "flannel.1").index
    links[1][setting] = value
    assert_converges("network_link", netns=node, links=links)
    found = link(node, "flannel.1")
    assert shown(found) == value
    assert found.index == index


@pytest.mark.parametrize("mtu", [1500, 1600])
def test_a_bridge_keeps_its_mtu_when_a_smaller_port_joins(node: str, mtu: int) -> None:
    port = flannel_link(mtu=1400, master="br")
    assert_converges("network_link", netns=node, links=[{"name": "br", "kind": "bridge", "mtu": mtu}, port])
    assert (link(node, "br").mtu, link(node, "flannel.1").mtu) == (mtu, 1400)


def test_addresses_are_the_exact_set(node: str) -> None:
    run_module("network_link", netns=node, links=[flannel_link()])
    index = link(node, "flannel.1").index
    ip(node, "address add 10.9.9.9/24 dev flannel.1")
    wanted = ["fd80::1/64", "40.15.43.0/32", "10.1.0.1/16"]
    assert_converges("network_link", netns=node, links=[flannel_link(addresses=wanted)])
    assert addresses(node, "flannel.1") == sorted(wanted)
    assert_converges("network_link", netns=node, links=[flannel_link(addresses=[])])
    assert addresses(node, "flannel.1") == []
    assert link(node, "flannel.1").index == index


def test_the_first_address_given_is_the_primary_one(netns: str) -> None:
    """Routers answer with it, so a gateway with two addresses must answer with the one that is named first."""
    bridge = {"name": "br0", "kind": "bridge", "addresses": ["10.12.28.6/22", "10.12.28.1/22"]}
    assert_converges("network_link", netns=netns, links=[bridge])
    found = [each for each in all_addresses(netns, "br0") if ":" not in each.text]
    assert [(each.secondary, each.text) for each in found] == [
        (False, "10.12.28.6/22"),
        (True, "10.12.28.1/22"),
    ]


def test_removing_a_primary_address_keeps_the_secondary_ones(netns: str) -> None:
    bridge = {"name": "br0", "kind": "bridge", "addresses": ["10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24"]}
    run_module("network_link", netns=netns, links=[bridge])
    bridge["addresses"] = ["10.0.0.2/24", "10.0.0.3/24"]
    assert_converges("network_link", netns=netns, links=[bridge])
    assert addresses(netns, "br0") == bridge["addresses"]


def test_ipv6_address_is_usable_at_once(netns: str) -> None:
    links = [{"name": "br0", "kind": "bridge", "addresses": ["FD80::0001/64"]}]
    assert_converges("network_link", netns=netns, links=links)
    (found,) = [each for each in all_addresses(netns, "br0") if each.is_global]
    assert (found.text, found.tentative) == ("fd80::1/64", False)


def test_addresses_that_the_kernel_does_not_take_for_global_ones(netns: str) -> None:
    links = [{"name": "lo", "addresses": ["127.0.0.53/32", "10.0.0.1/32"]}]
    assert_converges("network_link", netns=netns, links=links)
    found = [each.text for each in all_addresses(netns, "lo")]
    assert "127.0.0.53/32" in found
    assert "127.0.0.1/8" in found, "an address of the kernel's own was removed"
    link_local = [{"name": "br0", "kind": "bridge", "addresses": ["fe80::53/64"]}]
    assert_converges("network_link", netns=netns, links=link_local)


def test_a_device_is_taken_down_and_up(netns: str) -> None:
    run_module("network_link", netns=netns, links=[{"name": "br0", "kind": "bridge"}])
    assert_converges("network_link", netns=netns, links=[{"name": "br0", "up": False}])
    assert not link(netns, "br0").up
    assert_converges("network_link", netns=netns, links=[{"name": "br0"}])
    assert link(netns, "br0").up


def test_a_device_that_goes_down_keeps_its_addresses(netns: str) -> None:
    bridge = {"name": "br0", "kind": "bridge", "addresses": ["10.0.0.1/24", "fd80::1/64", "fd80::2/64"]}
    run_module("network_link", netns=netns, links=[bridge])
    bridge.update({"up": False, "addresses": bridge["addresses"][:2]})
    assert_converges("network_link", netns=netns, links=[bridge])
    assert addresses(netns, "br0") == bridge["addresses"]


@pytest.mark.parametrize(
    "change",
    [{"id": 2}, {"local": "192.168.1.69"}, {"port": 4789}, {"learning": True}, {"proxy": True}, {"l2miss": True}],
)
def test_vxlan_attributes_need_a_new_device(node: str, change: dict[str, Any]) -> None:
    run_module("network_link", netns=node, links=[flannel_link()])
    index = link(node, "flannel.1").index
    assert_converges("network_link", netns=node, links=[flannel_link(vxlan={**FLANNEL, **change})])
    assert link(node, "flannel.1").index != index


def test_ipv6_vtep(node: str) -> None:
    ip(node, "address add fd80::68/64 dev eth0 nodad")
    links = [flannel_link(mtu=8931, vxlan={**FLANNEL, "local": "FD80::0068"})]
    assert_converges("network_link", netns=node, links=links)
    found = link(node, "flannel.1").attributes
    assert (found["vxlan_local6"], found["vxlan_link"]) == ("fd80::68", link(node, "eth0").index)


OVERLAY = {"id": 256, "proxy": True, "l2miss": True, "l3miss": True}


def overlay_link(underlay_netns: str | None = None) -> dict[str, Any]:
    return {"name": "vxlan0", "kind": "vxlan", "mtu": 1450, "vxlan": {**OVERLAY, "underlay_netns": underlay_netns}}


def test_a_vxlan_device_whose_packets_travel_in_another_namespace(netns_factory: Callable[[], str]) -> None:
    """Two overlays, each in a namespace of its own, reach each other over the underlays of two other namespaces."""
    nodes, overlays = [netns_factory(), netns_factory()], [netns_factory(), netns_factory()]
    ip(nodes[0], f"link add eth0 type veth peer eth0 netns {nodes[1]}")
    for number, (node, overlay) in enumerate(zip(nodes, overlays), 1):
        ip(node, f"address add 192.168.1.{number}/24 dev eth0")
        ip(node, "link set eth0 up")
        links = [{**overlay_link(underlay_netns=node), "addresses": [f"10.20.0.{number}/16"]}]
        assert_converges("network_link", netns=overlay, links=links)
        assert not has_link(node, "vxlan0")
    for number, overlay in enumerate(overlays, 1):
        other = 3 - number
        mac = link(overlays[other - 1], "vxlan0").mac
        entries = {"fdb": [{"mac": mac, "dst": f"192.168.1.{other}"}], "arp": [{"ip": f"10.20.0.{other}", "mac": mac}]}
        run_module("vxlan_fdb", netns=overlay, dev="vxlan0", **entries)
        assert any(f"dst 192.168.1.{other} link-netnsid 0 self permanent" in line for line in fdb(overlay, "vxlan0"))
    command("nsenter", f"--net=/run/netns/{overlays[0]}", "ping", "-c", "1", "-W", "5", "10.20.0.2")


def test_another_underlay_needs_a_new_device(netns_factory: Callable[[], str]) -> None:
    overlay, node, other = netns_factory(), netns_factory(), netns_factory()
    run_module("network_link", netns=overlay, links=[overlay_link()])
    before = link(overlay, "vxlan0").index
    assert_converges("network_link", netns=overlay, links=[overlay_link(underlay_netns=node)])
    assert link(overlay, "vxlan0").index != before
    assert_converges("network_link", netns=overlay, links=[overlay_link(underlay_netns=other)])
    assert_converges("network_link", netns=overlay, links=[overlay_link(underlay_netns=overlay)])
    assert_unchanged("network_link", netns=overlay, links=[overlay_link()])


def test_absent_removes_only_links_of_the_kind_given(node: str) -> None:
    run_module("network_link", netns=node, links=[flannel_link()])
    other = [{"name": "flannel.1", "kind": "bridge"}]
    assert_unchanged("network_link", netns=node, links=other, state="absent")
    result = assert_converges(
        "network_link", netns=node, links=[{"name": "flannel.1", "kind": "vxlan"}], state="absent"
    )
    assert result["diff"] == {
        "before": {"links": {"flannel.1": {"kind": "vxlan"}}},
        "after": {"links": {"flannel.1": None}},
    }
    assert has_link(node, "eth0")


def test_many_links_are_removed_at_once(netns: str) -> None:
    links = [{"name": f"br{n}", "kind": "bridge"} for n in range(20)]
    run_module("network_link", netns=netns, links=links)
    assert_converges("network_link", netns=netns, links=links[1:], state="absent")
    assert has_link(netns, "br0")
    assert not has_link(netns, "br7")


def failing(**arguments: Any) -> str:
    with pytest.raises(ModuleFailed) as failure:
        run_module("network_link", **arguments)
    return str(failure.value)


def test_wrong_input_is_reported_all_together_and_changes_nothing(node: str) -> None:
    links = [
        {"name": "br0", "kind": "bridge", "mtu": 67},
        {"name": "a-name-of-16-char", "kind": "bridge"},
        {"name": "br0", "kind": "bridge", "mac": "4e:55:ee:0a:90"},
        {"name": "br1", "kind": "bridge", "addresses": ["10.0.0.1", "10.0.0.300/24", "10.0.0.1/33"]},
        {"name": "br2", "kind": "bridge", "addresses": ["fd80::1/64", "10.0.0.1/24", "fd80::01/64"]},
        flannel_link(vxlan={"id": 16777216, "local": "192.168.1", "port": 65536, "dev": "eth 0"}),
        {"name": "vx", "kind": "vxlan"},
        {"name": "br3", "kind": "bridge", "vxlan": {"id": 1}},
        {"name": "br4", "kind": "bridge", "mtu": 65536},
    ]
    assert failing(netns=node, links=links).splitlines() == [
        "links[0]: mtu 67 of br0 must be from 68 to 65535 bytes",
        "links[1]: 'a-name-of-16-char' is not a device name: 1 to 15 characters, no blank, '/' or ':'",
        "links[2]: mac of br0: '4e:55:ee:0a:90' is not a MAC address: write six pairs of hexadecimal digits, "
        "as 4e:55:ee:0a:90:38",
        "links[2]: br0 is given twice, in entries 0 and 2: drop one",
        "links[3]: address of br1: '10.0.0.1': write an address with its prefix length, as 192.168.1.68/24",
        "links[3]: address of br1: '10.0.0.300' is not an IP address: write it as 192.168.1.68 or fd80::1",
        "links[3]: address of br1: '10.0.0.1/33': write an address with its prefix length, as 192.168.1.68/24",
        "links[4]: address of br2: fd80::1/64 is given twice, in entries 0 and 2: drop one",
        "links[5]: vxlan.id 16777216 of flannel.1 must be a VNI from 0 to 16777215 (24 bits)",
        "links[5]: vxlan.port 65536 of flannel.1 must be a UDP port from 1 to 65535",
        "links[5]: vxlan.dev of flannel.1: 'eth 0' is not a device name: 1 to 127 characters, no blank, '/' or ':'",
        "links[5]: vxlan.local of flannel.1: '192.168.1' is not an IP address: write it as 192.168.1.68 or fd80::1",
        "links[6]: vx: kind: vxlan and the option 'vxlan' need each other",
        "links[7]: br3: kind: vxlan and the option 'vxlan' need each other",
        "links[8]: mtu 65536 of br4 must be from 68 to 65535 bytes",
    ]
    assert not has_link(node, "br0")


def test_another_kind_under_the_name_is_refused_before_any_change(node: str) -> None:
    text = failing(netns=node, links=[{"name": "br0", "kind": "bridge"}, flannel_link(name="eth0")])
    assert text == (
        f"eth0 in network namespace {node} exists and is of kind bridge, not vxlan: it is not ours to replace. "
        "Remove it, or choose another name."
    )
    assert not has_link(node, "br0")
    text = failing(netns=node, links=[{"name": "lo", "kind": "bridge"}])
    assert "lo in network namespace" in text
    assert "has no link type" in text


def test_missing_devices_are_named_before_any_change(node: str) -> None:
    assert failing(netns=node, links=[{"name": "br0", "kind": "bridge"}, {"name": "eth7"}]) == (
        f"links: there is no device 'eth7' in network namespace {node}; it has eth0, lo. "
        "Without a 'kind' it cannot be made."
    )
    assert failing(
        netns=node, links=[{"name": "br0", "kind": "bridge"}, flannel_link(vxlan={"id": 1, "dev": "ens3"})]
    ) == (f"vxlan.dev of flannel.1: there is no device 'ens3' in network namespace {node}; it has eth0, lo.")
    assert failing(netns=node, links=[{"name": "br0", "kind": "bridge", "master": "br9"}]) == (
        f"master of br0: there is no device 'br9' in network namespace {node}; it has eth0, lo."
    )
    assert not has_link(node, "br0")


def test_a_kind_that_no_kernel_has_is_named(netns: str) -> None:
    text = failing(netns=netns, links=[{"name": "tunl7", "kind": "nosuchkind"}])
    assert text == (
        f"cannot make tunl7 of kind nosuchkind in network namespace {netns}: the running kernel has no such link type "
        "(Operation not supported (Unknown device type)): check the kind's name, or boot a kernel that has it."
    )


def test_what_the_kernel_refuses_is_told_in_its_words(node: str) -> None:
    text = failing(netns=node, links=[flannel_link(), flannel_link(name="flannel.2")])
    assert text.startswith(f"cannot make flannel.2 of kind vxlan in network namespace {node}: File exists (")
    assert "VNI" in text


def test_an_unknown_namespace_is_named() -> None:
    assert failing(netns="no-such-place", links=[{"name": "br0", "kind": "bridge"}]) == (
        "netns 'no-such-place': cannot open the network namespace /run/netns/no-such-place: "
        "No such file or directory. Give the name of one that `ip netns list` shows, a path, a process id, "
        "or container:NAME."
    )


def test_dev_and_another_underlay_contradict_each_other(node: str) -> None:
    link = {**overlay_link(underlay_netns=node), "vxlan": {**OVERLAY, "underlay_netns": node, "dev": "eth0"}}
    assert failing(netns=node, links=[link]) == (
        "links[0]: vxlan.dev and vxlan.underlay_netns of vxlan0 cannot go together: leave dev out, and the routes of "
        "that namespace say which device the packets take"
    )


# --- links of other kinds ---------------------------------------------------------------------------


def test_a_bridge_with_the_spanning_tree_protocol(netns: str) -> None:
    links = [{"name": "br0", "kind": "bridge", "attributes": {"br_stp_state": 1, "br_forward_delay": 400}}]
    result = assert_converges("network_link", netns=netns, links=links)
    assert result["diff"]["after"]["links"]["br0"]["attributes"] == {"br_stp_state": 1, "br_forward_delay": 400}
    found, index = link(netns, "br0").attributes, link(netns, "br0").index
    assert (found["br_stp_state"], found["br_forward_delay"]) == (1, 400)
    links[0]["attributes"] = {"br_stp_state": False, "br_hello_time": "300"}
    result = assert_converges("network_link", netns=netns, links=links)
    assert result["diff"]["before"]["links"]["br0"]["attributes"] == {"br_stp_state": 1, "br_hello_time": 200}
    found = link(netns, "br0").attributes
    assert (found["br_stp_state"], found["br_forward_delay"], found["br_hello_time"]) == (0, 400, 300)
    assert link(netns, "br0").index == index, "the bridge was recreated"


def test_a_macvlan(node: str) -> None:
    wanted = {"name": "macvlan0", "kind": "macvlan", "link": "eth0", "attributes": {"macvlan_mode": "private"}}
    assert_converges("network_link", netns=node, links=[{**wanted, "mtu": 1400, "mac": "02:00:00:00:00:07"}])
    found = link(node, "macvlan0")
    assert (found.lower, found.mtu, found.mac) == ("eth0", 1400, "02:00:00:00:00:07")
    assert link(node, "macvlan0").attributes["macvlan_mode"] == "private"
    wanted["attributes"]["macvlan_mode"] = "bridge"
    assert_converges("network_link", netns=node, links=[wanted])
    assert link(node, "macvlan0").index == found.index
    assert link(node, "macvlan0").attributes["macvlan_mode"] == "bridge"


def test_another_device_below_needs_a_new_one(node: str) -> None:
    ip(node, "link add eth1 type bridge")
    links = [{"name": "macvlan0", "kind": "macvlan", "link": "eth0"}]
    run_module("network_link", netns=node, links=links)
    index = link(node, "macvlan0").index
    links[0]["link"] = "eth1"
    result = assert_converges("network_link", netns=node, links=links)
    assert result["diff"]["before"]["links"]["macvlan0"]["link"] == "eth0"
    assert link(node, "macvlan0").lower == "eth1"
    assert link(node, "macvlan0").index != index


def test_a_tun_device(netns: str) -> None:
    links = [{"name": "tun0", "kind": "tun", "mtu": 1400, "addresses": ["10.0.0.1/24"], "attributes": {"tun_type": 1}}]
    assert_converges("network_link", netns=netns, links=links)
    assert addresses(netns, "tun0") == ["10.0.0.1/24"]
    assert_converges("network_link", netns=netns, links=[{"name": "tun0", "kind": "tun"}], state="absent")


def test_a_change_that_the_kernel_leaves_out_gets_a_new_device(netns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a VLAN device, of whose new id the kernel takes no notice; stood in for by a change that is not sent."""
    links = [{"name": "br0", "kind": "bridge", "attributes": {"br_ageing_time": 1000}}]
    run_module("network_link", netns=netns, links=links)
    index = link(netns, "br0").index
    monkeypatch.setattr(KernelWriter, "change_attributes", lambda *_arguments: None)
    links[0]["attributes"]["br_ageing_time"] = 2000
    assert_converges("network_link", netns=netns, links=links)
    assert link(netns, "br0").attributes["br_ageing_time"] == 2000
    assert link(netns, "br0").index != index


def test_what_cannot_change_on_the_living_device_is_told(node: str) -> None:
    links = [
        {"name": "br0", "kind": "bridge", "attributes": {"br_stp_state": 1}},
        {"name": "macvlan0", "kind": "macvlan", "link": "eth0", "attributes": {"macvlan_mode": "bridge"}},
    ]
    run_module("network_link", netns=node, links=links)
    links[1]["attributes"]["macvlan_mode"] = "passthru"
    assert failing(netns=node, links=links) == (
        f"cannot change attributes of macvlan0 in network namespace {node}: Invalid argument. "
        "If only a new device can have them, remove this one first (state: absent)."
    )
    links[0]["attributes"]["br_forward_delay"] = 100000000
    assert "cannot change attributes of br0" in failing(netns=node, links=links[:1])
    assert "Numerical result out of range" in failing(netns=node, links=links[:1])


def test_what_the_kernel_does_not_show_is_told(netns: str) -> None:
    links = [{"name": "br0", "kind": "bridge", "attributes": {"br_fdb_flush": 1}}]
    text = failing(netns=netns, links=links)
    assert text.startswith("br0 has its attributes, but the kernel shows br_fdb_flush as None, not ")
    assert text.endswith(": write what it shows, or leave out what cannot be read back.")


@pytest.mark.parametrize(
    ("kind", "module", "options"),
    [
        ("vlan", "8021q", {"link": "eth0", "attributes": {"vlan_id": 7}}),
        ("gre", "ip_gre", {"attributes": {"gre_local": "192.168.1.68", "gre_remote": "192.168.1.254"}}),
        ("ipvlan", "ipvlan", {"link": "eth0", "attributes": {"ipvlan_mode": 0}}),
        ("bond", "bonding", {"attributes": {"bond_mode": 1}}),
        ("dummy", "dummy", {}),
    ],
)
def test_kinds_that_a_kernel_may_lack(node: str, kind: str, module: str, options: dict[str, Any]) -> None:
    """A kernel that has the kind makes the link; one that has not says which module does."""
    links = [{"name": "x0", "kind": kind, **options}]
    if missing_link_kinds([kind]):
        assert failing(netns=node, links=links) == (
            f"cannot make x0 of kind {kind} in network namespace {node}: the running kernel has no such link type "
            f"(Operation not supported (Unknown device type)): load its module (modprobe {module}), "
            "or boot a kernel that has it."
        )
    else:
        assert_converges("network_link", netns=node, links=links)
        assert link(node, "x0").kind == kind


def test_a_missing_device_below_is_named_before_any_change(node: str) -> None:
    links = [
        {"name": "br0", "kind": "bridge"},
        {"name": "x0", "kind": "macvlan", "link": "eth7"},
    ]
    assert failing(netns=node, links=links) == (
        f"link of x0: there is no device 'eth7' in network namespace {node}; it has eth0, lo."
    )
    links[1] = {"name": "x0", "kind": "gre", "attributes": {"gre_link": "eth8"}}
    assert failing(netns=node, links=links).startswith("gre_link of x0: there is no device 'eth8'")
    assert not has_link(node, "br0")


def test_links_of_other_kinds_are_recorded(host: str) -> None:
    ip(host, "link add eth0 type bridge")
    wanted = [{"name": "m0", "kind": "macvlan", "link": "eth0", "attributes": {"macvlan_mode": "vepa"}}]
    assert_converges("network_link", **recorded(wanted))
    ip(host, "link delete m0")
    assert restore.restore_all(patience=0) == {}
    assert link(host, "m0").attributes["macvlan_mode"] == "vepa"
    assert_converges("network_link", name="lab", state="absent")
    assert not has_link(host, "m0")


# --- recorded sets --------------------------------------------------------------------------------


def recorded(links: list[dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    return {"name": "lab", "persistent": True, "links": links, **arguments}


def bridges(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "kind": "bridge"} for name in names]


def test_links_that_leave_the_set_vanish_and_others_stay(host: str) -> None:
    ip(host, "link add other type bridge")
    assert_converges("network_link", **recorded(bridges("br0", "br1")))
    result = assert_converges("network_link", **recorded(bridges("br1")))
    assert result["diff"]["before"]["links"]["br0"] == {"kind": "bridge"}
    assert result["diff"]["after"]["links"]["br0"] is None
    assert not has_link(host, "br0")
    result = assert_converges("network_link", name="lab", state="absent")
    assert result["diff"]["after"] == {"links": {"br1": None}, "record": None}
    assert not has_link(host, "br1")
    assert has_link(host, "other")
    assert not records.RECORDS.exists()


def test_a_killed_run_is_finished_by_the_next(host: str, killer: Killer) -> None:
    ip(host, "link add other type bridge")
    start, end = bridges("br0", "br1"), bridges("br1", "br2", "br3")
    for _step in killed_everywhere(
        killer,
        lambda: run_module("network_link", **recorded(start)),
        lambda: run_module("network_link", **recorded(end)),
    ):
        run_module("network_link", **recorded(end))
        assert [has_link(host, name) for name in ("br0", "br1", "br2", "br3", "other")] == [False] + [True] * 4
        assert_unchanged("network_link", **recorded(end))


def test_a_killed_run_may_be_taken_back(host: str, killer: Killer) -> None:
    for _step in killed_everywhere(
        killer,
        lambda: run_module("network_link", **recorded(bridges("br0", "br1"))),
        lambda: run_module("network_link", **recorded(bridges("br1", "br2", "br3"))),
    ):
        run_module("network_link", name="lab", state="absent")
        assert not any(has_link(host, name) for name in ("br0", "br1", "br2", "br3"))
        assert not records.RECORDS.exists()


def test_a_set_needs_a_proper_name(host: str) -> None:
    with pytest.raises(ModuleFailed) as failure:
        run_module("network_link", name="../x", netns=host, persistent=True, links=[])
    assert str(failure.value).splitlines() == [
        "name: '../x' becomes a file name: use letters, digits, '.', '_' and '-' only",
        f"persistent: true cannot go with netns: '{host}': only the host's own namespace is there again after a boot; "
        "leave one of the two out",
    ]
    with pytest.raises(ModuleFailed, match="persistent: true needs a 'name' for the set"):
        run_module("network_link", persistent=True, links=[])
    with pytest.raises(ModuleFailed, match="name: 'x' is only for sets with persistent: true"):
        run_module("network_link", name="x", links=[])


def test_devices_by_their_alternative_names(netns: str) -> None:
    ip(netns, "link add eth0 type bridge")
    ip(netns, "link property add dev eth0 altname ens6")
    links = [
        {"name": "v0", "kind": "vxlan", "vxlan": {"id": 7, "local": "192.168.1.68", "dev": "ens6", "port": 4789}},
        {"name": "v1", "kind": "vxlan", "vxlan": {"id": 8, "port": 4790}, "master": "ens6"},
    ]
    ip(netns, "address add 192.168.1.68/24 dev eth0")
    assert_converges("network_link", netns=netns, links=links)
