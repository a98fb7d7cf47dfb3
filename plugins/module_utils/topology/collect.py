# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at this host: reads what topology/model.py describes, from the kernel, from Docker and from systemd."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from ..docker.container_links import ContainerPlace, FoundNamespace, find_namespaces, other_end
from ..docker.converge_containers import inspect_containers, list_containers
from ..docker.engine import Engine, engine_is_installed
from ..errors import LabError
from ..kernel import sysctl
from ..kernel.command import run
from ..kernel.datapath_flows import read_flows
from ..kernel.host_facts import MARKERS
from ..kernel.impairment import read_root_queues
from ..kernel.iptables import PROGRAMS
from ..kernel.links import LinkState, LinkTable
from ..kernel.listening import listening_on
from ..kernel.namespaces import NoSuchNamespace, inside
from ..kernel.neighbours import read_forwarding, read_neighbours
from ..kernel.netlink import NetlinkSocket
from ..kernel.policy_rules import read_policy_rules
from ..kernel.routes import TABLES, describe, read_routes
from ..kernel.tunnels import tunnel_of
from ..kernel.units import unit_properties
from ..kernel.vswitchd import read_ports
from .model import Attachment, Container, Device, Host, Namespace, Peer, Tables

ENGINE_SECONDS = 10.0
"""How long the Engine may take for an answer, before it counts as one that gives none."""
UNITS = (
    "docker.service", "containerd.service", "etcd.service", "bird.service", "container-network-*.service",
    "ovsdb-server.service", "ovs-vswitchd.service", "neutron-*.service", "kuryr-libnetwork.service",
    "mariadb.service", "rabbitmq-server.service",
)  # fmt: skip
_SAID_ALREADY = (TABLES["default"], TABLES["local"])  # by devices and their addresses
_SETTINGS = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.bridge.bridge-nf-call-iptables")
_DEVICE_SETTINGS = {"ipv4": ("proxy_arp", "rp_filter"), "ipv6": ("proxy_ndp",)}
_DNS_VIEWS, _WHOLE_VIEW = Path("/run/container-network-dns"), "5300"  # of the network driver: its README
_LOOPBACK = ("127.0.0.1/8", "::1/128")
_MOST_LINES = 10000  # of a file of names
_WITHOUT_NAMES = ("bridge", "host", "none")  # networks on which Docker answers no names
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
    found, identities = _still_there(found)
    shown = [name for name, namespace in found.items() if not wanted or set(wanted) & set(namespace.names)]
    seen = [_namespace(found, name, identities, documents, with_tables) for name in shown]
    return Host(
        name=os.uname().nodename,
        system=_system(),
        kernel=platform.release(),
        engine=version,
        engine_problem=problem,
        networks=tuple(sorted(path.name for path in MARKERS.glob("*"))),
        services=read_services(UNITS),
        containers=tuple(sorted((_container(each, found, identities) for each in documents), key=lambda c: c.name)),
        namespaces=tuple(namespace for namespace in seen if namespace),
    )


def _still_there(namespaces: Mapping[str, FoundNamespace]) -> tuple[dict[str, FoundNamespace], dict[str, str]]:
    """The namespaces that have not gone meanwhile, and of each what no other one has on the kernel, whoever looks."""
    with open(_BOOT_ID) as file:
        boot = file.read().strip()
    found, identities = {}, {}
    for name, namespace in namespaces.items():
        with suppress(OSError):
            identities[name] = f"{boot}/{os.stat(namespace.path).st_ino}"
            found[name] = namespace
    return found, identities


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
    try:  # the files, since systemd itself forgets a unit that has stopped
        listed = run(["systemctl", "list-unit-files", "--no-legend", "--plain", *patterns])
    except LabError:  # there are none
        return {}
    names = [line.split()[0] for line in listed.splitlines() if line.strip() and "@." not in line]
    return services_of(unit_properties(names, ["Id", "LoadState", "ActiveState", "UnitFileState", "Type"]))


def services_of(units: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The same of units' properties; what is done once, as at boot, is not expected to go on. Pure."""
    found = {}
    for unit in units:
        wanted = unit.get("UnitFileState") in ("enabled", "enabled-runtime") and unit.get("Type") != "oneshot"
        state = unit.get("ActiveState", "inactive")
        if unit.get("LoadState") == "loaded" and (wanted or state != "inactive"):
            found[unit["Id"]] = state
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
        attachments=tuple(_attachment(name, network, networks[network]) for network in sorted(networks)),
    )


def _attachment(container: str, network: str, endpoint: Mapping[str, Any]) -> Attachment:
    addresses = [
        f"{endpoint[address]}/{endpoint[length]}"
        for address, length in (("IPAddress", "IPPrefixLen"), ("GlobalIPv6Address", "GlobalIPv6PrefixLen"))
        if endpoint.get(address)
    ]
    names = [container, *(endpoint.get("DNSNames") or ()), *(endpoint.get("Aliases") or ())]
    answered = () if network in _WITHOUT_NAMES else tuple(dict.fromkeys(names))
    identity = endpoint.get("NetworkID") or ""
    return Attachment(network, tuple(addresses), endpoint.get("MacAddress") or "", identity, answered)


def _namespace(
    found: Mapping[str, FoundNamespace],
    name: str,
    identities: Mapping[str, str],
    documents: Sequence[Mapping[str, Any]],
    with_tables: bool,
) -> Namespace | None:
    """What is in a namespace; None if it goes meanwhile."""
    namespace = found[name]
    netns = None if name == "host" else namespace.path
    try:
        with NetlinkSocket(netns) as netlink:
            queues = read_root_queues(netlink)
            tables = _tables(netlink, netns, namespace.links.names()) if with_tables else Tables()
    except NoSuchNamespace:
        return None
    if with_tables:
        tables = replace(tables, **_names(namespace, name, documents))
    if with_tables and name == "host":
        ports = tuple(read_ports())
        # Those of its daemon are but copies of what it decided last, and it is asked itself.
        flows = () if ports else tuple(_flows(namespace.links))
        tables = replace(tables, switch_ports=ports, datapath_flows=flows)
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
        local_addresses=tuple(each for each in link.local_addresses if each not in _LOOPBACK),
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
            lines = [describe(route) for route in sorted(found.items(), key=lambda item: item[0])]
            if family == socket.AF_INET6:  # by which it differs from one of IPv4
                lines = [f"{line} pref medium" if line.startswith("default dev ") else line for line in lines]
            routes += [f"{line.replace(' proto boot', '')}{suffix}" for line in lines]
    iptables = tuple(line for program in PROGRAMS.values() for line in _rules(program, netns))
    return Tables(
        routes=tuple(routes),
        neighbours=tuple(each.describe() for each in read_neighbours(netlink, names)),
        forwarding=tuple(each.describe() for each in read_forwarding(netlink, names)),
        policy_rules=tuple(rule.describe() for rule in rules[socket.AF_INET]),
        policy_rules_6=tuple(rule.describe() for rule in rules[socket.AF_INET6]),
        iptables=iptables,
        sets=tuple(_sets(netns)) if any("--match-set" in line for line in iptables) else (),
        settings=tuple(_settings(netns, names.values())),
        sockets=tuple(_sockets(netns)),
    )


def _sockets(netns: str | None) -> list[str]:
    with inside(netns):
        return sorted({f"{protocol} {where}" for protocol in ("tcp", "udp") for where in listening_on(protocol)})


def _names(namespace: FoundNamespace, name: str, documents: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """What decides which address a name means: of the host, or of the first container of the namespace."""
    if name == "host":
        views = [
            f"{path.stem if path.suffix else _WHOLE_VIEW} {line}"
            for path in sorted({*_DNS_VIEWS.glob("*.hosts"), _DNS_VIEWS / "hosts"})
            for line in _lines(str(path))
        ]
        own = {"hosts_file": _lines("/etc/hosts"), "resolver": _lines("/etc/resolv.conf", remarks=True)}
        return {**own, "dns_views": tuple(views)}
    for document in documents:
        if document["Name"].lstrip("/") in namespace.containers:
            hosts, resolver = document.get("HostsPath") or "", document.get("ResolvConfPath") or ""
            return {"hosts_file": _lines(hosts), "resolver": _lines(resolver, remarks=True)}
    return {}


def _lines(path: str, remarks: bool = False) -> tuple[str, ...]:
    """The lines of a file that say something; none of a file that there is not."""
    try:
        with open(path, errors="replace") as file:
            lines = [" ".join(line.split()) for line in islice(file, _MOST_LINES)]
    except OSError:
        return ()
    return tuple(line for line in lines if line and (remarks or not line.startswith("#")))


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


def _sets(netns: str | None) -> list[str]:
    """All sets with their members, so that one without any is known, too; none where the program is missing."""
    try:
        with inside(netns):
            saved = run(["ipset", "save"])
    except LabError:
        return []
    return [line for line in saved.splitlines() if line.startswith(("create ", "add "))]


def _flows(links: LinkTable) -> list[str]:
    """The flows of the kernel's datapaths of Open vSwitch; none of one that goes meanwhile."""
    try:
        return read_flows(links)
    except LabError:
        return []


def _settings(netns: str | None, devices: Iterable[str]) -> list[str]:
    """What decides, beside tables, whether packets pass; of devices only what is not zero."""
    with inside(netns):
        values = {name: sysctl.find(name) for name in _SETTINGS}
        of_devices = {
            f"net.{family}.conf.{device}.{name}": sysctl.find(f"net/{family}/conf/{device}/{name}")
            for device in sorted({"all", *devices})
            for family, names in _DEVICE_SETTINGS.items()
            for name in names
        }
    found = {**values, **{name: value for name, value in of_devices.items() if value != "0"}}
    return [f"{name} = {value}" for name, value in found.items() if value is not None]
