# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports at which the hosts of a network must reach each other, and etcd: what to try of them, and what is wrong.

A host's own rules are read in every run (`firewall`). What they do not show, as a firewall between the hosts or one of
nftables beside iptables, is found by trying (`blocked_ports`), for hosts that are new in the network. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..validation import texts
from .firewall import stopped_problems

ETCD_PORT = 2379
Nodes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class NeededPorts:
    """What a network needs of its hosts: ``ports`` as ``8472/udp`` or ``ipip``, and the client URLs of its etcd.

    Nodes are what host_info returned of each host, nothing of one that takes no part in this run. Further entries are
    ``joined``, whether the host is part of the network already, and ``blocked``, what blocked_ports_info returned.
    """

    ports: tuple[str, ...] = ()
    etcd_endpoints: Any = ()  # a list of URLs, unless somebody wrote something else
    local: tuple[str, ...] = ()
    """Where the network listens for this host's containers alone, as ``5300/udp``."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """The network's own programs, by the ports at which they listen: ``{"179/tcp": "bird"}``."""

    def targets(self, nodes: Nodes, own: str) -> list[dict[str, Any]]:
        """What the node ``own`` is to try, for the module blocked_ports_info; nothing among nodes that have joined.

        UDP ports are not tried where something listens, since that may well be silent.
        """
        if not nodes[own].get("address"):
            return []
        new = not nodes[own].get("joined")
        others = [
            seen
            for name, seen in nodes.items()
            if name != own and seen.get("address") and (new or not seen.get("joined"))
        ]
        found = [
            {
                "address": seen["address"],
                "tcp": self._numbers("tcp"),
                "udp": [port for port in self._numbers("udp") if port not in seen.get("used_udp_ports", ())],
                # A host that has joined has a tunnel, which says nothing.
                **({"ipip": True} if "ipip" in self.ports and not seen.get("joined") else {}),
            }
            for seen in others
        ]
        if new:
            of_etcd = [place for place in self._etcd() if place[0] != nodes[own]["address"]]
            found += [{"address": address, "tcp": [port], "udp": []} for address, port in of_etcd]
        return [target for target in found if target["tcp"] or target["udp"] or target.get("ipip")]

    def problems(self, nodes: Nodes) -> list[str]:
        """The ports that are closed, with host and rule as far as they are known, and those that others have."""
        found = [problem for name, seen in nodes.items() for problem in stopped_problems(name, seen)]
        found += [
            f"{name}: {self._what(taken['port'])} {taken['port']}, and {_shown(taken)} listens there: stop it, let it "
            "listen at another port, or at those addresses alone at which it is asked"
            for name, seen in nodes.items()
            for taken in seen.get("taken_ports") or ()
            if taken["port"] in (*self.ports, *self.local) and self.programs.get(taken["port"]) != taken["program"]
        ]
        for name, seen in nodes.items():
            blocked = {(port["address"], port["port"]): port["reason"] for port in seen.get("blocked") or ()}
            of_etcd = {(address, f"{port}/tcp") for address, port in self._etcd()}
            found += [
                f"{name} cannot reach {address} on {_at(port)} ({reason}): let a firewall between them pass "
                f"{_in_words(self.ports)}"
                for (address, port), reason in blocked.items()
                if (address, port) not in of_etcd
            ]
            # One endpoint that answers is enough; those that were not tried may.
            if of_etcd and len(self._endpoints) == len(of_etcd & set(blocked)):
                found += [
                    f"{name} cannot reach etcd at {address} on port {port} ({blocked[(address, port)]}): let a "
                    "firewall between them pass it, or correct etcd_endpoints"
                    for address, port in sorted(of_etcd)
                ]
        return found

    def of_hosts(self) -> list[str]:
        """All ports, for the module host_info; those of etcd with the address of the host that has it."""
        return [*self.ports, *(f"{address}:{port}/tcp" for address, port in self._etcd() if ":" not in address)]

    def _what(self, port: str) -> str:
        return "the DNS server of its containers has port" if port in self.local else "the network needs port"

    def _numbers(self, protocol: str) -> list[int]:
        split = [port.partition("/") for port in self.ports]
        return [int(number) for number, _slash, of in split if of == protocol]

    @property
    def _endpoints(self) -> list[str]:
        return texts("etcd_endpoints", self.etcd_endpoints, "http://192.168.1.68:2379", [])

    def _etcd(self) -> list[tuple[str, int]]:
        """Address and port of each endpoint that is not written with a name."""
        found = []
        for endpoint in self._endpoints:
            try:
                url = urlsplit(str(endpoint))
                found.append((str(ipaddress.ip_address(url.hostname or "")), url.port or ETCD_PORT))
            except ValueError:
                continue  # a name, or nothing that can be read
        return found


def seen_ports(network: str, host_info: Mapping[str, Any], tried: Mapping[str, Any] | None) -> dict[str, Any]:
    """A node as NeededPorts takes it: what host_info and, if it ran, blocked_ports_info returned of a host."""
    return {
        **host_info,
        "joined": network in host_info.get("container_networks", ()),
        "blocked": (tried or {}).get("blocked") or [],
    }


def _at(port: str) -> str:
    return "IP protocol 4 (IP in IP)" if port == "ipip" else f"port {port}"


def _shown(taken: Mapping[str, Any]) -> str:
    return f"{taken['program']} (process {taken['pid']})"


def _in_words(ports: Sequence[str]) -> str:
    *first, last = ports
    return f"{', '.join(first)} and {last}" if first else last
