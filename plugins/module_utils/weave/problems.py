# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be wrong with a Weave network before the first host is touched, found in one go. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ..datastore.etcd import endpoint_problems
from ..docker.containers import GATEWAY_BRIDGE
from ..docker.networks import name_problems
from ..errors import InvalidInput, LabError
from ..kernel.addresses import is_device_mac
from ..kernel.links import LARGEST_MTU
from ..kernel.vxlan import OVERHEAD, SMALLEST_MTU
from ..validation import (
    duplicate_problems,
    held_by_several,
    host_problems,
    mappings,
    number_between,
    range_problems,
    text_or_none,
    texts,
    used_range_problems,
)
from .address_request import Wanted
from .constants import BRIDGE, DATAPATHS, OPENVSWITCH_DATAPATH
from .snapshot import Config, checked_config


def problems(config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """All problems of a network with these nodes.

    ``config`` holds ``range``, ``default_subnet``, ``reserved`` (addresses), ``subnets``, ``gateway_subnet``, ``mtu``,
    ``datapath``, ``checksum_offload`` and ``etcd_endpoints``; each node what host_info returned (``address``,
    ``prefix_length``, ``interface``, ``mtu``, ``networks``, ``missing_netlink_families``; nothing for a node that takes
    no part in this run), and what the node has of its own: ``peer_name``, if one is pinned, ``attachments``, and
    ``foreign_command``, the path of a command that is in our command's place.
    """
    found: list[str] = []
    config, nodes = _shaped(config, nodes, found)
    found += _name_problems(nodes) + host_problems(nodes) + _mtu_problems(config["mtu"], nodes)
    found += [
        f"{name}: {seen['foreign_command']} is there and was not made by this collection, as Weave's own script: it is "
        "left alone. Move it away, since the role puts a command of this name there"
        for name, seen in nodes.items()
        if seen.get("foreign_command")
    ]
    if not config["etcd_endpoints"]:
        found.append("etcd_endpoints is empty: list the client URLs of etcd, as [http://192.168.1.68:2379]")
    else:
        found += endpoint_problems(config["etcd_endpoints"])
    if config["datapath"] not in DATAPATHS:
        found.append(f"weave_datapath '{config['datapath']}' is not known: write {', '.join(DATAPATHS)}")
    if str(config["checksum_offload"]).lower() not in ("true", "false", "yes", "no"):
        found.append(
            f"weave_checksum_offload '{config['checksum_offload']}' is not a truth value: write true, which is faster, "
            "or false, as real Weave has it"
        )
    if config["datapath"] == OPENVSWITCH_DATAPATH:
        found += [
            f"{name}: weave_datapath is openvswitch, and the kernel has no Open vSwitch datapath: load it "
            "(modprobe openvswitch), boot a kernel that has it, or set weave_datapath to bridge or auto"
            for name, seen in nodes.items()
            if seen.get("missing_netlink_families")
        ]
    try:
        network = checked_config(str(config["range"]), config["default_subnet"], config["reserved"])
    except InvalidInput as error:
        return found + [f"weave_{problem}" for problem in error.problems]
    found += range_problems("weave_range", network.range)
    found += _overlap_problems(network, config["gateway_subnet"], nodes)
    return found + _subnet_problems(network, config["subnets"]) + _attachment_problems(network, nodes)


def _shaped(
    config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]], found: list[str]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Lists where there have to be some; what is none is told, and counts as empty."""
    of_network = {
        **config,
        "subnets": mappings("weave_subnets", config["subnets"], "{name: weave}", found),
        "reserved": texts("weave_reserved", config["reserved"], "172.111.222.9", found),
        "default_subnet": text_or_none("weave_default_subnet", config["default_subnet"], found),
        "etcd_endpoints": texts("etcd_endpoints", config["etcd_endpoints"], "http://192.168.1.68:2379", found),
    }
    of_nodes = {
        name: {**seen, "attachments": _attachments(f"{name}: weave_attachments", seen.get("attachments"), found)}
        for name, seen in nodes.items()
    }
    return of_network, of_nodes


def _attachments(where: str, value: Any, found: list[str]) -> list[dict[str, Any]]:
    entries = mappings(where, value, "{container: web, addresses: [172.111.222.9/24]}", found)
    return [
        {
            **entry,
            "addresses": texts(f"{where}, entry {index}: addresses", entry.get("addresses"), "net:default", found),
        }
        for index, entry in enumerate(entries)
    ]


def _name_problems(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    pinned = {name: seen["peer_name"] for name, seen in nodes.items() if seen.get("peer_name")}
    found = [
        f"{name}: weave_peer_name '{peer}' is not the MAC address of a single device, as d2:93:9d:07:70:4b"
        for name, peer in pinned.items()
        if not is_device_mac(str(peer))
    ]
    return found + [
        f"{names} have the same weave_peer_name {peer}: every peer needs its own"
        for peer, names in held_by_several((str(peer).lower(), name) for name, peer in pinned.items()).items()
    ]


def _mtu_problems(mtu: Any, nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    number = number_between("", str(mtu), SMALLEST_MTU[4], LARGEST_MTU, [])
    if number is None:
        return [f"weave_mtu '{mtu}' is not an MTU: write a number of bytes from {SMALLEST_MTU[4]} on; Weave's is 1376"]
    return [
        f"{name}: weave_mtu {mtu} does not fit the underlay: {seen['interface']} has MTU {seen['mtu']}, and VXLAN adds "
        f"{OVERHEAD} bytes: use {seen['mtu'] - OVERHEAD} or less"
        for name, seen in nodes.items()
        if seen.get("mtu") and number + OVERHEAD > seen["mtu"]
    ]


def _overlap_problems(network: Config, gateway_text: str, nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    wanted = [("weave_range", network.range)]
    try:
        wanted.append(("weave_gateway_subnet", ipaddress.IPv4Network(str(gateway_text))))
    except ValueError as error:
        return [f"weave_gateway_subnet '{gateway_text}' is not an IPv4 network, as 172.18.0.0/16: {error}"]
    found = range_problems("weave_gateway_subnet", wanted[1][1])
    if network.range.overlaps(wanted[1][1]):
        found.append(
            f"weave_range {network.range} overlaps weave_gateway_subnet {gateway_text}, which leads containers to the "
            "outside: choose another one of them"
        )
    named = [(f"{variable} {subnet}", subnet) for variable, subnet in wanted]
    return found + used_range_problems(named, nodes, (BRIDGE, GATEWAY_BRIDGE))


def _attachment_problems(network: Config, nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = []
    for name, seen in nodes.items():
        where, entries = f"{name}: weave_attachments", seen.get("attachments") or ()
        names = [str(entry.get("container") or "") for entry in entries]
        found += [f"{where}: entry {index} has no container" for index, container in enumerate(names) if not container]
        found += duplicate_problems(where, [container for container in names if container])
        for entry in entries:
            for text in entry.get("addresses") or ():
                try:
                    Wanted.parse(str(text), network)
                except LabError as error:
                    found.append(f"{where}: '{entry.get('container')}': {error}")
    return found


def _subnet_problems(network: Config, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [f"weave_subnets: entry {i} has no name" for i, entry in enumerate(entries) if not entry.get("name")]
    found += duplicate_problems("weave_subnets", [str(entry["name"]) for entry in entries if entry.get("name")])
    parsed: dict[str, ipaddress.IPv4Network] = {}
    for entry in entries:
        name, text = str(entry.get("name")), entry.get("subnet") or str(network.default_subnet)
        found += name_problems("weave_subnets", name)
        try:
            parsed[name] = ipaddress.IPv4Network(str(text))
        except ValueError as error:
            found.append(f"weave_subnets: subnet '{text}' of '{name}' is not an IPv4 network: {error}")
            continue
        if not parsed[name].subnet_of(network.range):
            found.append(f"weave_subnets: subnet {text} of '{name}' is no part of weave_range {network.range}")
    names = list(parsed)
    return found + [
        f"weave_subnets: {parsed[first]} of '{first}' and {parsed[second]} of '{second}' overlap, and nothing else "
        "keeps networks apart: give each a subnet of its own"
        for position, first in enumerate(names)
        for second in names[position + 1 :]
        if parsed[first].overlaps(parsed[second])
    ]
