# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real etcd for tests: one process on free loopback ports, with its data in a folder of the test."""

from __future__ import annotations

import base64
import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd

START_SECONDS = 20


def free_port(address: str = "127.0.0.1") -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running_etcd(folder: Path, *options: str, scheme: str = "http", address: str = "127.0.0.1") -> Iterator[str]:
    """Start etcd in the caller's network namespace, and give its endpoint; stop it afterwards."""
    endpoint, peer = f"{scheme}://{address}:{free_port(address)}", f"http://{address}:{free_port(address)}"
    command = ["etcd", "--name", "test", "--data-dir", str(folder / "data"), "--log-level", "error"]
    command += ["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint, "--listen-peer-urls", peer]
    command += ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"test={peer}", "--unsafe-no-fsync"]
    log = folder / "etcd.log"
    with log.open("w") as output:
        process = subprocess.Popen(_supported([*command, *options]), stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, endpoint, log)
        yield endpoint
    finally:
        process.terminate()
        process.wait(timeout=20)


class SecuredEtcd:
    """What an etcd with TLS, client certificates and users needs, in a folder of the test."""

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        cert, key = certificate(folder, "server", "-addext", f"subjectAltName=IP:{address}")
        client_cert, client_key = certificate(folder, "client")
        trusted = folder / "trusted.pem"  # Etcd's gateway is itself a client, with the server's certificate.
        trusted.write_text(Path(cert).read_text() + Path(client_cert).read_text())
        self.options = ["--cert-file", cert, "--key-file", key, "--client-cert-auth", "--trusted-ca-file", str(trusted)]
        self.files = {"ca_cert": cert, "client_cert": client_cert, "client_key": client_key}

    def client(self, endpoint: str, username: str | None = None, password: str | None = None) -> Etcd:
        return Etcd([endpoint], username=username, password=password, **self.files)

    def add_user(self, endpoint: str, name: str, password: str, *prefixes: str) -> None:
        """Turn authentication on, with a user who may read and write what begins so."""
        client = self.client(endpoint)
        for user in ("root", name):
            client.call("auth/user/add", {"name": user, "password": password})
            client.call("auth/role/add", {"name": user})
            client.call("auth/user/grant", {"user": user, "role": user})
        for prefix in prefixes:
            end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
            key, range_end = (base64.b64encode(text.encode()).decode() for text in (prefix, end))
            permission = {"permType": "READWRITE", "key": key, "range_end": range_end}
            client.call("auth/role/grant", {"name": name, "perm": permission})
        client.call("auth/enable", {})


def certificate(folder: Path, name: str, *options: str) -> tuple[str, str]:
    """The paths of a self-signed certificate and its key.

    With users, etcd's gateway refuses certificates that have a common name, as it cannot take that for the user.
    """
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/O={name}"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert), *options], check=True, capture_output=True)
    return str(cert), str(key)


def _supported(command: list[str]) -> list[str]:
    """Leave out the option that only etcd 3.5 knows."""
    version = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=True).stdout
    return [word for word in command if "Version: 3.4" not in version or word != "--unsafe-no-fsync"]


def _wait(process: subprocess.Popen, endpoint: str, log: Path) -> None:
    host, port = endpoint.partition("://")[2].split(":")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"etcd did not start:\n{log.read_text()[-2000:]}")
