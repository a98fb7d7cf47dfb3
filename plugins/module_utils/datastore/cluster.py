# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The etcd of an inventory: its members, who may do what in it, and what hosts have to reach it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..validation import is_address

FOLDER = "/etc/container-network/etcd"
"""Where hosts keep certificates, keys and passwords."""
CA_FILE, CLIENT_FILE = f"{FOLDER}/ca.pem", f"{FOLDER}/client.pem"
ETCDCTL_FILE = f"{FOLDER}/etcdctl.env"
ETCDCTL = "/usr/local/sbin/etcdctl"
"""Stands before the package's own in the PATH of root."""
ROOT = "root"
"""Etcd's own name for the user who may do everything. Only members know the password."""
HOSTS = "hosts"
"""The user with whom root of a host looks into the networks."""

_ETCDCTL = f"""\
#!/bin/sh
# Etcd's command etcdctl, told where the etcd of the networks is (container_network.lab).
. {ETCDCTL_FILE}
for option in "$@"; do # Etcdctl takes an option, or its variable, and not both.
  case $option in
    --endpoints | --endpoints=*) unset ETCDCTL_ENDPOINTS ;;
    --cacert | --cacert=*) unset ETCDCTL_CACERT ;;
    --cert | --cert=*) unset ETCDCTL_CERT ;;
    --key | --key=*) unset ETCDCTL_KEY ;;
    --user | --user=*) unset ETCDCTL_USER ;;
  esac
done
PATH=/usr/local/bin:/usr/bin:/bin
exec etcdctl "$@"
"""


@dataclass(frozen=True)
class Cluster:
    """The members, by host and address, and how they are spoken to."""

    members: Mapping[str, str]
    client_port: int
    peer_port: int
    tls: bool

    @property
    def endpoints(self) -> list[str]:
        """The client URLs."""
        return [self._url(address, self.client_port) for address in self.members.values()]

    @property
    def peer_urls(self) -> dict[str, str]:
        """Where members find each other."""
        return {host: self._url(address, self.peer_port) for host, address in self.members.items()}

    def places(self, host: str) -> list[str]:
        """The names and addresses of a member that stand in its certificates."""
        return list(dict.fromkeys([self.members[host], host, "127.0.0.1", "localhost"]))

    def access(self, user: str, password: str | None) -> dict[str, Any]:
        """The options of modules and of the network driver."""
        if not self.tls:
            return access(self.endpoints)
        return access(self.endpoints, CA_FILE, CLIENT_FILE, None, user, password)

    def client_files(self, authority: str, bundle: str, user: str, password: str) -> list[dict[str, str]]:
        """What a host needs to reach etcd, as the module recorded_files takes it."""
        told = {
            "API": "3",
            "ENDPOINTS": ",".join(self.endpoints),
            "CACERT": CA_FILE,
            "CERT": CLIENT_FILE,
            "KEY": CLIENT_FILE,
            "USER": f"{user}:{password}",
        }
        lines = [
            f'[ -n "${{ETCDCTL_{name}+set}}" ] || ETCDCTL_{name}={shlex.quote(value)}\nexport ETCDCTL_{name}\n'
            for name, value in told.items()
        ]
        return [
            {"path": CA_FILE, "content": authority, "mode": "0644"},
            {"path": CLIENT_FILE, "content": bundle, "mode": "0600"},
            {"path": ETCDCTL_FILE, "content": "".join(lines), "mode": "0600"},
            {"path": ETCDCTL, "content": _ETCDCTL, "mode": "0755"},
        ]

    def _url(self, address: str, port: int) -> str:
        host = f"[{address}]" if ":" in address else address
        return f"{'https' if self.tls else 'http'}://{host}:{port}"


def users_of(prefixes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The users beside root, and what the keys begin with that each may read and write.

    There is one for each network, whose ``prefixes`` are given, and one for whoever looks around on a host.
    """
    own = {name: list(found) for name, found in sorted(prefixes.items()) if found}
    return {**own, HOSTS: sorted({prefix for found in own.values() for prefix in found})} if own else {}


def access(
    endpoints: Sequence[str],
    ca_cert: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
    username: str | None = None,
    password: str | None = None,
) -> dict[str, Any]:
    """The options ``etcd_*`` of modules, as roles hand them on."""
    return {
        "etcd_endpoints": list(endpoints),
        "etcd_ca_cert": ca_cert,
        "etcd_client_cert": client_cert,
        "etcd_client_key": client_key,
        "etcd_username": username,
        "etcd_password": password,
    }


def endpoint_problems(endpoints: Sequence[str], tls: bool) -> list[str]:
    """What is wrong with endpoints that the inventory gives of an etcd that the role runs."""
    wrong, right = ("http", "https") if tls else ("https", "http")
    return [
        f"etcd_endpoints, entry {index}: '{endpoint}' begins with {wrong}://, and etcd_tls is {str(tls).lower()}: "
        f"leave etcd_endpoints out, it follows from the group etcd; or write {right}://"
        for index, endpoint in enumerate(endpoints)
        if str(endpoint).startswith(f"{wrong}://")
    ]


def address_problems(members: Mapping[str, str]) -> list[str]:
    """What is wrong with the addresses of members: etcd listens at addresses, and refuses to start with a name.

    The rule is etcd's own, of its options ``--listen-client-urls`` and ``--listen-peer-urls``.
    """
    return [
        f"{host}: etcd would listen at '{address}', and must at an IP address: set underlay_address, or etcd_address, "
        f"of {host}"
        for host, address in members.items()
        if not is_address(address)
    ]
