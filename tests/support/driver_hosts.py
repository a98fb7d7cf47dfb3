# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with a real Docker Engine and the network driver beside it, and a real etcd between them.

A host is a network namespace and a mount namespace with a /run of its own, so every engine finds its own plugins in
/run/docker/plugins. The underlay is a bridge in one more namespace. Nothing of the machine is touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.engine import Engine
from ansible_collections.container_network.lab.plugins.module_utils.driver.shared_networks import LEAVING
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support import etcd_process, module_runner
from tests.support.engine_view import EngineView

START_SECONDS = 60
DRIVER = ("-m", "ansible_collections.container_network.lab.plugins.module_utils.driver")
_ROOT = Path(__file__).resolve().parents[2]
_SETUP = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /etc/bird
mount -t tmpfs tmpfs /etc/bird
exec sleep infinity
"""


def eventually(condition: Callable[[], Any], seconds: float = 20, what: str = "") -> Any:
    """The condition's value as soon as it is true."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, what or "it did not come true in time"
        time.sleep(0.05)


class DriverHost:
    """One host. ``run`` runs a program there."""

    def __init__(self, name: str, netns: str, folder: Path, address: str, endpoint: str) -> None:
        self.name = name
        self.netns = netns
        self.folder = folder
        self.address = address
        self.endpoint = endpoint
        self.docker_host = f"unix://{folder}/docker.sock"
        self.view = EngineView(self.docker_host)
        self.driver_log = folder / "driver.log"
        self._program = list(DRIVER)
        self._driver: subprocess.Popen | None = None
        self._engine: subprocess.Popen | None = None
        folder.mkdir()
        command = ["nsenter", f"--net=/run/netns/{netns}", "unshare", "--mount", "sh", "-c", _SETUP]
        self._holder = subprocess.Popen(command)
        eventually(self._is_set_up)

    def _is_set_up(self) -> bool:
        assert self._holder.poll() is None, "the host's namespaces could not be set up"
        return Path(f"/proc/{self._holder.pid}/comm").read_text().strip() == "sleep"

    def inside(self, *command: str) -> list[str]:
        """The command that runs a program on the host."""
        return ["nsenter", f"--target={self._holder.pid}", "--mount", "--net", *command]

    def plugin_socket(self, driver: str) -> Path:
        """Where Docker asks a driver of the host, as seen from here."""
        return Path(f"/proc/{self._holder.pid}/root/run/docker/plugins/{driver}.sock")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run a program on the host."""
        return subprocess.run(self.inside(*command), capture_output=True, text=True, check=check)

    def lines(self, *command: str) -> list[str]:
        """What a program on the host prints."""
        return [line.strip() for line in self.run(*command).stdout.splitlines()]

    def docker(self, *arguments: str) -> str:
        """What docker prints; its error text fails the test."""
        done = self.try_docker(*arguments)
        assert done.returncode == 0, f"{self.name}# docker {' '.join(arguments)}\n{done.stderr}"
        return done.stdout.strip()

    def start_container(self, name: str, network: str, *options: str) -> str:
        """Start a BusyBox and return its address in the network."""
        self.docker(
            "run", "--detach", f"--name={name}", f"--network={network}", *options, "busybox", "sleep", "infinity"
        )
        return self.address_of(name, network)

    def create_with_mac(self, name: str, network: str, mac: str) -> None:
        """Create a BusyBox with this MAC address. Newer commands say it in words that an older Docker refuses."""
        interface = {"HostConfig": {"NetworkMode": network}, "MacAddress": mac}
        container = {"Image": "busybox", "Cmd": ["sleep", "infinity"], **interface}
        Engine(self.docker_host).post("/containers/create", container, name=name)

    def address_of(self, container: str, network: str) -> str:
        """A container's address in a network."""
        return self.view.address(container, network)

    def pings(self, container: str, address: str) -> bool:
        """Whether a container reaches an address within a second."""
        return self.try_docker("exec", container, "ping", "-q", "-c1", "-W1", address).returncode == 0

    def try_docker(self, *arguments: str) -> subprocess.CompletedProcess:
        """The finished command."""
        return subprocess.run(
            ["docker", f"--host={self.docker_host}", *arguments], capture_output=True, text=True, check=False
        )

    def networks(self, driver: str) -> list[str]:
        """The names of the networks of a driver."""
        listed = self.docker("network", "ls", "--format={{json .Name}}", f"--filter=driver={driver}").splitlines()
        return list(map(json.loads, listed))  # a name may have a line's end in it

    @contextlib.contextmanager
    def keeping_to_itself(self) -> Iterator[None]:
        """Within the block the host neither makes nor removes networks because others do so."""
        self.run("mkdir", "-p", str(LEAVING.parent))
        self.run("touch", str(LEAVING))
        yield
        self.run("rm", str(LEAVING))

    def clean(self, driver: str) -> None:
        """Remove all containers, and the networks of a driver, which go on every other host as well."""
        containers = self.docker("ps", "--all", "--quiet").split()
        if containers:
            self.docker("rm", "--force", "--volumes", *containers)
        listing = ("network", "ls", "--quiet", "--no-trunc", f"--filter=driver={driver}")
        for network in self.docker(*listing).split():  # the command cannot remove by a name with a slash
            removal = self.try_docker("network", "rm", network)
            assert removal.returncode == 0 or network not in self.docker(*listing).split(), removal.stderr

    def start_engine(self, *options: str) -> None:
        """Start dockerd and wait until it answers."""
        options += (f"--host={self.docker_host}", f"--data-root={self.folder}/data", "--bip=172.30.99.1/24")
        with (self.folder / "dockerd.log").open("a") as log:
            command = self.inside("dockerd", *options)
            self._engine = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        eventually(lambda: self.try_docker("version").returncode == 0, START_SECONDS, "dockerd did not start")

    def stop_engine(self) -> None:
        """Stop dockerd as a shutdown does."""
        if self._engine is not None:
            self._engine.terminate()
            self._engine.wait(START_SECONDS)
            self._engine = None

    def start_driver(self, *program: str, **config: Any) -> None:
        """Write the configuration, if one is given, start the driver, and wait until it says that it serves."""
        path = self.folder / "driver.json"
        if config:
            files = {"docker_socket": f"{self.folder}/docker.sock", "docker_pid_file": "/run/docker.pid"}
            path.write_text(json.dumps({"node": self.name, "hosts_file": f"{self.folder}/hosts", **files, **config}))
        self._program = list(program) or self._program
        notify = self.folder / "notify.sock"
        notify.unlink(missing_ok=True)
        environment = {**os.environ, "PYTHONPATH": f"{_ROOT}:{_ROOT}/collections", "NOTIFY_SOCKET": str(notify)}
        environment["PATH"] = f"{self.folder}/bin:{environment['PATH']}"  # for stand-ins
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
            listener.bind(str(notify))
            listener.settimeout(START_SECONDS)
            with self.driver_log.open("a") as log:
                command = self.inside(sys.executable, *self._program, str(path))
                self._driver = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
            assert listener.recv(100) == b"READY=1"

    def log(self) -> str:
        """All that the driver has said."""
        return self.driver_log.read_text() if self.driver_log.exists() else ""

    def kill_driver(self) -> None:
        """As kill -9 does."""
        assert self._driver is not None
        self._driver.kill()
        self._driver.wait(10)
        self._driver = None

    def stop_driver(self) -> None:
        """As systemctl stop does."""
        if self._driver is not None:
            self._driver.terminate()
            try:
                self._driver.wait(20)
            except subprocess.TimeoutExpired:
                self._driver.send_signal(signal.SIGUSR1)
                eventually(lambda: "most recent call first" in self.log(), what="the driver tells no stacks")
                raise AssertionError(f"the driver does not end: {self.log()}") from None
            self._driver = None

    def close(self) -> None:
        """End all that runs on the host."""
        if self._engine is not None:
            remove = "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force --volumes"
            subprocess.run(["sh", "-c", remove], env={**os.environ, "DOCKER_HOST": self.docker_host}, check=False)
        self.stop_engine()
        self.stop_driver()
        self._holder.kill()
        self._holder.wait(10)


class Cluster:
    """Hosts on one underlay, 192.0.2.0/24, and etcd at 192.0.2.1. To be made and used inside the underlay."""

    def __init__(
        self, underlay: str, netns_factory: Callable[[], str], folder: Path, etcd_options: Sequence[str], scheme: str
    ) -> None:
        self.hosts: list[DriverHost] = []
        self.underlay = underlay
        self._netns_factory = netns_factory
        self._folder = folder
        self._stack = contextlib.ExitStack()
        _ip(self.underlay, "link set lo up")
        _ip(self.underlay, "link add br0 type bridge")
        _ip(self.underlay, "address add 192.0.2.1/24 dev br0")
        _ip(self.underlay, "link set br0 up")

        etcd = etcd_process.running_etcd(folder, *etcd_options, scheme=scheme, address="192.0.2.1")
        self.endpoint = self._stack.enter_context(etcd)
        """Of etcd."""

    def add_host(self, name: str, busybox_path: str, *engine_options: str) -> DriverHost:
        """A host with Docker and the image busybox."""
        host = self.add_host_without_docker(name)
        host.start_engine(*engine_options)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DOCKER_HOST", host.docker_host)
            module_runner.run_module("busybox_image", busybox_path=busybox_path)
        return host

    def add_host_without_docker(self, name: str) -> DriverHost:
        """A host for those who ask its driver what Docker would."""
        number = len(self.hosts) + 2
        host = DriverHost(name, self._netns_factory(), self._folder / name, f"192.0.2.{number}", self.endpoint)
        self.hosts.append(host)
        _ip(self.underlay, f"link add veth{number} type veth peer name eth0 netns {host.netns}")
        _ip(self.underlay, f"link set veth{number} master br0 up")
        _ip(host.netns, f"address add {host.address}/24 dev eth0")
        _ip(host.netns, "link set eth0 up")
        _ip(host.netns, "link set lo up")
        _ip(host.netns, "route add default via 192.0.2.1")
        return host

    def close(self) -> None:
        """End everything."""
        for host in self.hosts:
            host.close()
        self._stack.close()


def create_on_all(hosts: Sequence[DriverHost], driver: str, name: str, *options: str) -> None:
    """Type ``docker network create`` on the first host, and await the network on the others."""
    hosts[0].docker("network", "create", *options, name)
    for host in hosts[1:]:
        eventually(lambda host=host: name in host.networks(driver), what=f"{name} does not come to {host.name}")


def clean_all(hosts: Sequence[DriverHost], driver: str) -> None:
    """Remove all containers and the networks of a driver, and await that they are gone everywhere."""
    for host in hosts:
        host.clean(driver)
    for host in hosts:
        eventually(lambda host=host: not host.networks(driver), what=f"networks are left on {host.name}")


def _ip(netns: str, command: str) -> None:
    subprocess.run(["ip", "-n", netns, *command.split()], check=True)


@contextlib.contextmanager
def running_cluster(
    netns_factory: Callable[[], str], folder: Path, *etcd_options: str, scheme: str = "http"
) -> Iterator[Cluster]:
    """A cluster without hosts. The caller is inside its underlay meanwhile."""
    underlay = netns_factory()
    with inside(underlay):
        cluster = Cluster(underlay, netns_factory, folder, etcd_options, scheme)
        try:
            yield cluster
        finally:
            cluster.close()
