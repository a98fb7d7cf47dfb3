# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Calico host's kernel and BIRD, with real packets between namespaces."""

from __future__ import annotations

import dataclasses
import ipaddress
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico import dataplane
from ansible_collections.container_network.lab.plugins.module_utils.calico.bird_config import Passwords
from ansible_collections.container_network.lab.plugins.module_utils.calico.network_policies import NetworkPolicy
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import CROSS_SUBNET, IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.profiles import profile_spec
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    BgpConfiguration,
    BgpPeer,
    Node,
    Profile,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support.bgp_session import Session
from tests.support.calico_nodes import Container, Lab, eventually
from tests.support.kernel_view import command, has_link, ip, link
from tests.support.vxlan_view import assert_vxlan

POOL = IPPool("one", ipaddress.ip_network("197.19.0.0/16"), 26)
VXLAN_POOL = dataclasses.replace(POOL, vxlan_mode=CROSS_SUBNET, nat_outgoing=True)
POOL6 = IPPool("six", ipaddress.ip_network("fd80:24e2:f998:72d6::/64"), 122, vxlan_mode=CROSS_SUBNET)


@pytest.fixture
def lab(netns_factory: Callable[[], str], tmp_path: Path) -> Iterator[Lab]:
    made = Lab(netns_factory, tmp_path)
    yield made
    made.close()


def assert_settled(lab: Lab) -> None:
    """A full look finds nothing to do: all texts are those that the kernel's tools print."""
    for each in lab.dataplanes.values():
        each.resync()
    for name, outcome in lab.converge(check=True).items():
        assert not outcome.changed, (name, outcome.before, outcome.after)


def test_three_nodes_have_the_documented_routes(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-2", "node-3", pools=(POOL,))
    first = lab.container("node-1", "net-1", "197.19.38.128")
    third = lab.container("node-3", "net-1", "197.19.26.5")
    lab.bring_up()
    eventually(lambda: len(lab.bird_routes("node-1")) == 3)
    assert lab.routes("node-1") == sorted(
        [
            "192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.68",
            "197.19.186.192/26 via 192.168.1.254 dev eth0 proto bird",
            "197.19.26.0/26 via 192.168.1.245 dev eth0 proto bird",
            f"197.19.38.128 dev {first.endpoint.interface} scope link",
            "blackhole 197.19.38.128/26 proto bird",
            "default via 192.168.1.1 dev eth0",
        ]
    )
    eventually(lambda: first.reaches(third.address))
    assert "ttl=62" in lab_ping(first.namespace, third.address)
    assert_settled(lab)


def lab_ping(namespace: str, address: str) -> str:
    from tests.support.kernel_view import command

    return command("ip", "netns", "exec", namespace, "ping", "-c", "1", "-W", "5", address)


def hears_an_impostor(listener: Container, impostor: Container, victim: Container, version: int = 0) -> bool:
    """Whether a datagram that one sends in another's name arrives; the other sends one itself behind it."""
    source, target = (one.endpoint.addresses[version].partition("/")[0] for one in (victim, listener))
    family = socket.AF_INET6 if version else socket.AF_INET
    ip(impostor.namespace, f"address add {victim.endpoint.addresses[version]} dev cali0 {'nodad' if version else ''}")
    with inside(listener.namespace):
        heard = socket.socket(family, socket.SOCK_DGRAM)
    with heard:
        heard.bind((target, 9999))
        heard.settimeout(10)
        for sender in (impostor, victim):
            with inside(sender.namespace), socket.socket(family, socket.SOCK_DGRAM) as speaking:
                speaking.bind((source, 0))
                speaking.sendto(sender.namespace.encode(), (target, 9999))
        return heard.recv(99).decode() == impostor.namespace


def test_isolation_within_and_between_hosts(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-3", pools=(POOL,))
    first = lab.container("node-1", "net-1", "197.19.38.139")
    other_network = lab.container("node-1", "net-2", "197.19.38.141")
    remote = lab.container("node-3", "net-1", "197.19.26.5")
    lab.bring_up()
    eventually(lambda: first.reaches(remote.address))
    neighbour = lab.container("node-1", "net-1", "197.19.38.140")
    assert not first.reaches(neighbour.address), "an interface that the chains do not know is closed"
    lab.converge()
    assert first.reaches(neighbour.address)
    assert remote.reaches(neighbour.address), "the new member is in the other host's set"
    for source, target in ((first, other_network), (other_network, first), (other_network, remote)):
        assert not source.reaches(target.address)
    assert first.reaches("192.168.1.68"), "a container reaches its host"
    assert not hears_an_impostor(neighbour, other_network, first), "rp_filter keeps a container to its own addresses"
    shown = lab.run("node-1", "ipset", "list", calico_set("net-1"))
    for member in ("197.19.38.139", "197.19.38.140", "197.19.26.5"):
        assert f"\n{member}" in shown
    assert "Type: hash:ip" in shown
    assert "\n197.19.38.141" not in shown
    assert_settled(lab)


def calico_set(network: str) -> str:
    from ansible_collections.container_network.lab.plugins.module_utils.calico.felix_rules import selector_set

    return selector_set(4, f"has({network})")


def test_declared_rules_of_a_web_server(lab: Lab) -> None:
    lab.add_nodes("node-1", pools=(POOL,))
    declared = [
        {"protocol": "tcp", "ports": ["80"], "network": "net-2"},
        {"protocol": "icmp", "network": "net-2"},
        {"action": "deny", "protocol": "tcp", "ports": ["81", "90:99"], "cidr": "197.19.38.129/32"},
    ]
    web_profile = Profile("web", profile_spec("web", ingress=declared))
    lab.change(profiles={**lab.snapshot.profiles, "web": web_profile})
    web = lab.container("node-1", "web", "197.19.38.128")
    sibling = lab.container("node-1", "web", "197.19.38.129")
    client = lab.container("node-1", "net-2", "197.19.38.130")
    foreign = lab.container("node-1", "net-1", "197.19.38.131")
    lab.converge()
    for port in (80, 81):
        lab.listen(web, port)
    eventually(lambda: client.reaches_tcp(web.address, 80))
    assert client.reaches(web.address)
    assert not client.reaches_tcp(web.address, 81)
    assert not foreign.reaches_tcp(web.address, 80)
    assert not foreign.reaches(web.address)
    assert sibling.reaches_tcp(web.address, 80)
    assert not sibling.reaches_tcp(web.address, 81), "a declared denial comes before the default"
    assert_settled(lab)


def policy(name: str, **spec: object) -> NetworkPolicy:
    """A global policy, as it is stored."""
    found = NetworkPolicy.from_document({"metadata": {"name": f"default.{name}"}, "spec": spec})
    assert found is not None
    return found


def test_policies_of_others_are_enforced_before_the_profiles(lab: Lab) -> None:
    lab.add_nodes("node-1", pools=(POOL,))
    web = lab.container("node-1", "net-1", "197.19.38.128")
    friend = lab.container("node-1", "net-1", "197.19.38.129")
    foreign = lab.container("node-1", "net-2", "197.19.38.130")
    lab.converge()
    lab.listen(web, 80)
    eventually(lambda: friend.reaches_tcp(web.address, 80))
    assert not foreign.reaches_tcp(web.address, 80)

    deny_all = policy("deny-all", selector="has(net-1)", types=["Ingress", "Egress"], order=100)
    lab.change(policies=(deny_all,))
    lab.converge()
    assert not friend.reaches_tcp(web.address, 80)
    assert not web.reaches(friend.address)
    assert not web.reaches("192.168.1.68"), "egress to the host is denied, too"

    open_port = policy(
        "open-port",
        selector="has(net-1) && !has(none)",
        types=["Ingress"],
        order=10,
        ingress=[
            {"action": "Allow", "protocol": "TCP", "source": {"selector": "has(net-2)"}, "destination": {"ports": [80]}}
        ],
    )
    lab.change(policies=(open_port, deny_all))
    lab.converge()
    assert foreign.reaches_tcp(web.address, 80), "an earlier policy has accepted it"
    assert not foreign.reaches(web.address)
    assert not friend.reaches_tcp(web.address, 80)

    pass_on = policy(
        "pass-on", types=["Ingress", "Egress"], order=1, ingress=[{"action": "Pass"}], egress=[{"action": "Pass"}]
    )
    lab.change(policies=(pass_on, open_port, deny_all))
    lab.converge()
    assert friend.reaches_tcp(web.address, 80), "the profiles decide what is passed on"
    assert not foreign.reaches_tcp(web.address, 80)
    assert_settled(lab)

    lab.change(policies=())
    lab.converge()
    assert friend.reaches_tcp(web.address, 80)
    assert "cali-pi-" not in lab.run("node-1", "iptables-save")
    assert_settled(lab)


def test_rules_of_policies_with_all_their_conditions(lab: Lab) -> None:
    """The kernel takes each of them, and its tools print it in our words."""
    lab.add_nodes("node-1", pools=(POOL, POOL6))
    lab.container("node-1", "net-1", "197.19.38.128", "fd80:24e2:f998:72d6::1")
    others = {"nets": ["10.0.0.0/8", "fd00::/8"], "notNets": ["10.1.0.0/16", "10.2.0.0/16", "fd01::/16"]}
    rules = [
        {"action": "Log", "source": {"selector": "has(net-1)", "notSelector": "all() && has(none)"}},
        {"action": "Deny", "protocol": "UDP", "source": {**others, "notPorts": [53, "100:200"]}, "destination": others},
        {"action": "Allow", "protocol": "TCP", "destination": {"notPorts": list(range(1, 40)), "ports": [80]}},
        {"action": "Deny", "protocol": "ICMP", "notICMP": {"type": 8, "code": 0}},
        {"action": "Deny", "protocol": "ICMPv6", "icmp": {"type": 128}},
        {"action": "Allow", "notProtocol": "SCTP"},
        {"action": "Pass", "notProtocol": 47, "ipVersion": 4},
    ]
    lab.change(policies=(policy("all", types=["Ingress", "Egress"], ingress=rules, egress=rules),))
    lab.converge()
    assert_settled(lab)


def test_node_behind_a_router_is_reached_by_vxlan(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-3", "node-4", pools=(VXLAN_POOL,))
    first = lab.container("node-1", "net-1", "197.19.38.128")
    same_subnet = lab.container("node-3", "net-1", "197.19.26.0")
    far = lab.container("node-4", "net-1", "197.19.65.128")
    lab.bring_up()
    eventually(lambda: len(lab.bird_routes("node-1")) == 3)
    assert "197.19.65.128/26 via 192.168.0.33 dev vxlan.calico proto bird onlink" in lab.routes("node-1")
    assert "197.19.26.0/26 via 192.168.1.245 dev eth0 proto bird" in lab.routes("node-1")
    space = lab.spaces["node-1"]
    assert link(space, "vxlan.calico").mtu == 8951
    ends = {"local": "192.168.1.68", "link": link(space, "eth0").index}
    assert_vxlan(space, "vxlan.calico", {"id": 4096, "port": 4789, **ends}, {"udp_csum"})
    eventually(lambda: first.reaches(far.address))
    assert far.reaches(first.address)
    assert first.reaches(same_subnet.address)
    assert "ttl=62" in lab_ping(first.namespace, far.address)
    assert_settled(lab)
    lab.change(pools=(POOL,))
    lab.converge()
    assert not has_link(lab.spaces["node-1"], "vxlan.calico")
    eventually(lambda: "197.19.65.128/26 via 192.168.1.1 dev eth0 proto bird" in lab.routes("node-1"))
    assert_settled(lab)


def test_a_moved_container_keeps_its_address(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-2", "node-3", pools=(POOL,))
    third = lab.container("node-3", "net-1", "197.19.26.5")
    lab.bring_up()
    configs = {name: plane.bird.config.stat().st_mtime_ns for name, plane in lab.dataplanes.items()}
    moved = lab.container("node-2", "net-1", "197.19.38.136")
    lab.converge()
    expected = "197.19.38.136 via 192.168.1.254 dev eth0 proto bird"
    for node in ("node-1", "node-3"):
        eventually(lambda node=node: expected in lab.routes(node))
    eventually(lambda: third.reaches(moved.address))
    assert configs == {name: plane.bird.config.stat().st_mtime_ns for name, plane in lab.dataplanes.items()}


def test_sessions_survive_new_nodes_blocks_and_pools(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-2", pools=(POOL,))
    lab.bring_up()
    before = session(lab, "node-1", "Mesh_192_168_1_254")
    lab.add_nodes("node-3", pools=(POOL, IPPool("two", ipaddress.ip_network("17.2.0.0/16"), 26)))
    lab.converge()
    lab.start_bird("node-3")
    lab.wait_for_sessions()
    eventually(lambda: "197.19.26.0/26 via 192.168.1.245 dev eth0 proto bird" in lab.routes("node-1"))
    assert before.is_same(session(lab, "node-1", "Mesh_192_168_1_254"))
    lab.stop_bird("node-1")
    assert "197.19.26.0/26 via 192.168.1.245 dev eth0 proto bird" in lab.routes("node-1"), "BIRD leaves its routes"


def session(lab: Lab, node: str, name: str) -> Session:
    shown = command("birdc", "-s", str(lab.dataplanes[node].bird.socket), "show", "protocols", name)
    return Session.parse(shown.splitlines()[-1].split())


def test_route_reflectors(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-2", "node-3", "node-4", pools=(VXLAN_POOL,))
    nodes = dict(lab.snapshot.nodes)
    for name in ("node-1", "node-2"):
        nodes[name] = dataclasses.replace(nodes[name], route_reflector_cluster_id="244.0.0.1")
    lab.change(nodes=nodes, bgp=BgpConfiguration(64512, mesh=False))
    lab.passwords = Passwords(nodes="s3cret word")
    lab.bring_up()
    assert set(lab.dataplanes["node-3"].bird.sessions()) == {"Node_192_168_1_68", "Node_192_168_1_254"}
    eventually(lambda: len(lab.bird_routes("node-3")) == 4)
    assert "197.19.65.128/26 via 192.168.0.33 dev vxlan.calico proto bird onlink" in lab.routes("node-3")
    assert "197.19.186.192/26 via 192.168.1.254 dev eth0 proto bird" in lab.routes("node-3")
    assert "197.19.26.0/26 via 192.168.1.245 dev vxlan.calico proto bird onlink" in lab.routes("node-4")
    outcome = lab.converge(check=True)["node-1"]
    assert "s3cret" not in str(outcome)
    first = lab.container("node-3", "net-1", "197.19.26.0")
    far = lab.container("node-4", "net-1", "197.19.65.128")
    lab.converge()
    eventually(lambda: first.reaches(far.address))


ROUTER_CONFIG = """
router id 192.168.1.1;
protocol device { scan time 2; }
protocol static { ipv4; route 197.19.200.0/24 blackhole; route 198.51.100.0/24 blackhole; }
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
protocol bgp node1 {
  local 192.168.1.1 as 65000;
  neighbor 192.168.1.68 as 64512;
  password "s3cret word";
  connect delay time 1;
  ipv4 { import all; export where source = RTS_STATIC; };
}
"""


def test_a_router_outside_learns_the_blocks_and_tells_its_routes(lab: Lab) -> None:
    """The node that has the session takes all of them, and passes on those inside of pools."""
    lab.add_nodes("node-1", "node-2", pools=(POOL,))
    lab.passwords = Passwords(peers={"rack": "s3cret word"})
    lab.change(bgp_peers=(BgpPeer("rack", node="node-1", peer_ip="192.168.1.1", as_number=65000),))
    first = lab.container("node-1", "net-1", "197.19.38.128")
    lab.converge()
    lab.start_bird()
    lab.start_router_bird(ROUTER_CONFIG)
    lab.wait_for_sessions()
    assert set(lab.dataplanes["node-1"].bird.sessions()) == {"Mesh_192_168_1_254", "Node_192_168_1_1"}
    assert set(lab.dataplanes["node-2"].bird.sessions()) == {"Mesh_192_168_1_68"}
    told = "197.19.200.0/24 via 192.168.1.1 dev eth0 proto bird"
    eventually(lambda: told in lab.routes("node-1"))
    eventually(lambda: any(route.startswith("197.19.200.0/24 via") for route in lab.routes("node-2")))
    assert "198.51.100.0/24 via 192.168.1.1 dev eth0 proto bird" in lab.routes("node-1")
    assert not [route for route in lab.routes("node-2") if "198.51.100" in route]
    eventually(lambda: any(route.startswith("197.19.38.128/26 via 192.168.1.68") for route in lab.router_routes()))
    assert any(route.startswith("197.19.186.192/26 via 192.168.1.68") for route in lab.router_routes())
    assert first.reaches("192.168.1.1"), "the router knows the way back: nothing is masqueraded"


def test_dual_stack(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-3", "node-4", pools=(VXLAN_POOL, POOL6), ipv6=True)
    first = lab.container("node-1", "net-1", "197.19.38.128", "fd80:24e2:f998:72d6::80")
    third = lab.container("node-3", "net-1", "197.19.26.0", "fd80:24e2:f998:72d6::1")
    far = lab.container("node-4", "net-1", "197.19.65.128", "fd80:24e2:f998:72d6::41")
    closed = lab.container("node-1", "net-2", "197.19.38.129", "fd80:24e2:f998:72d6::81")
    lab.bring_up()
    eventually(lambda: len(lab.bird_routes6("node-1")) == 3)
    routes = lab.bird_routes6("node-1")
    assert "fd80:24e2:f998:72d6::/122 via fd00:1::245 dev eth0 proto bird metric 1024 pref medium" in routes
    by_tunnel = "via fd00::33 dev vxlan-v6.calico proto bird metric 1024 onlink pref medium"
    assert f"fd80:24e2:f998:72d6::40/122 {by_tunnel}" in routes
    for target in (third, far):
        address = target.endpoint.addresses[1].partition("/")[0]
        eventually(lambda address=address: first.reaches(address))
        assert not closed.reaches(address)
    assert first.reaches(far.address)
    assert first.reaches("fd00:1::68"), "a container reaches its host"
    for version in (0, 1):
        assert not hears_an_impostor(third, closed, first, version), "a container has its own addresses only"
    assert_settled(lab)


def ipv6_forwarding(lab: Lab, node: str) -> str:
    return lab.run(node, "sysctl", "-n", "net.ipv6.conf.all.forwarding").strip()


def test_ipv6_forwarding_is_on_while_a_pool_needs_it_and_then_as_it_was(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-2", pools=(POOL,), ipv6=True)
    lab.run("node-2", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    lab.converge()
    assert ipv6_forwarding(lab, "node-1") == "0"
    lab.change(pools=(POOL, POOL6))
    assert lab.converge("node-1", check=True)["node-1"].changed
    assert ipv6_forwarding(lab, "node-1") == "0"
    lab.converge()
    assert ipv6_forwarding(lab, "node-1") == "1"
    assert_settled(lab)
    for name in ("node-1", "node-2"):
        lab.leave(name)
    assert ipv6_forwarding(lab, "node-1") == "0"
    assert ipv6_forwarding(lab, "node-2") == "1", "it was on before"
    assert not lab.leave("node-1").changed


def test_masquerading_outside_of_pools_only(lab: Lab) -> None:
    lab.add_nodes("node-1", pools=(VXLAN_POOL,))
    first = lab.container("node-1", "net-1", "197.19.38.128")
    lab.converge()
    assert first.reaches("192.168.1.1"), "the router knows no container: it answers the host"


def test_foreign_rules_and_sets_stay_and_nothing_of_ours_does(lab: Lab) -> None:
    lab.add_nodes("node-1", pools=(VXLAN_POOL,))
    lab.run("node-1", "iptables", "-P", "FORWARD", "DROP")
    lab.run("node-1", "iptables", "-A", "FORWARD", "-i", "docker0", "-j", "ACCEPT")
    lab.run("node-1", "iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "172.17.0.0/16", "-j", "MASQUERADE")
    lab.run("node-1", "ipset", "create", "mine", "hash:ip")
    programs = (["iptables-save"], ["ipset", "save"], ["ip", "route"], ["ip", "-br", "link"])

    def state() -> list[str]:
        lines = [line for program in programs for line in lab.run("node-1", *program).splitlines()]
        return [line for line in lines if not line.startswith(("#", ":"))]

    before = state()
    lab.container("node-1", "net-1", "197.19.38.128")
    lab.converge()
    forward = lab.run("node-1", "iptables", "-S", "FORWARD").splitlines()
    assert forward[1] == '-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD'
    lab.run("node-1", "iptables", "-I", "FORWARD", "-j", "ACCEPT")
    lab.dataplanes["node-1"].resync()
    lab.converge()
    forward = lab.run("node-1", "iptables", "-S", "FORWARD").splitlines()
    assert forward[1].endswith("-j cali-FORWARD"), "our jump is moved to the top again"
    lab.run("node-1", "iptables", "-D", "FORWARD", "-j", "ACCEPT")
    assert_settled(lab)
    lab.leave("node-1")
    ip(lab.spaces["node-1"], f"link delete {lab.snapshot.endpoints[0].interface}")
    assert state() == before
    assert not lab.leave("node-1").changed


def test_check_mode_changes_nothing_and_predicts_all(lab: Lab) -> None:
    lab.add_nodes("node-1", pools=(POOL,))
    lab.container("node-1", "net-1", "197.19.38.128")
    predicted = lab.converge(check=True)["node-1"]
    assert predicted.changed
    assert "cali-" not in lab.run("node-1", "iptables-save")
    done = lab.converge()["node-1"]
    assert (predicted.before, predicted.after) == (done.before, done.after)


def test_ipip_without_the_kernels_module_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataplane, "missing_link_kinds", lambda kinds: kinds)
    lab.add_nodes("node-1", pools=(dataclasses.replace(POOL, ipip_mode=CROSS_SUBNET),))
    with pytest.raises(LabError, match="vxlan_mode instead of ipip_mode"):
        lab.converge()


def test_bird_keeps_running_when_a_configuration_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.add_nodes("node-1", "node-2", pools=(POOL,))
    lab.bring_up()
    monkeypatch.setattr(dataplane, "bird_config", lambda *_arguments: "nonsense;\n")
    with pytest.raises(LabError, match="does not accept"):
        lab.converge("node-1")
    monkeypatch.undo()
    assert lab.dataplanes["node-1"].bird.sessions() == {"Mesh_192_168_1_254": "Established"}
    assert_settled(lab)


def test_a_node_that_is_unknown(lab: Lab) -> None:
    lab.add_nodes("node-1", pools=(POOL,))
    lab.change(nodes={"node-9": Node("node-9", ipv4_address="192.168.1.9/24")})
    with pytest.raises(LabError, match="node-1 is no Calico node; the datastore has node-9"):
        lab.converge()


def test_a_node_with_an_as_number_of_its_own(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-2", "node-3", pools=(POOL,))
    nodes = lab.snapshot.nodes
    lab.change(nodes={**nodes, "node-1": dataclasses.replace(nodes["node-1"], as_number=64513)})
    lab.bring_up()
    # Each node is reached directly, and not by a third one that heard of it, whichever has the lowest router id.
    expected = {
        "node-1": {"197.19.186.192/26 via 192.168.1.254", "197.19.26.0/26 via 192.168.1.245"},
        "node-2": {"197.19.38.128/26 via 192.168.1.68", "197.19.26.0/26 via 192.168.1.245"},
        "node-3": {"197.19.38.128/26 via 192.168.1.68", "197.19.186.192/26 via 192.168.1.254"},
    }
    for name, ways in expected.items():
        eventually(lambda name=name, ways=ways: {route.partition(" dev")[0] for route in lab.bird_routes(name)} >= ways)
        control = str(lab.folder / name / "bird.ctl")
        shown = lab.run(name, "birdc", "-s", control, "show route where source = RTS_BGP")
        assert shown.count("unicast") == 2, shown
    assert_settled(lab)


@pytest.mark.parametrize("instead", ["", "unreachable default metric 4000"])
def test_a_host_without_a_default_route(lab: Lab, instead: str) -> None:
    lab.add_nodes("node-1", "node-3", pools=(POOL,))
    for node in ("node-1", "node-3"):
        ip(lab.spaces[node], "route del default")
        if instead:
            ip(lab.spaces[node], f"route add {instead}")
    first = lab.container("node-1", "net-1", "197.19.38.139")
    sibling = lab.container("node-1", "net-1", "197.19.38.140")
    remote = lab.container("node-3", "net-1", "197.19.26.5")
    lab.bring_up()
    eventually(lambda: first.reaches(remote.address))
    assert first.reaches(sibling.address)
    assert first.reaches("192.168.1.68"), "its host"
    assert "169.254.1.0/24 dev lo scope link" in lab.routes("node-1")
    assert_settled(lab)
    if not instead:
        ip(lab.spaces["node-1"], "route add default via 192.168.1.1")
        lab.dataplanes["node-1"].resync()
        lab.converge()
        assert "169.254.1.0/24 dev lo scope link" not in lab.routes("node-1"), "the default route is enough"
    for node in ("node-1", "node-3"):
        with inside(lab.spaces[node]):
            lab.dataplanes[node].converge(dataplane.DesiredState())
        assert "169.254.1.0/24 dev lo scope link" not in lab.routes(node)


ROUTER = """
router id 192.168.1.1;
protocol device {}
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
template bgp node {
  local 192.168.1.1 as 65000;
  direct;
  ipv4 { import all; next hop self; export where source = RTS_BGP; };
}
protocol bgp node1 from node { neighbor 192.168.1.68 as 64513; }
protocol bgp node3 from node { neighbor 192.168.1.245 as 64514; }
"""


def test_hosts_that_have_sessions_with_a_router_outside_only(lab: Lab) -> None:
    lab.add_nodes("node-1", "node-3", pools=(POOL,))
    nodes = {
        name: dataclasses.replace(node, as_number=number)
        for (name, node), number in zip(lab.snapshot.nodes.items(), (64513, 64514))
    }
    router = BgpPeer("router", peer_ip="192.168.1.1", as_number=65000)
    lab.change(nodes=nodes, bgp=BgpConfiguration(mesh=False), bgp_peers=(router,))
    first = lab.container("node-1", "net-1", "197.19.38.128")
    remote = lab.container("node-3", "net-1", "197.19.26.5")
    lab.start_router_bird(ROUTER)
    lab.bring_up()
    eventually(lambda: any(route.startswith("197.19.26.0/26 via 192.168.1.1 ") for route in lab.bird_routes("node-1")))
    eventually(lambda: first.reaches(remote.address))
    assert_settled(lab)
