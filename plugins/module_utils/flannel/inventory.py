# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of a Flannel network need of the inventory's variables, and of what modules found on the hosts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..datastore.etcd import endpoint_problems
from ..docker.daemon import DockerDaemon
from ..errors import InvalidInput
from ..kernel.needed_ports import NeededPorts, seen_ports
from ..validation import package_problems, texts
from .backends.backend import Underlay
from .checks import CheckedHost, VpcPlace, checks
from .config import FlannelConfig
from .dataplane import HostState, gateway, own_lease
from .leases import Lease
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
        + package_problems(infos)
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
    """What the module flannel_network is told of the hosts: ``pins`` of all, and ``hosts``, those of this run.

    Once it has run, also by host: ``docker``, the options that its Docker gets, and ``subnets``, its lease.
    """
    present = {name: variables for name, variables in hosts.items() if _host_info(variables)}
    return {
        "pins": {name: variables.get("flannel_subnet") or None for name, variables in hosts.items()},
        "hosts": [_claimant(name, _host_info(variables)) for name, variables in present.items()],
        "docker": {name: _docker_options(one) for name, one in present.items() if one.get("_flannel_network")},
        "subnets": {
            name: str(_Found.of(one).own.subnet) for name, one in present.items() if one.get("_flannel_network")
        },
    }


def _claimant(name: str, info: Mapping[str, Any]) -> dict[str, Any]:
    """A host as flannel_network takes it. Its Docker knows which subnet it had, also when etcd has lost that."""
    docker = DockerDaemon.from_facts(info.get("docker_daemon") or {})
    told = re.search(r"--bip=(\S+)", " ".join([docker.running, *docker.drop_ins.values()]))
    try:
        previous = str(ipaddress.IPv4Interface(told[1]).network) if told else None
    except ValueError:
        previous = None
    place = {option: info[option] for option in ("interface", "prefix_length", "mtu")}
    return {"node": name, "public_ip": info["address"], **place, "previous": previous}


def _docker_options(variables: Mapping[str, Any]) -> dict[str, Any]:
    found = _Found.of(variables)
    own = found.own
    return {"bip": gateway(own.subnet), "mtu": found.config.backend.mtu(found.underlay.mtu), "ip-masq": False}


class _Found(NamedTuple):
    """What a host was seen to have, and what etcd has of the network, as modules returned it."""

    config: FlannelConfig
    leases: list[Lease]
    underlay: Underlay

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> _Found:
        stored, info = variables["_flannel_network"], _host_info(variables)
        address = ipaddress.IPv4Interface(f"{info['address']}/{info['prefix_length']}")
        return cls(
            FlannelConfig.from_document(stored["document"]),
            [Lease.from_fields(fields) for fields in stored["leases"]],
            Underlay(info["interface"], address, info["mtu"]),
        )

    @property
    def own(self) -> Lease:
        """The host's lease; LabError if it has none."""
        return own_lease(self.leases, self.underlay)


def network_checks(config: Mapping[str, Any], hosts: Hosts, own: str) -> list[dict[str, Any]]:
    """The checks of one host, once modules have looked at all of them. ``config`` has ``outside_address``, too."""
    found = _Found.of(hosts[own])
    state = HostState.of_leases(found.config, found.leases, found.underlay)
    checked = {name: _checked_host(name, variables, found.config) for name, variables in hosts.items()}
    others = [host for name, host in checked.items() if name != own]
    return checks(replace(checked[own], flannel=state.described()), others, config["outside_address"])


def _checked_host(name: str, variables: Mapping[str, Any], config: FlannelConfig) -> CheckedHost:
    info = _host_info(variables)
    return CheckedHost(
        name=name,
        public_ip=info["address"],
        interface=info["interface"],
        underlay_gateway=info["gateway"],
        mtu=config.backend.mtu(info["mtu"]),
        docker=DockerDaemon.from_facts(info.get("docker_daemon") or {}),
        vpc=_vpc_place(variables) if config.backend.TYPE == "aws-vpc" else None,
        containers={
            name: _address(variables, name) for name in (one["name"] for one in variables.get("workloads") or ())
        },
    )


def _vpc_place(variables: Mapping[str, Any]) -> VpcPlace:
    found = variables["_flannel_vpc"]
    return VpcPlace(found["subnet_route_table_id"], tuple(found["route_table_ids"]))


def _address(variables: Mapping[str, Any], workload: str) -> str:
    """The address of a workload; empty if it has none, or is not there."""
    state = variables["workloads_state"]["containers"].get(workload) or {"addresses": {}}
    return next(iter(state["addresses"].values()), "")


def _host_info(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """What host_info found; nothing for a host that takes no part in this run."""
    return (variables.get("_flannel_host") or {}).get("host_info") or {}
