# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hundreds of Flannel hosts, as namespaces on one underlay: how long it takes until all know all."""

from __future__ import annotations

import dataclasses
import ipaddress
import subprocess

from ansible_collections.container_network.lab.plugins.module_utils.flannel.config import FlannelConfig
from ansible_collections.container_network.lab.plugins.module_utils.flannel.dataplane import HostState, Underlay
from ansible_collections.container_network.lab.plugins.module_utils.flannel.leases import Lease
from ansible_collections.container_network.lab.plugins.module_utils.kernel.routes import converge_routes
from ansible_collections.container_network.lab.plugins.module_utils.kernel.virtual_links import converge_links
from ansible_collections.container_network.lab.plugins.module_utils.kernel.vxlan_tables import converge_tables

from .measuring import namespaces, seconds, table
from .simulated_hosts import UNDERLAY_MTU, plug_in

HOSTS = 200


def measure() -> str:
    """All hosts converge; then one more joins, and all others learn it."""
    config = FlannelConfig.from_fields(network="40.15.0.0/16", backend="vxlan")
    addresses = [ipaddress.IPv4Interface(f"10.0.{n >> 8}.{n & 255}/16") for n in range(1, HOSTS + 2)]
    leases = [
        config.lease(ipaddress.IPv4Network(f"40.15.{number}.0/24"), str(address.ip))
        for number, address in enumerate(addresses, 1)
    ]
    with namespaces(HOSTS + 2) as (underlay, *hosts):
        cables = seconds(lambda: plug_in(underlay, hosts, addresses))

        def converge(first: int, last: int, known: int) -> None:
            for number in range(first, last):
                _converge(config, hosts[number], addresses[number], leases[number], leases[:known])

        everything = seconds(lambda: converge(0, HOSTS, HOSTS))
        again = seconds(lambda: converge(0, HOSTS, HOSTS))
        newcomer = seconds(lambda: converge(HOSTS, HOSTS + 1, HOSTS + 1))
        others = seconds(lambda: converge(0, HOSTS, HOSTS + 1))
        target = str(leases[0].subnet.network_address)
        reachable = _pings(hosts[-1], target)
    rows = [
        ["underlay: one bridge and a cable a host", len(addresses), f"{cables:.2f}", _each(cables, len(addresses))],
        [f"all hosts learn {HOSTS - 1} peers", HOSTS, f"{everything:.2f}", _each(everything, HOSTS)],
        ["again, nothing to change", HOSTS, f"{again:.2f}", _each(again, HOSTS)],
        ["one more host: it learns all others", 1, f"{newcomer:.2f}", _each(newcomer, 1)],
        ["one more host: all others learn it", HOSTS, f"{others:.2f}", _each(others, HOSTS)],
    ]
    answer = "answers" if reachable else "does NOT answer"
    return table(
        f"{HOSTS} Flannel hosts (vxlan) on this machine, one after the other. From the last host, {target} {answer}.",
        ["what", "hosts", "seconds", "ms a host"],
        rows,
    )


def _each(total: float, count: int) -> str:
    return f"{total / count * 1000:.1f}"


def _converge(
    config: FlannelConfig, host: str, address: ipaddress.IPv4Interface, own: Lease, leases: list[Lease]
) -> None:
    """What the role does on a host, less etcd and Docker."""
    state = HostState.implied(config, own, leases, Underlay("eth0", address, UNDERLAY_MTU)).network_state()
    converge_links(dataclasses.replace(state.links, netns=host), (), False)
    converge_tables(dataclasses.replace(state.tables, netns=host), (), False)
    converge_routes(state.routes._replace(netns=host), (), False)


def _pings(host: str, target: str) -> bool:
    command = ["nsenter", f"--net=/run/netns/{host}", "ping", "-c1", "-W2", target]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
