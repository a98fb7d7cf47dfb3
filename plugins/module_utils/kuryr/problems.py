# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be wrong with a network of Kuryr before the first host is touched, found in one go. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..datastore.etcd import endpoint_problems
from ..kernel.vxlan import LARGEST_VNI, OVERHEAD, SMALLEST_MTU
from ..validation import held_by_several, host_address_problems, used_range_problems, whole_number
from .change_of_neutron import change_problems
from .config import NetworkSpec, parsed_networks
from .constants import DATAPATHS, FIREWALLS, KERNEL_DATAPATH, NO_FIREWALL, UNDERLAY_BRIDGE
from .security_groups import parsed_groups
from .server_problems import server_problems

_VNI_RANGE = re.compile(r"(?P<first>\d{1,8}):(?P<last>\d{1,8})\Z")
Nodes = Mapping[str, Mapping[str, Any]]


def problems(config: Mapping[str, Any], nodes: Nodes) -> list[str]:
    """All problems of a network with these nodes.

    ``config`` holds ``networks``, ``security_groups``, ``firewall``, ``datapath``, ``vni_range``, ``mtu`` (None for the
    largest that fits), ``controller`` (a node's name), ``etcd_endpoints``, and what `server_problems` takes; each
    node what host_info returned, nothing of one that takes no part in this run.
    """
    found: list[str] = []
    specs = parsed_networks(config["networks"], found)
    groups = parsed_groups(config["security_groups"], found)
    if groups and config["firewall"] == NO_FIREWALL:
        found.append(
            f"kuryr_security_groups has groups, and with kuryr_firewall {NO_FIREWALL} nobody keeps their rules: take "
            "another one, or leave the groups out"
        )
    found += _choice_problems("kuryr_firewall", config["firewall"], FIREWALLS)
    found += _choice_problems("kuryr_datapath", config["datapath"], DATAPATHS)
    if not config["etcd_endpoints"]:
        found.append(
            "etcd_endpoints is empty, and the names of containers are in etcd: list its client URLs, as "
            "[http://192.168.1.68:2379]"
        )
    else:
        found += endpoint_problems(config["etcd_endpoints"])
    found += server_problems(config)
    found += change_problems(config, nodes)
    found += _vni_problems(config["vni_range"])
    found += _mtu_problems(config["mtu"], nodes)
    found += _host_problems(config, nodes)
    found += _overlap_problems(specs)
    wanted = [(f"subnet {spec.subnet} of '{spec.name}' (kuryr_networks)", spec.subnet) for spec in specs]
    return found + used_range_problems(wanted, nodes, (UNDERLAY_BRIDGE,))


def container_mtu(wanted: Any, nodes: Nodes) -> int:
    """The MTU of containers, in bytes: the wanted one, or what the smallest MTU of the underlay has room for."""
    return (
        int(wanted)
        if wanted not in (None, "")
        else min(seen["mtu"] for seen in nodes.values() if seen.get("mtu")) - OVERHEAD
    )


def _choice_problems(variable: str, value: Any, choices: Sequence[str]) -> list[str]:
    return [] if value in choices else [f"{variable} '{value}' is not known: write one of {', '.join(choices)}"]


def _vni_problems(text: Any) -> list[str]:
    numbers = _VNI_RANGE.match(str(text))
    if numbers and 1 <= int(numbers["first"]) <= int(numbers["last"]) <= LARGEST_VNI:
        return []
    return [
        f"kuryr_vni_range '{text}' is not a range of VXLAN identifiers: write the first and the last of them, between "
        f"1 and {LARGEST_VNI}, as 1:1000"
    ]


def _mtu_problems(wanted: Any, nodes: Nodes) -> list[str]:
    found: list[str] = []
    mtu = whole_number("kuryr_mtu", wanted, found)
    if mtu is None:
        return found
    if mtu < SMALLEST_MTU[4]:
        return [f"kuryr_mtu {mtu} is too small: IPv4 needs {SMALLEST_MTU[4]} bytes"]
    return [
        f"{name}: kuryr_mtu {mtu} does not fit the underlay: {seen['interface']} has MTU {seen['mtu']}, and VXLAN adds "
        f"{OVERHEAD} bytes: use {seen['mtu'] - OVERHEAD} or less, or leave it out"
        for name, seen in nodes.items()
        if seen.get("mtu") and mtu + OVERHEAD > seen["mtu"]
    ]


def _host_problems(config: Mapping[str, Any], nodes: Nodes) -> list[str]:
    found = host_address_problems(nodes)
    controller = None if config.get("neutron_url") else config["controller"]
    if controller is not None and controller not in nodes:
        found.append(
            f"kuryr_controller '{controller}' is none of the network's hosts ({', '.join(nodes)}): Neutron "
            "runs on one of them"
        )
    elif controller is not None and not nodes[controller].get("address"):
        found.append(
            f"kuryr_controller '{controller}' takes no part in this run, and all others need Neutron, which "
            "runs there: add it to --limit"
        )
    hostnames = ((seen["hostname"], name) for name, seen in nodes.items() if seen.get("hostname"))
    found += [
        f"{names} have the same hostname '{hostname}', by which Neutron knows its hosts: give each one of its own"
        for hostname, names in held_by_several(hostnames).items()
    ]
    for name, seen in nodes.items():
        if config["datapath"] == KERNEL_DATAPATH and seen.get("missing_netlink_families"):
            found.append(
                f"{name}: kuryr_datapath is {KERNEL_DATAPATH}, and the kernel has no Open vSwitch: load it (modprobe "
                "openvswitch), boot a kernel that has it, or set kuryr_datapath to netdev or auto"
            )
        if seen.get("enabled_services") and "kuryr" not in seen.get("container_networks", ()):
            services = " ".join(seen["enabled_services"])
            found.append(
                f"{name}: {services} start at boot already, and Kuryr needs them with a configuration of its own: if "
                f"nobody uses them, 'systemctl disable --now {services}'"
                + (", or choose another kuryr_controller" if name == controller else "")
            )
    return found


def _overlap_problems(specs: Sequence[NetworkSpec]) -> list[str]:
    return [
        f"kuryr_networks: subnet {first.subnet} of '{first.name}' and {second.subnet} of '{second.name}' overlap, and "
        "Kuryr tells networks apart by their subnets: give each one of its own"
        for index, first in enumerate(specs)
        for second in specs[index + 1 :]
        if first.subnet.overlaps(second.subnet)
    ]
