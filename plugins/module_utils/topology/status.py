# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of labs and hosts at a glance: a document for machines, and tables of it for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .columns import columns_text
from .joined import MACHINE, Place, why_unseen
from .model import Container, Device, Host

_GOOD_STATES = ("active", "activating", "reloading")


def status_document(
    results: Mapping[str, Mapping[str, Any]],
    labs: Sequence[Mapping[str, Any]],
    routers: Mapping[str, Any] | None = None,
    problem: str = "",
) -> dict[str, Any]:
    """What there is, by host.

    ``results`` are what ``topology_info`` returned on each host, or what Ansible said instead; ``labs`` and ``problem``
    what ``lab_info`` did; ``routers`` the topology of this machine's namespaces, where the labs have their segments.
    """
    lab_of = {host["name"]: lab["name"] for lab in labs for host in lab["hosts"]}
    lab_hosts = {host["name"]: host for lab in labs for host in lab["hosts"]}
    names = [*results, *(name for name in lab_hosts if name not in results)]
    machine = Host.from_data(routers) if routers else None
    return {
        "problem": problem,
        "labs": [dict(lab) for lab in labs],
        "hosts": {
            name: {"lab": lab_of.get(name), **_host(results.get(name) or {}, lab_hosts.get(name))} for name in names
        },
        "impaired": [
            *(_impaired(machine, MACHINE) if machine else ()),
            *(
                line
                for name, result in results.items()
                if "topology" in result
                for line in _impaired(Host.from_data(result["topology"]), name)
            ),
        ],
    }


def _host(result: Mapping[str, Any], lab_host: Mapping[str, Any] | None) -> dict[str, Any]:
    if "topology" not in result:
        return {"problem": _why_unseen(result, lab_host)}
    host = Host.from_data(result["topology"])
    return {
        "problem": host.engine_problem,
        "system": host.system,
        "kernel": host.kernel,
        "engine": host.engine,
        "networks": list(host.networks),
        "services": dict(host.services),
        "containers": [row for container in host.containers for row in _container(host, container)],
    }


def _why_unseen(result: Mapping[str, Any], lab_host: Mapping[str, Any] | None) -> str:
    if lab_host and lab_host["status"] != "running":
        return f"its container does not run ({lab_host['status']}): 'docker start', then lab_up.yml, bring it back"
    return why_unseen(result)


def _container(host: Host, container: Container) -> Iterator[dict[str, Any]]:
    """One entry for each interface; one without, for a container that has none of its own."""
    shown = {"name": container.name, "image": container.image, "status": container.status}
    empty = {"network": None, "interface": None, "addresses": [], "mac": None, "mtu": None}
    namespace = host.namespace(container.namespace)
    if namespace is None or namespace.name == "host":
        networks = ", ".join(attachment.network for attachment in container.attachments)
        yield {**shown, **empty, "network": networks or None}
        return
    devices = [device for device in namespace.devices if device.name != "lo"]
    for device in devices:
        yield {
            **shown,
            "network": _network_of(host, container, device),
            "interface": device.name,
            "addresses": list(device.addresses),
            "mac": device.mac,
            "mtu": device.mtu,
        }
    if not devices:
        yield {**shown, **empty}


def _network_of(host: Host, container: Container, device: Device) -> str | None:
    """Docker's network of a device, by its MAC address, then by an address; else the bridge at its other end."""
    for attachment in container.attachments:
        if attachment.mac and attachment.mac == device.mac:
            return attachment.network
    for attachment in container.attachments:
        if set(attachment.addresses) & set(device.addresses):
            return attachment.network
    there = host.namespace(device.peer.namespace) if device.peer else None
    ends = [each for each in there.devices if device.peer and each.index == device.peer.index] if there else []
    return ends[0].master if ends else None


def _impaired(host: Host, name: str) -> Iterator[dict[str, str]]:
    for namespace in host.namespaces:
        for device in namespace.devices:
            if device.impairment:
                yield {"device": Place(name, namespace, device).label, "impairment": device.impairment}


# --- tables ---------------------------------------------------------------------------------------


def status_table(document: Mapping[str, Any]) -> str:
    """The document as tables."""
    hosts = document["hosts"]
    parts = [
        columns_text(
            ("HOST", "LAB", "NETWORK", "ENGINE", "SYSTEM", "KERNEL", "SERVICES"), map(_host_row, hosts.items())
        ),
        columns_text(
            ("HOST", "CONTAINER", "STATE", "NETWORK", "INTERFACE", "ADDRESS", "MAC", "MTU"),
            [
                (name, each["name"], each["status"], *_interface_row(each))
                for name, host in hosts.items()
                for each in host.get("containers", ())
            ],
        ),
        columns_text(
            ("IMPAIRED", "PACKETS THAT IT SENDS"), [(e["device"], e["impairment"]) for e in document["impaired"]]
        ),
    ]
    problems = [f"{name}: {host['problem']}" for name, host in hosts.items() if host["problem"]]
    problems += [f"{name}: {unit} is {state}" for name, unit, state in _ill_services(hosts)]
    problems += [document["problem"]] if document["problem"] else []
    parts += ["\n".join(["PROBLEMS", *problems])] if problems else []
    return (
        "\n\n".join(filter(None, parts))
        or "There is nothing to look at: the inventory has no hosts, the machine no labs."
    )


def _host_row(item: tuple[str, Mapping[str, Any]]) -> Sequence[Any]:
    name, host = item
    if "services" not in host:
        return (name, host["lab"], None, None, None, None, "not seen")
    ill = [unit for unit, state in host["services"].items() if state not in _GOOD_STATES]
    services = f"{len(ill)} of {len(host['services'])} not well" if ill else f"{len(host['services'])} well"
    networks = ", ".join(host["networks"])
    return (name, host["lab"], networks, host["engine"], host["system"], host["kernel"], services)


def _ill_services(hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for name, host in hosts.items():
        for unit, state in host.get("services", {}).items():
            if state not in _GOOD_STATES:
                yield name, unit, f"{state}: 'journalctl -u {unit}' there says why"


def _interface_row(each: Mapping[str, Any]) -> Sequence[Any]:
    addresses = " ".join(each["addresses"])
    return (each["network"], each["interface"], addresses, each["mac"], each["mtu"])
