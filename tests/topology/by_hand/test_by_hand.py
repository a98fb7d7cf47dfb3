# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people type beside the documents, on Calico, Weave and the overlay over etcd, with no playbook in between."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.engine import container_pid
from tests.support.lab_host import LabHost
from tests.support.lab_runs import PAIR, PAIR_INVENTORY, Lab, await_success, on_host
from tests.support.networks import CALICO, OVERLAY_ETCD, WEAVE, LabNetwork

HOSTS = {name: LabHost(name) for name in PAIR}


@dataclass(frozen=True)
class Typed:
    """A network, and how people type its driver."""

    network: LabNetwork
    driver: str
    options: str
    subnet: str
    """A subnet that it can have."""


NETWORKS = (
    Typed(CALICO, "calico", "--driver calico --ipam-driver calico-ipam", "192.168.0.0/16"),
    Typed(WEAVE, "weavemesh", "--driver weavemesh --ipam-driver weavemesh", "172.111.222.32/27"),
    Typed(OVERLAY_ETCD, "overlay-etcd", "--driver overlay-etcd --ipam-driver overlay-etcd", "10.40.0.0/16"),
)


def type_on(host: str, line: str) -> str:
    """What a line that is typed on a host prints; it must succeed."""
    return on_host(host, "sh", "-c", line).strip()


def refused(host: str, line: str) -> str:
    """What a line that is typed on a host says; it must fail."""
    done = HOSTS[host].host.run(line)
    assert done.rc != 0, f"{host}: {line}: {done.stdout}"
    return done.stderr


def await_typed(host: str, line: str, seconds: float = 20) -> str:
    """The same as soon as it succeeds."""
    return await_success(host, "sh", "-c", line, seconds=seconds).strip()


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda typed: typed.driver)
def typed(request: pytest.FixtureRequest) -> Typed:
    """The network, made in the place of the one before."""
    Lab(PAIR_INVENTORY).play("site.yml", *request.param.network.variables)
    return request.param


@pytest.fixture
def net(typed: Typed) -> Iterator[str]:
    """A network that was made by hand on the host left, with nothing of it left afterwards."""
    type_on("left", f"docker network create {typed.options} by_hand")
    await_typed("right", "docker network inspect by_hand")
    yield "by_hand"
    for host in HOSTS:
        type_on(host, "docker ps -aq --filter network=by_hand | xargs -r docker rm -f -v")
    type_on("right", "docker network rm by_hand")
    await_typed("left", "! docker network inspect by_hand")


def run(host: str, name: str, net: str, *options: str) -> None:
    """Start a container that stays."""
    type_on(host, f"docker run -d --name {name} --net {net} {' '.join(options)} busybox sleep infinity")


def test_a_network_is_made_and_removed_once_for_all_hosts(typed: Typed, net: str) -> None:
    run("left", "a1", net)
    run("right", "a2", net)
    await_typed("left", "docker exec a1 ping -c 1 -W 1 a2")
    await_typed("right", "docker exec a2 ping -c 1 -W 1 a1")
    type_on("left", f"docker network create {typed.options} --subnet {typed.subnet} --label team=a second")
    await_typed("right", "docker network inspect second")
    type_on("right", "docker network rm second")
    await_typed("left", "! docker network inspect second")


def test_aliases_and_names_with_dots_and_capitals_are_known_everywhere(typed: Typed, net: str) -> None:
    run("left", "Web.One", net, "--network-alias web", "--network-alias DB.internal")
    run("right", "a2", net)
    for name in ("Web.One", "web.one", "web", "WEB", "db.internal"):
        await_typed("right", f"docker exec a2 ping -c 1 -W 1 {name}")


def test_a_rename_is_seen_within_seconds(typed: Typed, net: str) -> None:
    run("left", "old", net)
    run("right", "a2", net)
    await_typed("right", "docker exec a2 ping -c 1 -W 1 old")
    type_on("left", "docker rename old new")
    await_typed("right", "docker exec a2 ping -c 1 -W 1 new")
    type_on("left", "docker rename new old")


def test_a_name_that_nobody_has_is_answered_at_once(typed: Typed, net: str) -> None:
    run("left", "a1", net)
    for name in ("nobody", "nobody.example.org"):
        line = f"timeout 3 docker exec a1 nslookup {name}; test $? -eq 1"
        type_on("left", line)


COMPOSE = """
services:
  {service}:
    image: busybox
    command: [sleep, infinity]
    stop_signal: SIGKILL
networks:
  default:
    name: by_hand
    external: true
"""


def compose(host: str, folder: Path, *words: str) -> None:
    """Run Compose on the controller, for the Docker of a host."""
    environment = {**os.environ, "DOCKER_HOST": f"unix:///proc/{container_pid(host)}/root/run/docker.sock"}
    command = ["docker-compose", "--project-name", "shop", "--file", str(folder / f"{host}.yml"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"


def test_services_of_a_compose_project_over_two_hosts_find_each_other(typed: Typed, net: str, tmp_path: Path) -> None:
    services = {"left": "web", "right": "store"}
    try:
        for host, service in services.items():
            (tmp_path / f"{host}.yml").write_text("version: '3.5'" + COMPOSE.format(service=service))
            compose(host, tmp_path, "up", "--detach")
        for host, service, other in (("left", "web", "store"), ("right", "store", "web")):
            container = type_on(host, f"docker ps -q --filter label=com.docker.compose.service={service}")
            await_typed(host, f"docker exec {container} ping -c 1 -W 1 {other}")
    finally:
        for host in services:
            compose(host, tmp_path, "down")


@pytest.mark.parametrize("name", ["with a blank", "x -j ACCEPT", "team/net", "网络", "n" * 200, "end.", "web@prod"])
def test_any_name_that_docker_takes_works_or_is_refused_and_harms_nobody(typed: Typed, net: str, name: str) -> None:
    run("left", "a1", net)
    run("right", "a2", net)
    quoted = shlex.quote(name)
    made = HOSTS["left"].host.run(f"docker network create {typed.options} --subnet {typed.subnet} -- {quoted}")
    if made.rc == 0:
        for container in ("o1", "o2"):
            type_on("left", f"docker run -d --name {container} --net {quoted} busybox sleep infinity")
        inspected = json.loads(type_on("left", "docker inspect o2"))[0]["NetworkSettings"]["Networks"][name]
        await_typed("left", f"docker exec o1 ping -c 1 -W 1 {inspected['IPAddress']}")
        type_on("left", "docker rm -f o1 o2")
        type_on("left", f"docker network rm -- {quoted}")
    else:
        assert "Error response from daemon" in made.stderr
        assert "Traceback" not in made.stderr
    await_typed("left", "docker exec a1 ping -c 1 -W 1 a2")


def test_a_group_s_mac_address_is_refused_and_an_own_one_is_kept(typed: Typed, net: str) -> None:
    words = refused("left", f"docker run --rm --net {net} --mac-address 01:00:5e:00:00:01 busybox true")
    assert "01:00:5e:00:00:01 is a group address" in words
    run("left", "a1", net, "--mac-address 02:aa:bb:cc:dd:ee")
    run("right", "a2", net)
    assert "02:aa:bb:cc:dd:ee" in type_on("left", "docker exec a1 ip link")
    await_typed("right", "docker exec a2 ping -c 1 -W 1 a1")


def test_a_published_port_is_published(typed: Typed, net: str) -> None:
    type_on("left", f"docker run -d --name published --net {net} -p 8080:80 busybox httpd -f -h /etc")
    await_typed("right", "docker exec bbox2 wget -q -O - -T 2 http://172.21.5.11:8080/hostname")


def test_a_container_shares_another_one_s_network(typed: Typed, net: str) -> None:
    run("left", "a1", net)
    run("right", "a2", net)
    type_on("left", "docker run -d --name sharing --net container:a1 busybox sleep infinity")
    await_typed("left", "docker exec sharing ping -c 1 -W 1 a2")
    type_on("left", "docker rm -f sharing")


def test_a_prune_takes_what_nobody_uses_and_nothing_else(typed: Typed, net: str) -> None:
    run("left", "a1", net)
    type_on("left", f"docker network create {typed.options} --subnet {typed.subnet} unused")
    await_typed("right", "docker network inspect unused")
    type_on("left", "docker network prune -f")
    names = type_on("left", "docker network ls --format '{{.Name}}'").split()
    assert "unused" not in names
    assert net in names
    await_typed("right", "! docker network inspect unused")


def test_containers_by_hand_stop_a_removal_before_it_begins(typed: Typed, net: str) -> None:
    run("right", "a2", net)
    text = Lab(PAIR_INVENTORY).fail("teardown.yml", "disconnect_foreign_containers=false")
    assert "container 'a2' is on network 'by_hand'" in text
    await_typed("right", "docker exec bbox2 ping -c 1 -W 1 bbox1")
