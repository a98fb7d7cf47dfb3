# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of a Flannel network need of the inventory's variables, and of what modules found on the hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..datastore.etcd import endpoint_problems
from ..docker.daemon import DockerDaemon
from ..errors import InvalidInput
from ..kernel.needed_ports import NeededPorts, seen_ports
from ..validation import texts
from .checks import CheckedHost, checks
from .config import FlannelConfig
from .problems import problems

Hosts = Mapping[str, Mapping[str, Any]]


def network_problems(config: Mapping[str, Any], hosts: Hosts) -> list[str]:
    """All that is wrong with a network: ``config`` as `problems` takes it, the variables of its hosts by name."""
    infos = {name: _host_info(variables) for name, variables in hosts.items()}
    lacking = [
        f"{name}: the kernel has no {kind}, which the backend {config['backend']} needs: load the module, "
        "use a kernel that has it, or choose the backend host-gw"
        for name, info in infos.items()
        for kind in info.get("missing_link_kinds") or []
    ]
    found: list[str] = []
    endpoints = texts("etcd_endpoints", config.get("etcd_endpoints"), "http://192.168.1.68:2379", found)
    found += endpoint_problems(endpoints) if endpoints else []
    return (
        found
        + lacking
        + problems(
            _of_network(config),
            {name: {**info, "subnet": hosts[name].get("flannel_subnet")} for name, info in infos.items()},
        )
    )


def needed_ports(config: Mapping[str, Any]) -> NeededPorts:
    """The port of the tunnel, and etcd; none of a backend that cannot be read."""
    try:
        backend = FlannelConfig.from_fields(**_of_network(config)).backend
    except InvalidInput:
        return NeededPorts((), config["etcd_endpoints"])
    return NeededPorts(backend.ports, config["etcd_endpoints"])


def seen_of(_config: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What was found on a host, as NeededPorts takes it."""
    return seen_ports("flannel", _host_info(variables), variables.get("_flannel_ports"))


def _of_network(config: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that the network's configuration in etcd consists of."""
    return {option: value for option, value in config.items() if option not in ("outside_address", "etcd_endpoints")}


def network_description(_config: Mapping[str, Any], hosts: Hosts) -> dict[str, Any]:
    """The subnets that are pinned, as ``pins`` by host and as the list ``pinned``, and the ``leases`` of this run."""
    pins = {name: variables.get("flannel_subnet") or None for name, variables in hosts.items()}
    taken = [(variables.get("_flannel_lease") or {}).get("lease") for variables in hosts.values()]
    return {
        "pins": pins,
        "pinned": [subnet for subnet in pins.values() if subnet],
        "leases": [lease for lease in taken if lease],
    }


def network_checks(config: Mapping[str, Any], hosts: Hosts, own: str) -> list[dict[str, Any]]:
    """The checks of one host, once modules have looked at all of them. ``config`` has ``outside_address``, too."""
    found = {name: _checked_host(name, variables) for name, variables in hosts.items()}
    return checks(found[own], [host for name, host in found.items() if name != own], config["outside_address"])


def _checked_host(name: str, variables: Mapping[str, Any]) -> CheckedHost:
    info, flannel = _host_info(variables), variables["_flannel_state"]["flannel"]
    return CheckedHost(
        name=name,
        public_ip=info["address"],
        interface=info["interface"],
        underlay_gateway=info["gateway"],
        flannel=flannel,
        vtep_mac=flannel["device_mac"],
        docker=DockerDaemon.from_facts(info.get("docker_daemon") or {}),
        containers={
            name: _address(variables, name) for name in (one["name"] for one in variables.get("workloads") or ())
        },
    )


def _address(variables: Mapping[str, Any], workload: str) -> str:
    """The address of a workload; empty if it has none, or is not there."""
    state = variables["workloads_state"]["containers"].get(workload) or {"addresses": {}}
    return next(iter(state["addresses"].values()), "")


def _host_info(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """What host_info found; nothing for a host that takes no part in this run."""
    return (variables.get("_flannel_host") or {}).get("host_info") or {}
