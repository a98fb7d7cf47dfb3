# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real cluster of etcd over TLS for tests: members on loopback addresses, with the certificates that hosts get."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.datastore.authority import (
    CLIENT,
    PEER,
    PEER_NAME,
    SERVER,
    Authority,
    Validity,
)
from ansible_collections.container_network.lab.plugins.module_utils.datastore.cluster import Cluster
from tests.support.etcd_process import free_port

ADDRESSES = {"a": "127.0.0.1", "b": "127.0.0.2", "c": "127.0.0.3"}
_YEAR = Validity(365, 90)


class EtcdCluster:
    """Up to three members, in folders of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cluster = Cluster(ADDRESSES, free_port(), free_port(), tls=True)
        self.authority = Authority.make(datetime.datetime.now(datetime.timezone.utc))
        self.ca = self._write("ca.pem", self.authority.certificate)
        self.client = self.bundle(CLIENT, "client")
        self._processes: dict[str, subprocess.Popen] = {}

    def bundle(self, purpose: Any, host: str, places: tuple[str, ...] = ()) -> str:
        """The path of a new certificate with its key."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return self._write(f"{purpose.name}-{host}.pem", self.authority.issue(purpose, host, places, now, _YEAR))

    def access(self, user: str | None = None, password: str | None = None) -> dict[str, Any]:
        """The options of modules, as a host of this cluster has them."""
        options = self.cluster.access(user, password)
        return {**options, "etcd_ca_cert": self.ca, "etcd_client_cert": self.client}

    def start(self, name: str, initial_cluster: str = "", token_seconds: int = 300) -> None:
        """Start a member: of a new cluster, or with ``initial_cluster`` of the one that exists."""
        url, peer = self.cluster.endpoints[list(ADDRESSES).index(name)], self.cluster.peer_urls[name]
        places = tuple(self.cluster.places(name))
        server, peer_file = self.bundle(SERVER, name, places), self.bundle(PEER, name, places)
        everyone = ",".join(f"{member}={one}" for member, one in self.cluster.peer_urls.items())
        options = {
            "name": name,
            "data-dir": str(self.folder / f"data-{name}"),
            "log-level": "error",
            "listen-client-urls": url,
            "advertise-client-urls": url,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": initial_cluster or everyone,
            "initial-cluster-state": "existing" if initial_cluster else "new",
            "cert-file": server,
            "key-file": server,
            "trusted-ca-file": self.ca,
            "client-cert-auth": "true",
            "peer-cert-file": peer_file,
            "peer-key-file": peer_file,
            "peer-trusted-ca-file": self.ca,
            "peer-client-cert-auth": "true",
            "peer-cert-allowed-cn": PEER_NAME,
            "bcrypt-cost": "4",
            "auth-token-ttl": str(token_seconds),
        }
        with (self.folder / f"etcd-{name}.log").open("a") as log:
            command = ["etcd", *(f"--{option}={value}" for option, value in options.items())]
            self._processes[name] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def lose(self, name: str) -> None:
        """Kill a member, and lose its data."""
        self._processes[name].kill()
        self._processes.pop(name).wait()
        shutil.rmtree(self.folder / f"data-{name}")

    def stop(self) -> None:
        """End all members."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return str(path)
