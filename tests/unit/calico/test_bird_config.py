# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of BIRD, and the tunnels to nodes on other subnets."""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.bird_config import (
    Passwords,
    bird_config,
    sessions,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.blocks import Block
from ansible_collections.container_network.lab.plugins.module_utils.calico.policy import plan_policy
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import ALWAYS, CROSS_SUBNET, IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    BgpConfiguration,
    BgpPeer,
    Node,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot
from ansible_collections.container_network.lab.plugins.module_utils.calico.tunnels import (
    Underlay,
    container_mtu,
    plan_tunnels,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput
from ansible_collections.container_network.lab.plugins.module_utils.kernel.addresses import mac_text, packed_ip
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import Device
from ansible_collections.container_network.lab.plugins.module_utils.kernel.virtual_links import (
    VirtualLink,
    VxlanAttributes,
)

POOL = IPPool("one", ipaddress.ip_network("197.19.0.0/16"), 26)
VXLAN = dataclasses.replace(POOL, vxlan_mode=CROSS_SUBNET)
IPIP = dataclasses.replace(POOL, ipip_mode=CROSS_SUBNET)
NODES = {
    "node-1": Node("node-1", ipv4_address="192.168.1.68/24"),
    "node-3": Node("node-3", ipv4_address="192.168.1.245/24"),
    "node-4": Node("node-4", ipv4_address="192.168.0.33/24"),
}
BLOCK = ipaddress.ip_network("197.19.38.128/26")
UNDERLAY = Underlay("eth0", 9001)


def snapshot(**changes: Any) -> Snapshot:
    return Snapshot(**{"nodes": NODES, "pools": (POOL,), "blocks": {BLOCK: Block.new(BLOCK, "node-1")}, **changes})


def reflecting(*names: str, mesh: bool = False) -> Snapshot:
    nodes = {
        name: dataclasses.replace(node, route_reflector_cluster_id="244.0.0.1") if name in names else node
        for name, node in NODES.items()
    }
    return snapshot(nodes=nodes, bgp=BgpConfiguration(64512, mesh))


def names(view: Snapshot, node: str) -> list[str]:
    return [session.name for session in sessions(view, view.nodes[node], 4)]


def protocol(config: str, name: str) -> str:
    return config.partition(f"protocol bgp {name} ")[2].partition("\n}")[0]


def test_configuration_of_a_node_in_a_mesh() -> None:
    config = bird_config(snapshot(), "node-1")
    assert config.startswith("# BGP of the Calico node node-1")
    for line in (
        "router id 192.168.1.68;",
        "  route 197.19.38.128/26 blackhole;",
        "  metric 0;",
        "  persist;",
        "  local 192.168.1.68 as 64512;",
        "protocol bgp Mesh_192_168_1_245 from peer4 {",
        "  neighbor 192.168.0.33 as 64512;",
    ):
        assert line in config.splitlines(), config
    assert "next hop self;" in protocol(config, "Mesh_192_168_1_245")
    assert "kernel6" not in config
    assert "tunl0" not in config


def test_mesh_and_reflectors() -> None:
    assert names(snapshot(), "node-1") == ["Mesh_192_168_1_245", "Mesh_192_168_0_33"]
    assert names(snapshot(bgp=BgpConfiguration(64512, False)), "node-1") == []
    one = reflecting("node-1")
    assert names(one, "node-3") == ["Node_192_168_1_68"]
    assert names(one, "node-1") == ["Node_192_168_1_245", "Node_192_168_0_33"]
    config = bird_config(one, "node-1")
    assert "rr client;\n  rr cluster id 244.0.0.1;" in protocol(config, "Node_192_168_1_245")
    assert "next hop self ebgp;" in protocol(config, "Node_192_168_1_245")
    assert "rr client" not in bird_config(one, "node-3")
    two = reflecting("node-1", "node-3")
    assert "rr client" not in protocol(bird_config(two, "node-1"), "Node_192_168_1_245"), "reflectors are peers"
    assert names(two, "node-4") == ["Node_192_168_1_68", "Node_192_168_1_245"]


def test_external_peers_and_passwords() -> None:
    peers = (
        BgpPeer("rack", peer_ip="192.168.1.1", as_number=65001),
        BgpPeer("other", node="node-3", peer_ip="192.168.1.2", as_number=65002),
        BgpPeer("reflectors", node_selector="all()", peer_selector="has(reflector)"),
    )
    view = snapshot(bgp_peers=peers)
    config = bird_config(view, "node-1", Passwords("between nodes", {"rack": "to the rack"}))
    assert 'password "between nodes";' in protocol(config, "Mesh_192_168_1_245")
    assert 'password "to the rack";' in protocol(config, "Global_192_168_1_1")
    assert "import all;" in protocol(config, "Global_192_168_1_1")
    assert names(view, "node-1")[2:] == ["Global_192_168_1_1"]
    assert names(view, "node-3")[2:] == ["Node_192_168_1_2", "Global_192_168_1_1"]
    with pytest.raises(InvalidInput, match="up to 80 characters"):
        bird_config(view, "node-1", Passwords('a "quote'))


def test_as_numbers_of_nodes() -> None:
    nodes = {**NODES, "node-3": dataclasses.replace(NODES["node-3"], as_number=65003)}
    config = bird_config(snapshot(nodes=nodes), "node-1")
    assert "neighbor 192.168.1.245 as 65003;" in config
    assert "local 192.168.1.245 as 65003;" in bird_config(snapshot(nodes=nodes), "node-3")


def test_between_as_numbers_a_mesh_is_told_of_each_node_by_itself() -> None:
    nodes = {**NODES, "node-3": dataclasses.replace(NODES["node-3"], as_number=65003)}
    assert "calico_mesh_export" not in bird_config(snapshot(), "node-1")
    config = bird_config(snapshot(nodes=nodes), "node-1")
    for name in ("Mesh_192_168_1_245", "Mesh_192_168_0_33"):
        assert "export filter calico_mesh_export4;" in protocol(config, name)
    reflected = reflecting("node-1")
    other = {**reflected.nodes, "node-3": dataclasses.replace(reflected.nodes["node-3"], as_number=65003)}
    config = bird_config(snapshot(nodes=other, bgp=BgpConfiguration(64512, False)), "node-1")
    assert "rr client" not in protocol(config, "Node_192_168_1_245"), (
        "BIRD takes neighbours of its own AS only as clients"
    )
    assert "rr client" in protocol(config, "Node_192_168_0_33")


@pytest.mark.parametrize(("pool", "device"), [(IPIP, "tunl0"), (VXLAN, "vxlan.calico")])
def test_tunnels_only_where_needed(pool: IPPool, device: str) -> None:
    config = bird_config(snapshot(pools=(pool,)), "node-1")
    assert (
        "  if net ~ [ 197.19.0.0/16+ ] && ! (bgp_next_hop ~ 192.168.1.0/24) then {\n"
        f'    ifname = "{device}";\n    onlink = true;\n    gw = bgp_next_hop;\n' in config
    )
    always = dataclasses.replace(VXLAN, vxlan_mode=ALWAYS)
    assert "  if net ~ [ 197.19.0.0/16+ ] then {\n" in bird_config(snapshot(pools=(always,)), "node-1")


def test_vxlan_device_and_its_tables() -> None:
    tunnels = plan_tunnels(snapshot(pools=(VXLAN,)), "node-1", UNDERLAY)
    (link,) = tunnels.links
    device = link.device
    assert (device.name, device.mtu, device.addresses) == ("vxlan.calico", 8951, ())
    assert link.vxlan == VxlanAttributes(4096, "192.168.1.68", "eth0", 4789, learning=False)
    (tables,) = tunnels.tables
    remote = packed_ip("192.168.0.33")
    assert list(tables.arp) == [remote], "a node of the own subnet needs no tunnel"
    assert tables.fdb == {tables.arp[remote]: remote}
    (far,) = plan_tunnels(snapshot(pools=(VXLAN,)), "node-4", UNDERLAY).links
    assert far.device.mac == mac_text(tables.arp[remote]), "both sides derive the same address"
    assert far.device.mac.startswith("66:")


def test_ipip_device_is_the_documented_one() -> None:
    tunnels = plan_tunnels(snapshot(pools=(IPIP,)), "node-1", UNDERLAY)
    assert tunnels.links == (VirtualLink(Device("tunl0", mtu=1440, addresses=()), "ipip"),)
    assert tunnels.tables == ()
    assert plan_tunnels(snapshot(), "node-1", UNDERLAY).links == ()


def test_mtu_of_new_containers() -> None:
    assert container_mtu(snapshot(), 9001) == container_mtu(snapshot(pools=(VXLAN,)), 9001) == 1500
    assert container_mtu(snapshot(), 1420) == 1420, "an underlay over a VPN"
    assert container_mtu(snapshot(pools=(VXLAN,)), 1420) == 1370
    assert container_mtu(snapshot(pools=(IPIP,)), 1420) == 1400
    (tunnel,) = plan_tunnels(snapshot(pools=(IPIP,)), "node-1", Underlay("wg0", 1420)).links
    assert tunnel.device.mtu == 1400


@pytest.mark.parametrize(("pool", "text"), [(IPIP, "IPIP packets"), (VXLAN, "VXLAN packets")])
def test_tunnelled_packets_are_taken_from_nodes_only(pool: IPPool, text: str) -> None:
    policy = plan_policy(snapshot(pools=(pool,)), "node-1", 4)
    accept, drop, _rest = policy.chains.chains[("filter", "cali-INPUT")]
    assert f"Allow {text}" in accept
    assert f"Drop {text}" in drop
    sets = {each.name: each.members for each in policy.sets}
    nodes = {"192.168.1.68", "192.168.1.245", "192.168.0.33"}
    assert sets["cali4-all-hosts-net" if pool is IPIP else "cali4-all-vxlan-net"] == nodes


def test_ipv6_runs_between_nodes_with_ipv6_addresses() -> None:
    nodes = {
        **NODES,
        "node-1": dataclasses.replace(NODES["node-1"], ipv6_address="fd00:1::68/64"),
        "node-4": dataclasses.replace(NODES["node-4"], ipv6_address="fd00::33/64"),
    }
    six = IPPool("six", ipaddress.ip_network("fd80:24e2:f998:72d6::/64"), 122, vxlan_mode=CROSS_SUBNET)
    view = snapshot(nodes=nodes, pools=(POOL, six))
    config = bird_config(view, "node-1")
    assert "protocol bgp Node" not in config
    assert "protocol bgp Mesh_fd00__33 from peer6 {" in config
    assert "Mesh_192_168_1_245" in config
    assert "local fd00:1::68 as 64512;" in config
    tunnels = plan_tunnels(view, "node-1", UNDERLAY)
    assert "node-3 has no IPv6 address" in plan_policy(view, "node-3", 6).warnings[0]
    assert plan_policy(view, "node-1", 6).warnings == ()
    (link,) = tunnels.links
    assert (link.name, link.device.mtu, link.vxlan.id) == ("vxlan-v6.calico", 8931, 4097)
    assert list(tunnels.tables[0].fdb.values()) == [packed_ip("fd00::33")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"vxlan_mac": "66:00"}, "node node-4: its VTEP's MAC address is none: '66:00' is not a MAC address"),
        ({"vxlan_tunnel_address": "197.19.0.0.1"}, "node node-4: its tunnel's address is no IPv4 address"),
    ],
)
def test_what_a_foreign_program_stored_of_a_tunnel_is_checked(fields: dict[str, str], message: str) -> None:
    nodes = {**NODES, "node-4": dataclasses.replace(NODES["node-4"], **fields)}
    with pytest.raises(InvalidInput) as failure:
        plan_tunnels(snapshot(nodes=nodes, pools=(VXLAN,)), "node-4", UNDERLAY)
    assert str(failure.value).startswith(message)
