# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at this host: reads what topology/model.py describes, from the kernel, from Docker and from systemd."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from ..docker.container_links import ContainerPlace, FoundNamespace, find_namespaces, other_end
from ..docker.converge_containers import inspect_containers, list_containers
from ..docker.engine import Engine, engine_is_installed
from ..errors import LabError
from ..kernel.command import run
from ..kernel.host_facts import MARKERS
from ..kernel.impairment import read_root_queues
from ..kernel.iptables import PROGRAMS
from ..kernel.links import LinkState
from ..kernel.namespaces import inside
from ..kernel.neighbours import read_forwarding, read_neighbours
from ..kernel.netlink import NetlinkSocket
from ..kernel.policy_rules import read_policy_rules
from ..kernel.routes import TABLES, describe, read_routes
from ..kernel.tunnels import tunnel_of
from .model import Attachment, Container, Device, Host, Namespace, Peer, Tables

ENGINE_SECONDS = 10.0
"""How long the Engine may take for an answer, before it counts as one that gives none."""
UNITS = ("docker.service", "containerd.service", "etcd.service", "bird.service", "container-network-*.service")
_SAID_ALREADY = (TABLES["default"], TABLES["local"])  # by devices and their addresses
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_RELEASE = "/etc/os-release"


def look(wanted: Sequence[str], with_tables: bool) -> Host:
    """What is here. Of the namespaces those with a name in ``wanted``, or all; their tables only if asked for."""
    engine = Engine(timeout=ENGINE_SECONDS)
    version, documents, problem = None, [], ""
    try:
        version = engine.get("/version")["Version"]
        documents = inspect_containers(engine, [entry["Id"] for entry in list_containers(engine)])
    except LabError as error:
        problem = str(error) if engine_is_installed() else ""
    found = find_namespaces(ContainerPlace.of(document) for document in documents if document["State"]["Running"])
    identities = {name: _identity(namespace) for name, namespace in found.items()}
    shown = [name for name, namespace in found.items() if not wanted or set(wanted) & set(namespace.names)]
    return Host(
        name=os.uname().nodename,
        system=_system(),
        kernel=platform.release(),
        engine=version,
        engine_problem=problem,
        networks=tuple(sorted(path.name for path in MARKERS.glob("*"))),
        services=read_services(UNITS),
        containers=tuple(sorted((_container(each, found, identities) for each in documents), key=lambda c: c.name)),
        namespaces=tuple(_namespace(found, name, identities, with_tables) for name in shown),
    )


def _identity(namespace: FoundNamespace) -> str:
    """What no other namespace has on the kernel, whoever looks, until the machine restarts."""
    with open(_BOOT_ID) as file:
        boot = file.read().strip()
    return f"{boot}/{os.stat(namespace.path).st_ino}"


def _system() -> str:
    try:
        with open(_RELEASE) as file:
            values = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    except FileNotFoundError:
        return ""
    return values.get("PRETTY_NAME", "").strip('"')


def read_services(patterns: Sequence[str]) -> dict[str, str]:
    """The state of services that run or should, by unit; none where systemd does not run."""
    if not os.path.isdir("/run/systemd/system"):
        return {}
    properties = "Id,LoadState,ActiveState,UnitFileState"
    units = run(["systemctl", "show", f"--property={properties}", *patterns]).strip().split("\n\n")
    found = {}
    for unit in units:
        values = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
        wanted = values.get("UnitFileState") in ("enabled", "enabled-runtime")
        state = values.get("ActiveState", "inactive")
        if values.get("LoadState") == "loaded" and (wanted or state != "inactive"):
            found[values["Id"]] = state
    return dict(sorted(found.items()))


def _container(
    document: Mapping[str, Any], found: Mapping[str, FoundNamespace], identities: Mapping[str, str]
) -> Container:
    name, state = document["Name"].lstrip("/"), document["State"]
    health = (state.get("Health") or {}).get("Status", "none")
    networks = document["NetworkSettings"].get("Networks") or {}
    return Container(
        name=name,
        image=document["Config"]["Image"],
        status=state["Status"] if health == "none" else f"{state['Status']} ({health})",
        namespace=next((identities[key] for key, namespace in found.items() if name in namespace.containers), None),
        attachments=tuple(_attachment(network, networks[network]) for network in sorted(networks)),
    )


def _attachment(network: str, endpoint: Mapping[str, Any]) -> Attachment:
    addresses = [
        f"{endpoint[address]}/{endpoint[length]}"
        for address, length in (("IPAddress", "IPPrefixLen"), ("GlobalIPv6Address", "GlobalIPv6PrefixLen"))
        if endpoint.get(address)
    ]
    return Attachment(network, tuple(addresses), endpoint.get("MacAddress") or "")


def _namespace(
    found: Mapping[str, FoundNamespace], name: str, identities: Mapping[str, str], with_tables: bool
) -> Namespace:
    namespace = found[name]
    netns = None if name == "host" else namespace.path
    with NetlinkSocket(netns) as netlink:
        queues = read_root_queues(netlink)
        tables = _tables(netlink, netns, namespace.links.names()) if with_tables else Tables()
    links = sorted(namespace.links.values(), key=lambda link: link.index)
    impairments = {index: queue.impairment.describe() for index, queue in queues.items() if queue.impairment}
    return Namespace(
        id=identities[name],
        name=next(iter(sorted(namespace.containers)), name) if name != "host" else name,
        path=namespace.path,
        containers=tuple(sorted(namespace.containers)),
        devices=tuple(_device(found, namespace, link, identities, impairments.get(link.index, "")) for link in links),
        tables=tables,
    )


def _device(
    found: Mapping[str, FoundNamespace],
    namespace: FoundNamespace,
    link: LinkState,
    identities: Mapping[str, str],
    impairment: str,
) -> Device:
    end = other_end(found, namespace, link)
    tunnel = tunnel_of(link)
    here = link.kind != "veth" and link.lower is not None and link.lower_netnsid is None
    return Device(
        name=link.name,
        index=link.index,
        kind=link.kind,
        mac=link.mac,
        mtu=link.mtu,
        up=link.up,
        addresses=link.addresses,
        master=namespace.links.name_of(link.master),
        lower=namespace.links.name_of(link.lower) if here else None,
        peer=Peer(identities[end.namespace], end.index) if end else None,
        tunnel=tunnel.describe() if tunnel else "",
        impairment=impairment,
    )


def _tables(netlink: NetlinkSocket, netns: str | None, names: dict[int, str]) -> Tables:
    rules = {family: read_policy_rules(netlink, family) for family in (socket.AF_INET, socket.AF_INET6)}
    routes = []
    for family, of_family in rules.items():
        numbers = [rule.table for rule in of_family if rule.table and rule.table not in _SAID_ALREADY]
        for table in dict.fromkeys([TABLES["main"], *numbers]):
            suffix = "" if table == TABLES["main"] else f" table {table}"
            found = read_routes(netlink, table, names, [family])
            # ip(8) does not mention that a route was made by hand.
            routes += [
                f"{describe(route).replace(' proto boot', '')}{suffix}"
                for route in sorted(found.items(), key=lambda item: item[0])
            ]
    return Tables(
        routes=tuple(routes),
        neighbours=tuple(each.describe() for each in read_neighbours(netlink, names)),
        forwarding=tuple(each.describe() for each in read_forwarding(netlink, names)),
        policy_rules=tuple(rule.describe() for rule in rules[socket.AF_INET]),
        iptables=tuple(line for program in PROGRAMS.values() for line in _rules(program, netns)),
    )


def _rules(program: str, netns: str | None) -> list[str]:
    """The rules of all tables, and policies that drop, each with its table; none where the program is missing."""
    try:
        with inside(netns):
            saved = run([f"{program}-save"])
    except LabError:
        return []
    lines, table = [], ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith("-A ") or (line.startswith(":") and " DROP " in line):
            lines.append(f"{program} -t {table} {line}")
    return lines
