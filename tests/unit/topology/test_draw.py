# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings of labs: every device is there, no two boxes overlap, and lines lead where packets go."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.container_network.lab.plugins.filter.draw import topology_drawing
from ansible_collections.container_network.lab.plugins.module_utils.topology.figure import Chip, Figure, figure_of
from ansible_collections.container_network.lab.plugins.module_utils.topology.joined import Topology
from ansible_collections.container_network.lab.plugins.module_utils.topology.layout import CHARACTER, Box, draw
from ansible_collections.container_network.lab.plugins.module_utils.topology.model import (
    Device,
    Host,
    Namespace,
    Tables,
)
from tests.support.recorded_topologies import recorded_results
from tests.support.topologies import bridge, lab_results


def topology(hosts: int = 4, containers: int = 10) -> Topology:
    return Topology.from_results(*lab_results(hosts, containers))


def figure() -> Figure:
    return figure_of(topology(2, 2))


def lines(kind: str) -> set[tuple[str, str]]:
    return {line.ends for line in figure().lines if line.kind == kind}


def test_every_device_is_there():
    seen = topology()
    drawn = {chip.id for frame in figure_of(seen).frames() for chip in frame.chips()}
    segments = {frame.id for frame in figure_of(seen).frames() if frame.kind == "segment"}
    expected = {f"{p.host}/{p.namespace.name}/{p.device.name}" for p in seen.places() if p.device.name != "lo"}
    assert drawn | segments == expected


def test_containers_are_in_the_order_of_their_names():
    results, routers = lab_results(1, 12)
    seen = results["node-1"]["topology"]
    seen["namespaces"] = tuple(reversed(seen["namespaces"]))
    (host,) = [frame for frame in figure_of(Topology.from_results(results, routers)).frames() if frame.kind == "host"]
    bundles = [box for row in host.rows for box in row]
    titles = [frame.title for box in bundles for frame in _containers_in(box)]
    assert titles == [f"busybox-1-{number}" for number in range(12)]


def _containers_in(box: Any) -> list[Any]:
    """A container, or those of a box that holds it with its ports."""
    if getattr(box, "kind", "") == "container":
        return [box]
    return [frame for row in getattr(box, "rows", ()) for inner in row for frame in _containers_in(inner)]


def test_a_container_is_joined_with_its_bridge_by_a_veth_pair():
    assert ("node-1/busybox-1-0/eth0", "node-1/host/veth10") in lines("veth")
    assert ("node-1/host/veth10", "node-1/host/docker0") in lines("port")


def test_tunnels_join_hosts_that_send_to_each_other_once():
    assert lines("tunnel") == {("node-1/host/flannel.1", "node-2/host/flannel.1")}
    assert ("node-1/host/flannel.1", "node-1/host/eth0") in lines("below")


def test_cards_are_plugged_into_the_segments_ports():
    assert ("node-1/host/eth0", "localhost/underlay-mine/node-1-eth0") in lines("plug")
    (group,) = figure().groups
    assert [host.title for host in group.hosts] == ["node-1", "node-2"]
    assert group.segment is not None
    assert group.segment.title == "lan"
    assert [frame.title for frame in figure().router] == ["router", "outside"]


def test_hosts_that_are_no_lab_share_the_networks_of_their_cards():
    results, _routers = lab_results(2, 1)
    drawn = figure_of(
        Topology.from_results({**results, "gone": {"msg": "Task failed: no route to host\nand more"}}, None)
    )
    assert [group.segment.title for group in drawn.groups if group.segment] == ["10.0.0.0/24"]
    assert ("node-1/host/eth0", "network/10.0.0.0/24") in {line.ends for line in drawn.lines if line.kind == "plug"}
    assert drawn.notes == ("gone: no route to host",)


def overlap(one: Box, other: Box) -> bool:
    apart = (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )
    return not apart


def inside(inner: Box, outer: Box) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


@pytest.mark.parametrize(("hosts", "containers"), [(1, 0), (4, 10), (20, 20)])
def test_no_two_boxes_overlap_and_no_text_is_cut(hosts, containers):
    drawing = draw(figure_of(topology(hosts, containers)))
    for depth in {box.depth for box in drawing.boxes}:
        level = sorted((box for box in drawing.boxes if box.depth == depth), key=lambda box: box.x)
        for one, other in combinations(level, 2):
            if other.x >= one.x + one.width:
                continue
            assert not overlap(one, other), (one.id, other.id)
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height
        assert max(len(text) for text in (box.title, *box.lines)) * CHARACTER < box.width
        if box.depth:
            assert any(inside(box, outer) for outer in drawing.boxes if outer.depth == box.depth - 1), box.id


def test_what_is_written_loads_nothing_and_keeps_names_harmless():
    results, routers = lab_results(2, 2)
    text = json.dumps(results).replace("busybox-1-0", '</script><b>\\"--]')
    files = topology_drawing(json.loads(text), routers, "a <lab>")
    ElementTree.fromstring(files["svg"])
    assert "<title>a &lt;lab&gt;</title>" in files["html"]
    assert files["html"].count("</script>") == 2
    assert "<b>" not in files["html"]
    links = set(re.findall(r"https?://[^\"' )]+", files["html"] + files["svg"]))
    assert links == {"http://www.w3.org/2000/svg"}  # the name of the format, and no address
    for dangerous in ("<b>", '"--]'):
        assert dangerous not in files["mmd"]


def test_the_text_forms_have_all_devices_and_lines():
    files = topology_drawing(*lab_results(2, 2))
    chips = [chip for frame in figure().frames() for chip in frame.chips() if isinstance(chip, Chip)]
    for name in ("mmd", "dot"):
        declared = set(re.findall(r"^ +(n\d+) ?\[", files[name], re.MULTILINE))
        assert len(declared) >= len(chips)
        used = set(re.findall(r"\bn\d+\b(?= (?:---|-\.-|--))", files[name]))
        assert used
        assert used <= declared
    assert files["mmd"].startswith("flowchart TB\n")
    assert "bundle" not in files["mmd"] + files["dot"]
    assert files["mmd"].count("subgraph") == files["mmd"].count("\n  end") + files["mmd"].count("    end")


def tunnel_lines(*hosts: Host) -> list[tuple[tuple[str, str], str]]:
    seen = Topology.from_results({host.name: {"topology": host.data()} for host in hosts}, None)
    return [(line.ends, line.label) for line in figure_of(seen).lines if line.kind == "tunnel"]


def card(address: str) -> Device:
    return Device("eth0", 2, None, None, 1500, True, (f"{address}/24",))


def test_tunnels_in_namespaces_of_their_own_are_joined_by_their_number():
    """As Docker's overlays are: one namespace a network, with a VXLAN device in it."""

    def host(number: int, other: int) -> Host:
        vxlan = {
            vni: Device("vxlan0", 3, "vxlan", None, 1450, True, (), "br0", tunnel=f"vxlan id {vni} dstport 4789")
            for vni in (256, 257)
        }
        entry = f"02:42:0a:14:00:02 dev vxlan0 dst 10.0.0.{other} self permanent"
        own = Namespace(f"{number}", "host", "p", (), (card(f"10.0.0.{number}"),))
        overlays = [
            Namespace(f"{number}/{vni}", f"1-{vni}", "p", (), (bridge("br0", 2), device), Tables(forwarding=(entry,)))
            for vni, device in vxlan.items()
        ]
        return Host(f"node-{number}", namespaces=(own, *overlays))

    assert sorted(tunnel_lines(host(1, 2), host(2, 1))) == [
        (("node-1/1-256/vxlan0", "node-2/1-256/vxlan0"), "vxlan id 256"),
        (("node-1/1-257/vxlan0", "node-2/1-257/vxlan0"), "vxlan id 257"),
    ]


def test_a_tunnel_without_a_peer_of_its_own_goes_where_routes_lead():
    """As Calico's IP in IP does."""

    def host(number: int, *routes: str) -> Host:
        tunnel = Device("tunl0", 3, "ipip", None, 1480, True, tunnel="ipip")
        own = Namespace(f"{number}", "host", "p", (), (card(f"10.0.0.{number}"), tunnel), Tables(routes=routes))
        return Host(f"node-{number}", namespaces=(own,))

    leading = host(1, "197.19.65.128/26 via 10.0.0.2 dev tunl0 proto bird onlink")
    assert tunnel_lines(leading, host(2), host(3)) == [(("node-1/host/tunl0", "node-2/host/tunl0"), "ipip")]


def test_bridges_of_open_vswitch_are_joined_with_their_ports_each_other_and_those_of_other_hosts():
    """As on two hosts of the lab kuryr, where Open vSwitch runs in user space, and the kernel knows nothing of it."""
    found = figure_of(Topology.from_results(*recorded_results("kuryr_walk")))
    chips = {chip.id: chip for frame in found.frames() for chip in frame.chips()}
    for host, short in (("kuryr-1", "dc456f56-83"), ("kuryr-2", "0a3a3d3b-ec")):
        own = {line for line in found.lines if all(end.startswith(f"{host}/host/br-") for end in line.ends)}
        assert {(line.kind, line.ends) for line in own} == {("below", (f"{host}/host/br-int", f"{host}/host/br-tun"))}
        ports = {line.ends for line in found.lines if line.kind == "port" and "/br-" in line.ends[1]}
        assert (f"{host}/host/qvo{short}", f"{host}/host/br-int") in ports
        assert (f"{host}/host/eth0", f"{host}/host/br-phy") in ports
        assert {chips[f"{host}/host/{name}"].kind for name in ("br-int", "br-tun", "br-phy")} == {"bridge"}
    tunnels = {(line.ends, line.label) for line in found.lines if line.kind == "tunnel"}
    assert tunnels == {(("kuryr-1/host/br-tun", "kuryr-2/host/br-tun"), "vxlan")}
