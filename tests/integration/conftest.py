# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the integration tests: throwaway network namespaces, and a throwaway Docker Engine inside one.

They need root. Nothing of the machine is touched: the engine has its own socket, folders and network namespace.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import etcd_process, module_runner, persistent_sets
from tests.support.kernel_view import ip

ENGINE_START_SECONDS = 60


@pytest.fixture(scope="session")
def run_module() -> Callable:
    """The function that runs a module: ``run_module("veth_pair", pairs=[…], _check=True)``."""
    return module_runner.run_module


# Shared by the tests of all modules with recorded sets.
host = persistent_sets.host
killer = persistent_sets.killer


@contextlib.contextmanager
def throwaway_namespaces() -> Iterator[Callable[[], str]]:
    """Makes named network namespaces, ``test-…`` in /run/netns, and removes them at the end."""
    names: list[str] = []

    def make() -> str:
        name = f"test-{secrets.token_hex(4)}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        names.append(name)
        return name

    try:
        yield make
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=True)


@pytest.fixture
def netns_factory() -> Iterator[Callable[[], str]]:
    """Makes network namespaces that are removed after the test."""
    with throwaway_namespaces() as make:
        yield make


@pytest.fixture(scope="module")
def module_netns_factory() -> Iterator[Callable[[], str]]:
    """Makes network namespaces that are removed after the module's tests."""
    with throwaway_namespaces() as make:
        yield make


@pytest.fixture
def netns(netns_factory: Callable[[], str]) -> str:
    """One throwaway named network namespace."""
    return netns_factory()


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Docker Engine of its own in a network namespace of its own; gives its DOCKER_HOST, which is also set.

    Its bridge docker0, its iptables rules and its containers are all inside that namespace.
    """
    folder = tmp_path_factory.mktemp("docker")
    namespace = f"test-docker-{secrets.token_hex(4)}"
    host = f"unix://{folder}/docker.sock"
    log = folder / "dockerd.log"
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
    with log.open("w") as output:
        # nsenter, not "ip netns exec": the latter would hide the engine's mounts of namespaces from this process.
        engine = subprocess.Popen(
            [
                "nsenter",
                f"--net=/run/netns/{namespace}",
                "dockerd",
                f"--host={host}",
                f"--data-root={folder}/data",
                f"--exec-root={folder}/exec",
                f"--pidfile={folder}/docker.pid",
                "--bip=172.30.99.1/24",
                "--iptables=false",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    environment = pytest.MonkeyPatch()
    environment.setenv("DOCKER_HOST", host)
    try:
        _wait_for_engine(engine, Path(f"{folder}/docker.sock"), log)
        yield host
        _remove_containers(host)
    finally:
        environment.undo()
        engine.terminate()
        engine.wait(timeout=30)
        subprocess.run(["ip", "netns", "delete", namespace], check=True)


@pytest.fixture(scope="session")
def busybox_path() -> str:
    """The statically linked BusyBox that images are built from."""
    path = os.environ.get("BUSYBOX_STATIC", "/bin/busybox")
    assert os.path.exists(path), f"{path} is missing: install the package busybox-static, or set BUSYBOX_STATIC"
    return path


@pytest.fixture(scope="session")
def busybox_image(docker_engine: str, busybox_path: str) -> str:
    """The image busybox:latest on the test's engine."""
    module_runner.run_module("busybox_image", busybox_path=busybox_path)
    return "busybox:latest"


@pytest.fixture
def no_containers(docker_engine: str) -> Iterator[None]:
    """Removes all containers of the test's engine after the test."""
    yield
    _remove_containers(docker_engine)


def _remove_containers(host: str) -> None:
    subprocess.run(
        "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force --volumes",
        shell=True,
        check=True,
        env={**os.environ, "DOCKER_HOST": host},
        stdout=subprocess.DEVNULL,
    )


def _wait_for_engine(engine: subprocess.Popen, socket: Path, log: Path) -> None:
    deadline = time.monotonic() + ENGINE_START_SECONDS
    while time.monotonic() < deadline and engine.poll() is None:
        if socket.exists() and subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    pytest.fail(f"the test's Docker Engine did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture
def veth_ends(netns_factory: Callable[[], str]) -> tuple[str, str]:
    """Two namespaces with a veth pair between them: 10.9.8.1 on va, 10.9.8.2 on vb."""
    here, there = netns_factory(), netns_factory()
    ip(here, f"link add va type veth peer name vb netns {there}")
    for number, (netns, device) in enumerate(((here, "va"), (there, "vb")), start=1):
        ip(netns, f"addr add 10.9.8.{number}/24 dev {device}")
        ip(netns, f"link set {device} up")
    return here, there


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an etcd that the tests of one file share."""
    with etcd_process.running_etcd(tmp_path_factory.mktemp("etcd")) as running:
        yield running
