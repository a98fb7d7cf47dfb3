# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespace that an overlay network has on a host: a bridge, the VXLAN device, and the containers' veth pairs.

    container eth0 ── veth0 ─┐
                             br0 ── vxlan0 ══ UDP 4789 on the host's underlay
    container eth0 ── veth1 ─┘

The VXLAN device is made from the host's namespace into this one, so that its UDP socket is the host's. What the kernel
has is all that is remembered: the device's alias is the network's name, and a port's MAC address tells its container.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from ..docker import host_namespaces
from ..errors import LabError
from ..kernel import namespace_mounts
from ..kernel import rtnetlink as rt
from ..kernel.addresses import packed_mac
from ..kernel.bridge_ports import find_port
from ..kernel.links import Device, delete_links, find_link, read_link, read_links, settings_at_creation
from ..kernel.namespaces import OWN_NAMESPACE
from ..kernel.netlink import KernelRefusal, NetlinkSocket
from ..kernel.veth import remove_here
from ..kernel.virtual_links import LinkSet, VirtualLink, VxlanAttributes, converge_links
from ..kernel.vxlan import IANA_PORT
from ..kernel.writer import KernelWriter
from .endpoints import OverlayEndpoint, device_name, device_of_port, port_mac
from .networks import AgreedNetwork

DOCKER_NAMESPACES = Path(host_namespaces.DOCKER_NAMESPACES)
BRIDGE = "br0"
TUNNEL = "vxlan0"
_PORTS = "veth%d"
"""What the bridge's ports are called; the kernel puts the lowest free number into it, as for Docker."""
_ALIAS = "overlay-etcd "
_LONGEST_ALIAS = 254  # bytes; IFALIASZ of linux/if.h less two zeros: that of the message, and that of the kernel


@dataclass(frozen=True)
class OverlayNamespace:
    """The namespace of one network on this host. ``path`` is that of its mount."""

    network: str
    path: Path

    @classmethod
    def of(cls, network: str, network_id: str, folder: Path = DOCKER_NAMESPACES) -> OverlayNamespace:
        """By the name that Docker gives it: 1- and the first ten characters of the network's id on this host."""
        return cls(network, folder / f"1-{network_id[:10]}")

    def ensure(self, network: AgreedNetwork) -> bool:
        """Make the namespace and its devices as they must be; whether anything had to be done."""
        made = namespace_mounts.make(self.path)
        try:
            outcome = converge_links(LinkSet(_links(network), str(self.path)), (), False)
        except KernelRefusal as error:
            if error.errno != errno.EEXIST:
                raise
            raise LabError(
                f"network {self.network}: another VXLAN device of this host has VNI {network.vni} on UDP port "
                f"{IANA_PORT}. Remove that, or make the network with another VNI (--opt vni=…)."
            ) from error
        return self._note_name() or made or outcome.changed

    def _note_name(self) -> bool:
        """Note the network on the VXLAN device, by which `existing` finds the namespace; whether it was not there."""
        with NetlinkSocket(str(self.path)) as inner:
            tunnel = read_link(inner, TUNNEL)
            if tunnel.alias == self._alias:
                return False
            subject = f"cannot note the network's name on {TUNNEL}"
            KernelWriter(inner).change_link(subject, tunnel.index, ifalias=self._alias)
        return True

    @property
    def _alias(self) -> str:
        """The longest that the kernel takes of a long name: who reads it wants to know that the namespace is ours."""
        return f"{_ALIAS}{self.network}".encode()[:_LONGEST_ALIAS].decode(errors="ignore")

    def remove(self) -> None:
        """Remove the namespace and all in it; it need not be there.

        The kernel would remove the devices some time after the mount, and until then their VNI would be in use.
        """
        if namespace_mounts.is_mounted(self.path):
            with NetlinkSocket(str(self.path)) as inner:
                links = read_links(inner)
                delete_links(inner, [link for link in links.values() if link.kind in ("vxlan", "veth", "bridge")])
        namespace_mounts.remove(self.path)

    def ports(self) -> dict[str, str]:
        """The bridge's ports by their containers' devices."""
        if not namespace_mounts.is_mounted(self.path):
            return {}
        with NetlinkSocket(str(self.path)) as inner:
            links = read_links(inner).values()
        found = {device_of_port(link.mac): link.name for link in links if link.kind == "veth" and link.mac}
        return {device: port for device, port in found.items() if device}

    def attach(self, endpoint: OverlayEndpoint, mtu: int) -> None:
        """Make an endpoint's veth pair; its container end is left on the host for Docker to move.

        A pair that is there already, as after an interrupted call, is replaced. The kernel chooses the port's name.
        """
        self.detach(endpoint.endpoint_id)
        with NetlinkSocket() as host:
            remove_here(host, endpoint.device)
        port = settings_at_creation(Device(_PORTS, port_mac(endpoint.endpoint_id), mtu))
        container = settings_at_creation(Device(endpoint.device, endpoint.mac, mtu))
        with NetlinkSocket(str(self.path)) as inner:
            _forget_place(inner, packed_mac(endpoint.mac))
            port["master"] = inner.index_of(BRIDGE)
            subject = f"cannot make the veth pair of {endpoint.device} and its port of {BRIDGE} in {self.path}"
            KernelWriter(inner).create_veth(subject, port, True, container, None)

    def detach(self, endpoint_id: str) -> None:
        """Remove an endpoint's veth pair; it need not be there."""
        if not namespace_mounts.is_mounted(self.path):
            return
        with NetlinkSocket(str(self.path)) as inner:
            index = find_port(inner, BRIDGE, packed_mac(port_mac(endpoint_id)))
            if index is not None:
                KernelWriter(inner).delete_link(f"cannot remove the port of {device_name(endpoint_id)}", index)

    def remove_port(self, device: str) -> None:
        """Remove a container's veth pair by its device, of which the endpoint need not be known."""
        port = self.ports().get(device)
        if port is not None:
            with NetlinkSocket(str(self.path)) as inner:
                remove_here(inner, port)


def existing(folder: Path = DOCKER_NAMESPACES) -> list[OverlayNamespace]:
    """The namespaces that exist on this host, and are ours: others are containers, or of Docker's own overlays."""
    found = []
    for path in sorted(folder.glob("1-*")):
        if namespace_mounts.is_mounted(path):
            with NetlinkSocket(str(path)) as inner:
                tunnel = find_link(inner, TUNNEL)
            if tunnel is not None and tunnel.alias.startswith(_ALIAS):
                found.append(OverlayNamespace(tunnel.alias[len(_ALIAS) :], path))
    return found


def _links(network: AgreedNetwork) -> list[VirtualLink]:
    """As Docker makes them.

    Docker makes the VXLAN device on the host and moves it, which takes 16 ms; the kernel does both in one message.
    Learning stays on, as there: the first packet from a container that this host does not know yet tells where to
    answer. It cannot harm what is known, since the kernel learns nothing over a permanent entry.
    """
    bridge = Device(BRIDGE, mtu=network.mtu, addresses=(network.gateway_interface,))
    tunnel = Device(TUNNEL, mtu=network.mtu, master=BRIDGE)
    vxlan = VxlanAttributes(
        network.vni, port=IANA_PORT, proxy=True, l2miss=True, l3miss=True, underlay_netns=OWN_NAMESPACE
    )
    return [VirtualLink(Device("lo")), VirtualLink(bridge, "bridge"), VirtualLink(tunnel, "vxlan", vxlan)]


def _forget_place(netlink: NetlinkSocket, mac: bytes) -> None:
    """The bridge may have learned, up to 300 s ago, that a container with this MAC address is behind the tunnel."""
    header = rt.neighbour_header.pack(rt.AF_BRIDGE, netlink.index_of(TUNNEL), 0, rt.NTF_MASTER, 0)
    netlink.batch([(rt.RTM_DELNEIGH, 0, header + rt.attribute(rt.NDA_LLADDR, mac))])  # mostly there is no such entry
