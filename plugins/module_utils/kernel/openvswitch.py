# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Open vSwitch datapath of the kernel (linux/openvswitch.h), without any program of Open vSwitch.

A datapath has ports and flows. A packet that comes in by a port is handled as the flow says that it matches; one that
matches none is dropped here, since no program listens for it.

pyroute2 knows no messages of Open vSwitch, so those for datapaths and ports are described here as it describes its own.
What is read, and the flows, of which there is one for each container, are packed without it.
"""

from __future__ import annotations

import errno
import hashlib
import struct
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..errors import LabError
from . import rtnetlink as rt
from .addresses import packed_ip
from .genetlink import GenericNetlink, header, message
from .netlink import NLM_F_CREATE, KernelRefusal, Message, refusal
from .writer import load, packed

_DATAPATH, _VPORT, _FLOW = "ovs_datapath", "ovs_vport", "ovs_flow"
_VERSIONS = {_DATAPATH: 2, _VPORT: 1, _FLOW: 1}
_NEW, _DEL, _GET = 1, 2, 3
_DP_NAME = 1
_VPORT_NO, _VPORT_TYPE, _VPORT_NAME = 1, 2, 3
_FLOW_KEY, _FLOW_ACTIONS, _FLOW_MASK, _FLOW_UFID, _FLOW_UFID_FLAGS = 1, 2, 7, 9, 10
_UFID_ONLY = 7  # leave out key, mask and actions of a dump
_KEY_IN_PORT, _KEY_ETHERNET, _KEY_TUNNEL = 3, 4, 16
_TUNNEL_ID, _TUNNEL_SRC, _TUNNEL_DST, _TUNNEL_TTL, _TUNNEL_DONT_FRAGMENT = 0, 1, 2, 4, 5
_ACTION_OUTPUT, _ACTION_SET = 1, 3
_datapath_header = struct.Struct("=i")  # interface index of the datapath
_be64 = struct.Struct(">Q")
_ALL_ONES = 0xFFFFFFFF

NETDEV, INTERNAL, VXLAN = 1, 2, 4
"""Types of ports: a network device of this host, a device that the datapath makes, a VXLAN tunnel."""


@dataclass(frozen=True)
class Tunnel:
    """A tunnel's outer header: from and to which address, and the tunnel id (for VXLAN, the VNI)."""

    tunnel_id: int
    src: str
    dst: str

    def match(self) -> bytes:
        """As part of a flow's key. The kernel wants a TTL there, and the mask leaves it open."""
        return rt.nested(_KEY_TUNNEL, [*self._addresses(), rt.attribute_u8(_TUNNEL_TTL, 0)])

    @staticmethod
    def mask() -> bytes:
        """As part of a flow's mask: all but the TTL must match."""
        ones = b"\xff" * 8
        attributes = [rt.attribute(_TUNNEL_ID, ones), *(rt.attribute(k, ones[:4]) for k in (_TUNNEL_SRC, _TUNNEL_DST))]
        return rt.nested(_KEY_TUNNEL, [*attributes, rt.attribute_u8(_TUNNEL_TTL, 0)])

    def action(self, ttl: int = 64) -> bytes:
        """The action that gives a packet this outer header, not to be fragmented on its way."""
        attributes = [*self._addresses(), rt.attribute_u8(_TUNNEL_TTL, ttl), rt.attribute(_TUNNEL_DONT_FRAGMENT, b"")]
        return rt.nested(_ACTION_SET, [rt.nested(_KEY_TUNNEL, attributes)])

    def _addresses(self) -> list[bytes]:
        return [
            rt.attribute(_TUNNEL_ID, _be64.pack(self.tunnel_id)),
            rt.attribute(_TUNNEL_SRC, packed_ip(self.src)),
            rt.attribute(_TUNNEL_DST, packed_ip(self.dst)),
        ]


def output(port: int) -> bytes:
    """The action that sends a packet to a port."""
    return rt.attribute_u32(_ACTION_OUTPUT, port)


@dataclass(frozen=True)
class Flow:
    """What packets of a port, to a destination MAC address under a mask, through a tunnel, are to do."""

    in_port: int
    destination: bytes  # MAC address
    destination_mask: bytes
    tunnel: Tunnel | None
    actions: tuple[bytes, ...]

    def key(self) -> bytes:
        """What the flow matches."""
        parts = [rt.attribute_u32(_KEY_IN_PORT, self.in_port), rt.attribute(_KEY_ETHERNET, bytes(6) + self.destination)]
        return b"".join([self.tunnel.match(), *parts] if self.tunnel else parts)

    def mask(self) -> bytes:
        """Which bits of it."""
        parts = [rt.attribute_u32(_KEY_IN_PORT, _ALL_ONES)]
        parts.append(rt.attribute(_KEY_ETHERNET, bytes(6) + self.destination_mask))
        return b"".join([self.tunnel.mask(), *parts] if self.tunnel else parts)

    def identifier(self) -> bytes:
        """The flow's name in the kernel. It follows from all that the flow is, so a changed flow is another one."""
        content = b"".join((self.key(), self.mask(), *self.actions))
        return hashlib.sha256(content).digest()[:16]

    def attributes(self) -> list[bytes]:
        """The attributes of the creating message."""
        return [
            rt.attribute(_FLOW_KEY, self.key()),
            rt.attribute(_FLOW_UFID, self.identifier()),
            rt.attribute(_FLOW_MASK, self.mask()),
            rt.nested(_FLOW_ACTIONS, self.actions),
        ]


def is_available() -> bool:
    """Whether the running kernel has the datapath."""
    with GenericNetlink() as netlink:
        return netlink.family(_DATAPATH) is not None


def request(family: str, command: int, index: int, attributes: dict[str, Any]) -> Any:
    """A request as a message of pyroute2's; ``index`` is the interface index of the datapath."""
    message_class = _message_classes()[family]
    message_of = message_class()
    message_of["cmd"], message_of["version"], message_of["dp_ifindex"] = command, _VERSIONS[family], index
    message_of["attrs"] = [(message_class.prefix + name, value) for name, value in attributes.items()]
    return message_of


@lru_cache
def _message_classes() -> dict[str, Any]:
    """The requests of datapaths and ports: enum ovs_datapath_attr, ovs_vport_attr and ovs_tunnel_attr."""
    load()
    from pyroute2.netlink import genlmsg, nla

    class DatapathRequest(genlmsg):
        prefix = "OVS_DP_ATTR_"
        fields = (*genlmsg.fields, ("dp_ifindex", "i"))
        nla_map = (("OVS_DP_ATTR_UNSPEC", "none"), ("OVS_DP_ATTR_NAME", "asciiz"), ("OVS_DP_ATTR_UPCALL_PID", "uint32"))

    class PortRequest(genlmsg):
        prefix = "OVS_VPORT_ATTR_"
        fields = (*genlmsg.fields, ("dp_ifindex", "i"))
        nla_map = (
            ("OVS_VPORT_ATTR_UNSPEC", "none"),
            ("OVS_VPORT_ATTR_PORT_NO", "uint32"),
            ("OVS_VPORT_ATTR_TYPE", "uint32"),
            ("OVS_VPORT_ATTR_NAME", "asciiz"),
            ("OVS_VPORT_ATTR_OPTIONS", "tunnel_options"),
            ("OVS_VPORT_ATTR_UPCALL_PID", "uint32"),
        )

        class tunnel_options(nla):  # noqa: N801 - pyroute2 finds it by the name in the table above
            nla_map = (("OVS_TUNNEL_ATTR_UNSPEC", "none"), ("OVS_TUNNEL_ATTR_DST_PORT", "uint16"))

    return {_DATAPATH: DatapathRequest, _VPORT: PortRequest}


class Datapath:
    """One datapath of this network namespace, named like its internal port."""

    def __init__(self, netlink: GenericNetlink, name: str) -> None:
        self._netlink = netlink
        self.name = name

    def exists(self) -> bool:
        """Whether there is a datapath of this name."""
        try:
            by_name = [rt.attribute_text(_DP_NAME, self.name)]
            self._netlink.get(self._message(_DATAPATH, 0, _GET, 0, by_name), self.name)
        except KernelRefusal as error:
            if error.errno in (errno.ENODEV, errno.ENOENT):
                return False
            raise
        return True

    def make(self) -> None:
        """Make it, with its internal port as port 0."""
        attributes = {"NAME": self.name, "UPCALL_PID": 0}
        self._write(f"cannot make the Open vSwitch datapath {self.name}", _DATAPATH, _NEW, attributes)

    def remove(self) -> None:
        """Remove it with its ports; devices that were ports of it stay."""
        subject = f"cannot remove the Open vSwitch datapath {self.name}"
        self._write(subject, _DATAPATH, _DEL, {"NAME": self.name})

    def ports(self) -> dict[str, tuple[int, int]]:
        """The numbers and types of the ports, by name."""
        ports = {}
        request = header.pack(_GET, _VERSIONS[_VPORT]) + _datapath_header.pack(self._index())
        for payload in self._netlink.dump(self._family(_VPORT), request):
            found = rt.attributes(payload, header.size + _datapath_header.size)
            ports[rt.text(found[_VPORT_NAME])] = rt.u32(found[_VPORT_NO]), rt.u32(found[_VPORT_TYPE])
        return ports

    def add_port(self, name: str, kind: int, number: int, udp_port: int | None = None) -> None:
        """Add a port; ``udp_port`` is that of a tunnel."""
        attributes: dict[str, Any] = {"PORT_NO": number, "TYPE": kind, "NAME": name, "UPCALL_PID": 0}
        if udp_port is not None:
            attributes["OPTIONS"] = {"attrs": [("OVS_TUNNEL_ATTR_DST_PORT", udp_port)]}
        self._write(f"cannot make {name} a port of {self.name}", _VPORT, _NEW, attributes, self._index())

    def flows(self) -> set[bytes]:
        """The identifiers of all flows."""
        body = _datapath_header.pack(self._index()) + rt.attribute_u32(_FLOW_UFID_FLAGS, _UFID_ONLY)
        found = set()
        for payload in self._netlink.dump(self._family(_FLOW), header.pack(_GET, _VERSIONS[_FLOW]) + body):
            found.add(rt.attributes(payload, header.size + _datapath_header.size).get(_FLOW_UFID, b""))
        return found

    def dump_flows(self) -> list[dict[int, bytes]]:
        """All flows with what they match and do, as attributes of ``enum ovs_flow_attr``."""
        request = header.pack(_GET, _VERSIONS[_FLOW]) + _datapath_header.pack(self._index())
        found = self._netlink.dump(self._family(_FLOW), request)
        return [rt.attributes(payload, header.size + _datapath_header.size) for payload in found]

    def converge_flows(self, wanted: Collection[Flow]) -> int:
        """Bring the flows about, and remove all others; returns how many changed.

        Old ones go first, as a new one may match the same packets.
        """
        by_identifier = {flow.identifier(): flow for flow in wanted}
        present = self.flows()
        stale = sorted(present - set(by_identifier))
        missing = [flow for identifier, flow in by_identifier.items() if identifier not in present]
        if b"" in stale:  # made by another program, without an identifier
            self._send([self._flow_message(_DEL, [])], ["all flows"])
            stale, missing = [], list(by_identifier.values())
        self._send([self._flow_message(_DEL, [rt.attribute(_FLOW_UFID, one)]) for one in stale], stale)
        self._send([self._flow_message(_NEW, flow.attributes()) for flow in missing], missing)
        return len(stale) + len(missing)

    def _flow_message(self, command: int, attributes: Iterable[bytes]) -> Message:
        return self._message(_FLOW, NLM_F_CREATE if command == _NEW else 0, command, self._index(), attributes)

    def _send(self, messages: list[Message], subjects: Sequence[object]) -> None:
        failures = self._netlink.batch(messages)
        if failures:
            raise refusal(failures, lambda position: f"flow of {self.name} ({subjects[position]})")

    def _write(self, subject: str, family: str, command: int, attributes: dict[str, Any], index: int = 0) -> None:
        message = packed(request(family, command, index, attributes))
        self._netlink.request((self._family(family), NLM_F_CREATE if command == _NEW else 0, message), subject)

    def _index(self) -> int:
        return self._netlink.index_of(self.name)

    def _message(self, family: str, flags: int, command: int, index: int, attributes: Iterable[bytes]) -> Message:
        body = _datapath_header.pack(index)
        return message(self._family(family), flags, command, _VERSIONS[family], body, attributes)

    def _family(self, name: str) -> int:
        number = self._netlink.family(name)
        if number is None:
            raise LabError(
                "the running kernel has no Open vSwitch datapath: load it (modprobe openvswitch), "
                "or boot a kernel that has it."
            )
        return number
