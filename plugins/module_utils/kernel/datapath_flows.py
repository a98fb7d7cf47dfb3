# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flows of the kernel's Open vSwitch datapaths, as ovs-dpctl(8) writes them with the names of ports.

Numbers of attributes are those of linux/openvswitch.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping

from . import rtnetlink as rt
from .addresses import ip_text, mac_text
from .genetlink import GenericNetlink
from .links import LinkTable
from .openvswitch import Datapath

_KEY, _ACTIONS, _MASK = 1, 2, 7
_IN_PORT, _ETHERNET, _TUNNEL = 3, 4, 16
_METADATA = (2, 15, 19, 20, 22, 23, 24, 25)
"""Priority, marks, recirculation, connection: zero as long as no action has set them, whatever the mask asks."""
_TUNNEL_ID, _TUNNEL_SRC, _TUNNEL_DST, _TUNNEL_TTL = 0, 1, 2, 4
_OUTPUT, _SET = 1, 3
_be64 = struct.Struct(">Q")
_ONE_MAC = b"\xff" * 6


def read_flows(links: LinkTable) -> list[str]:
    """A line for each flow, ``DATAPATH FLOW``, of all datapaths among the links of this namespace.

    Asked only where a link is of such a kind, since the question would load the module into the kernel.
    """
    names = sorted(name for name, link in links.items() if link.kind == "openvswitch")
    if not names:
        return []
    found = []
    with GenericNetlink() as netlink:
        for datapath in (Datapath(netlink, name) for name in names):
            if datapath.exists():  # else it is a port that another one has made
                ports = {number: name for name, (number, _kind) in datapath.ports().items()}
                found += [f"{datapath.name} {flow_line(flow, ports)}" for flow in datapath.dump_flows()]
    return sorted(found)


def flow_line(flow: Mapping[int, bytes], ports: Mapping[int, str]) -> str:
    """One flow, of its attributes and the names of ports by their numbers."""
    key = rt.attributes(flow[_KEY], 0)
    mask = rt.attributes(flow[_MASK], 0) if _MASK in flow else None
    actions = list(_actions(flow.get(_ACTIONS, b""), ports))
    return f"{','.join(_matches(key, mask, ports))}, actions:{','.join(actions) or 'drop'}"


def _matches(key: Mapping[int, bytes], mask: Mapping[int, bytes] | None, ports: Mapping[int, str]) -> Iterator[str]:
    if _TUNNEL in key:
        yield _tunnel(key[_TUNNEL])
    if _IN_PORT in key:
        yield f"in_port({_name(key[_IN_PORT], ports)})"
    if _ETHERNET in key:
        wanted = key[_ETHERNET][6:12]
        bits = _ONE_MAC if mask is None else mask.get(_ETHERNET, bytes(12))[6:12]
        if any(bits):
            yield f"eth(dst={mac_text(wanted)}{'' if bits == _ONE_MAC else f'/{mac_text(bits)}'})"
    for kind, value in key.items():
        asked = mask is None or any(mask.get(kind, b""))
        if kind in _METADATA and not any(value):
            continue
        if asked and kind not in (_TUNNEL, _IN_PORT, _ETHERNET):
            yield f"field{kind}({value.hex()})"


def _actions(packed: bytes, ports: Mapping[int, str]) -> Iterator[str]:
    for kind, value in rt.attributes_in_order(packed):
        inner = rt.attributes(value, 0) if kind == _SET else {}
        if kind == _OUTPUT:
            yield _name(value, ports)
        elif _TUNNEL in inner:
            yield f"set({_tunnel(inner[_TUNNEL])})"
        else:
            yield f"action{kind}({value.hex()})"


def _tunnel(packed: bytes) -> str:
    values = rt.attributes(packed, 0)
    return f"tunnel({','.join(_tunnel_words(values))})"


def _tunnel_words(values: Mapping[int, bytes]) -> Iterable[str]:
    if _TUNNEL_ID in values:
        yield f"tun_id={_be64.unpack(values[_TUNNEL_ID])[0]:#x}"
    for kind, word in ((_TUNNEL_SRC, "src"), (_TUNNEL_DST, "dst")):
        if kind in values:
            yield f"{word}={ip_text(values[kind])}"
    if values.get(_TUNNEL_TTL, b"\0") != b"\0":
        yield f"ttl={values[_TUNNEL_TTL][0]}"


def _name(number: bytes, ports: Mapping[int, str]) -> str:
    return ports.get(rt.u32(number), str(rt.u32(number)))
