# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small topologies for tests: a lab of any number of hosts with Flannel's devices and containers."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.topology.model import (
    Device,
    Host,
    Namespace,
    Peer,
    Tables,
)

LO = Device("lo", 1, None, None, 65536, True)


def veth(name: str, index: int, peer: str | None, there: int, master: str | None = None, address: str = "") -> Device:
    """One end of a pair; without a peer, one whose other end its host does not see."""
    end = Peer(peer, there) if peer else None
    addresses = (address,) if address else ()
    return Device(name, index, "veth", "02:00:00:00:00:01", 1500, True, addresses, master=master, peer=end)


def bridge(name: str, index: int, address: str = "10.0.0.1/24") -> Device:
    """A bridge."""
    return Device(name, index, "bridge", "02:00:00:00:00:02", 1500, True, (address,))


def lab_host(number: int, containers: int, hosts: int) -> Host:
    """A host of the lab, with a VXLAN device that leads to all others."""
    name = f"node-{number}"
    ports = [veth(f"veth{number}{each}", 10 + each, f"{name}/{each}", 2, "docker0") for each in range(containers)]
    vxlan = Device("flannel.1", 4, "vxlan", "02:00:00:00:00:03", 1450, True, (f"40.15.{number}.0/32",), lower="eth0")
    tunnel = f"vxlan id 1 local 10.0.0.{number + 1} dstport 8472"
    entries = tuple(
        f"02:00:00:00:00:{other:02x} dev flannel.1 dst 10.0.0.{other + 1} self permanent"
        for other in range(1, hosts + 1)
        if other != number
    )
    own = (
        LO,
        veth("eth0", 2, None, 0, address=f"10.0.0.{number + 1}/24"),
        bridge("docker0", 3, f"40.15.{number}.1/24"),
        Device(**{**vars(vxlan), "tunnel": tunnel}),
        *ports,
    )
    inner = [
        Namespace(
            f"{name}/{each}",
            f"busybox-{number}-{each}",
            f"/run/docker/netns/{each}",
            (f"busybox-{number}-{each}",),
            (LO, veth("eth0", 2, name, 10 + each, address=f"40.15.{number}.{each + 2}/24")),
            Tables(routes=(f"default via 40.15.{number}.1 dev eth0",)),
        )
        for each in range(containers)
    ]
    host = Namespace(name, "host", "/proc/self/ns/net", (), own, Tables(forwarding=entries))
    return Host(name, "Debian GNU/Linux 13 (trixie)", "6.12", "26.1.5", "", ("flannel",), {}, (), (host, *inner))


def lab_router(hosts: int) -> Host:
    """This machine's part of the lab: one segment, the router, and the world outside."""
    ports = [veth(f"node-{number}-eth0", 10 + number, f"node-{number}", 2, "lan") for number in range(1, hosts + 1)]
    outside = veth("outside", 3, "outside", 2, address="203.0.113.254/24")
    router = Namespace(
        "router", "underlay-mine", "/run/netns/underlay-mine", (), (LO, bridge("lan", 2), outside, *ports)
    )
    world = Namespace("outside", "outside-mine", "p", (), (LO, veth("eth0", 2, "router", 3, address="203.0.113.1/24")))
    return Host("vm", namespaces=(router, world))


def lab_results(hosts: int, containers: int) -> tuple[dict, dict]:
    """What ``topology_info`` returns on all hosts of the lab, and on this machine."""
    seen = {
        f"node-{number}": {"topology": lab_host(number, containers, hosts).data()} for number in range(1, hosts + 1)
    }
    return seen, lab_router(hosts).data()
