# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module weave_attachments: containers of a real Docker Engine on a Weave host, which is a network namespace."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.docker.engine import Engine
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.kernel.writer import (
    MERGE_RECEIVED,
    TRANSMIT_CHECKSUMS,
)
from ansible_collections.container_network.lab.plugins.module_utils.weave import attach
from ansible_collections.container_network.lab.plugins.module_utils.weave.dataplane import converge_host, plan_host
from ansible_collections.container_network.lab.plugins.module_utils.weave.snapshot import checked_config
from ansible_collections.container_network.lab.plugins.module_utils.weave.store import WeaveStore
from ansible_collections.container_network.lab.plugins.module_utils.weave.veth import VethSettings
from tests.support import etcd_process, module_runner
from tests.support.engine_view import EngineView
from tests.support.kernel_view import addresses, all_links, command, has_link, ip, links, offload, routes

NODE, MTU = "node-1", 1376


@dataclasses.dataclass
class Host:
    """A Weave host; the engine beside it is a namespace of its own."""

    netns: str
    endpoint: str
    store: WeaveStore

    def arguments(self, *attachments: dict[str, Any]) -> dict[str, Any]:
        return {"etcd_endpoints": [self.endpoint], "node": NODE, "mtu": MTU, "attachments": list(attachments)}


@pytest.fixture
def host(netns: str, tmp_path: Path) -> Iterator[Host]:
    ip(netns, "link set lo up")
    with inside(netns), etcd_process.running_etcd(tmp_path) as endpoint:
        store = WeaveStore(Etcd([endpoint]))
        store.configure(checked_config("172.111.222.0/24", None))
        store.join({NODE: ("192.168.1.68", None)})
        converge_host(plan_host(store.read(), NODE), "bridge", MTU)
        yield Host(netns, endpoint, store)


@pytest.fixture
def containers(busybox_image: str, no_containers: None) -> list[str]:
    """Two containers on Docker's own bridge."""
    return [run_container(name) for name in ("plain-1", "plain-2")]


def run_container(name: str) -> str:
    command("docker", "run", "--detach", "--tty", "--name", name, "busybox")
    return name


def found(name: str) -> attach.Container:
    return attach.Container.find(Engine(), name)


def pid_of(name: str) -> str:
    """The process id of a container."""
    return str(EngineView().container(name)["State"]["Pid"])


def seen_inside(name: str, *arguments: str) -> list[str]:
    """What a program of this machine prints in a container's network namespace."""
    printed = command("nsenter", f"--net=/proc/{pid_of(name)}/ns/net", *arguments)
    return [" ".join(line.split()) for line in printed.splitlines()]


def ping(name: str, address: str) -> bool:
    done = subprocess.run(
        ["docker", "exec", name, "ping", "-q", "-c1", "-W2", address], capture_output=True, check=False
    )
    return done.returncode == 0


def test_containers_are_attached_and_detached(host: Host, containers: list[str]) -> None:
    before = links(host.netns)
    inner = all_links(pid_of("plain-2"))
    first = {"container": "plain-1"}
    second = {"container": "plain-2", "addresses": ["172.111.222.128/24", "net:172.111.222.64/27"]}
    attached = module_runner.assert_converges("weave_attachments", **host.arguments(first, second))
    assert attached["diff"]["before"] == {"attached": {}}
    assert sorted(attached["diff"]["after"]["attached"]) == ["plain-1", "plain-2"]
    assert addresses(pid_of("plain-1"), "ethwe") == ["172.111.222.1/24"]
    assert "224.0.0.0/4 dev ethwe scope link" in routes(pid_of("plain-1"))
    assert addresses(pid_of("plain-2"), "ethwe") == ["172.111.222.128/24", "172.111.222.65/27"]
    assert ping("plain-1", "172.111.222.128")

    left = module_runner.assert_converges("weave_attachments", **host.arguments(first))
    assert sorted(left["diff"]["before"]["attached"]) == ["plain-1", "plain-2"]
    assert sorted(left["diff"]["after"]["attached"]) == ["plain-1"]
    assert all_links(pid_of("plain-2")) == inner
    assert seen_inside("plain-2", "iptables", "--list-rules", "INPUT") == ["-P INPUT ACCEPT"]
    module_runner.assert_converges("weave_attachments", **host.arguments())
    assert links(host.netns) == before
    state = host.store.read()
    assert not state.addresses
    assert not state.endpoints


@pytest.mark.parametrize("checksum_offload", [False, True])
def test_checksums_are_left_to_the_device_only_if_wanted(
    host: Host, containers: list[str], checksum_offload: bool
) -> None:
    wanted = {**host.arguments({"container": "plain-1"}), "checksum_offload": checksum_offload}
    module_runner.assert_converges("weave_attachments", **wanted)
    assert offload(pid_of("plain-1"), "ethwe", TRANSMIT_CHECKSUMS) == checksum_offload
    (endpoint,) = host.store.read().endpoints
    assert offload(host.netns, endpoint.device, MERGE_RECEIVED)


def test_what_was_attached_by_hand_stays(host: Host, containers: list[str]) -> None:
    attach.attach(host.store, NODE, found("plain-1"), [], VethSettings(MTU))
    module_runner.assert_unchanged("weave_attachments", **host.arguments())
    module_runner.assert_converges("weave_attachments", **host.arguments({"container": "plain-2"}))
    module_runner.assert_converges("weave_attachments", **host.arguments())
    assert [one.container for one in host.store.read().endpoints] == ["plain-1"]


def test_a_restarted_container_is_attached_again_at_its_address(host: Host, containers: list[str]) -> None:
    wanted = host.arguments({"container": "plain-1", "addresses": ["172.111.222.128/24"]})
    module_runner.assert_converges("weave_attachments", **wanted)
    command("docker", "restart", "--time", "0", "plain-1")
    module_runner.assert_converges("weave_attachments", **wanted)
    assert addresses(pid_of("plain-1"), "ethwe") == ["172.111.222.128/24"]
    assert len(host.store.read().endpoints) == 1


def test_a_cut_off_attachment_is_finished(host: Host, containers: list[str]) -> None:
    attach.attach(host.store, NODE, found("plain-1"), [], VethSettings(MTU), from_inventory=True)
    (endpoint,) = host.store.read().endpoints
    ip(host.netns, f"link delete {endpoint.device}")
    module_runner.assert_converges("weave_attachments", **host.arguments({"container": "plain-1"}))
    assert has_link(host.netns, endpoint.device)


@pytest.mark.parametrize(
    ("attachment", "message"),
    [
        ({"container": "plain-9"}, "container 'plain-9' does not exist on this host"),
        ({"container": "plain-1", "addresses": ["172.111.222.5"]}, "'172.111.222.5' is not an address: write net:def"),
        ({"container": "plain-1", "addresses": ["172.111.222.0/24"]}, "172.111.222.0 is no host's address"),
    ],
)
def test_what_cannot_be_is_refused(host: Host, containers: list[str], attachment: dict[str, Any], message: str) -> None:
    with pytest.raises(module_runner.ModuleFailed, match=message):
        module_runner.run_module("weave_attachments", **host.arguments(attachment))
    assert not host.store.read().endpoints


def test_a_stopped_container_is_refused(host: Host, containers: list[str]) -> None:
    command("docker", "stop", "--time", "0", "plain-1")
    with pytest.raises(module_runner.ModuleFailed, match="container 'plain-1' does not run: 'docker start plain-1'"):
        module_runner.run_module("weave_attachments", **host.arguments({"container": "plain-1"}))
