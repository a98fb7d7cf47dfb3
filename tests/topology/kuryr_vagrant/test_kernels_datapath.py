# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kuryr on Debian's own kernel, whose Open vSwitch carries the packets: what lab hosts in containers cannot show.

"Implementation principle of mainstream Docker networks", section 6, on three virtual machines, with any firewall.
"""

from __future__ import annotations

import itertools
import re

import pytest

from tests.support.kuryr_view import ADDRESSES, HOSTS, UNDERLAY, container, port, reaches
from tests.support.lab_host import eventually

PAIRS = list(itertools.permutations(HOSTS, 2))


@pytest.mark.parametrize("name", HOSTS)
def test_kernel_is_debians_own_and_loads_open_vswitch(name: str) -> None:
    assert "-cloud-amd64" in HOSTS[name].output("uname -r")
    loaded = {line.split()[0] for line in HOSTS[name].lines("lsmod")}
    assert {"openvswitch", "vxlan"} <= loaded


@pytest.mark.parametrize("name", HOSTS)
def test_bridges_are_in_the_kernel_and_the_underlay_card_is_in_none(name: str) -> None:
    bridges = HOSTS[name].lines("ovs-vsctl list-br")
    assert bridges == ["br-int", "br-tun"]
    for bridge in bridges:
        assert HOSTS[name].output(f"ovs-vsctl get Bridge {bridge} datapath_type").strip() == "system"
        assert " openvswitch " in " ".join(HOSTS[name].lines(f"ip -d link show dev {bridge}"))
    (card,) = HOSTS[name].lines("ip -o -4 address show dev eth0")
    assert card.split()[3].split("/")[0] == UNDERLAY[name]


@pytest.mark.parametrize("name", HOSTS)
def test_datapath_has_the_bridges_the_tunnel_and_the_containers_devices(name: str) -> None:
    """One datapath is that of all bridges; patch ports are none of its ports, and one VXLAN port serves all hosts."""
    lines = HOSTS[name].lines("ovs-dpctl show")
    assert lines[0] == "system@ovs-system:"
    ports = {line.split(": ", 1)[1] for line in lines if line.startswith("port ")}
    short = port(ADDRESSES[name])["id"][:11]
    plugged = {f"qvo{short}", f"tap{short}"} & ports
    assert len(plugged) == 1, lines
    assert {"ovs-system (internal)", "br-int (internal)", "br-tun (internal)"} <= ports
    assert any(one.startswith("vxlan_sys_4789 (vxlan: ") for one in ports)
    assert " master ovs-system " in " ".join(HOSTS[name].lines(f"ip -o link show dev {plugged.pop()}"))


@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_the_kernels_flows_carry_packets_between_containers_by_the_networks_vni(name: str, other: str) -> None:
    assert eventually(lambda: reaches(name, container(name), ADDRESSES[other]), 60)
    mac = port(ADDRESSES[other])["mac_address"]

    def sending() -> list[str]:
        """The tunnels of the flows for the other one's container; flows go some seconds after their last packet."""
        reaches(name, container(name), ADDRESSES[other])
        lines = HOSTS[name].output("ovs-dpctl --names dump-flows system@ovs-system").splitlines()
        return [line for line in lines if f"dst={mac}" in line and "set(tunnel(" in line]

    flow = eventually(sending, 60)[0]
    # Between the two may stand that the VLAN's tag goes, which a packet has on br-int.
    found = re.search(r"set\(tunnel\(tun_id=(\w+),(.*?)\)\),(?:[^,]+,)*?vxlan_sys_4789\b", flow)
    assert found, flow
    assert f"src={UNDERLAY[name]},dst={UNDERLAY[other]}," in found[2]
    vlans = HOSTS[name].output("ovs-ofctl dump-flows br-tun table=4")
    assert f"tun_id={found[1]} " in vlans


def test_packets_are_vxlan_on_the_wire() -> None:
    """What the card of the host behind the router sees of a ping: VXLAN on its registered port, from host to host."""
    seen = HOSTS["kuryr-4"].output(
        "sh -c 'timeout 60 tcpdump -nn -c 1 -i eth0 src host 192.168.1.68 and udp dst port 4789 & sleep 0; "
        f"docker exec {container('kuryr-4')} ping -c 5 -W 5 {ADDRESSES['kuryr-1']} >/dev/null; wait $!'"
    )
    assert re.search(r"IP 192.168.1.68.\d+ > 192.168.0.33.4789: VXLAN, flags \[I\] \(0x08\), vni \d+", seen)
