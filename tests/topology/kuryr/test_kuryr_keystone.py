# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neutron with Keystone, and hosts that join an OpenStack that is there: pytest -m long, on the lab of Kuryr."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kuryr_view import ADDRESSES, CONTROLLER, HOSTS, answers_by_tcp, container, reaches
from tests.support.lab_runs import Lab, await_condition

LAB = Lab("kuryr")
FOLDER = "/etc/container-network/kuryr"
GET = "/usr/local/lib/container-network-kuryr/neutron-get"
OWNERS, GUESTS = ["kuryr-1", "kuryr-2"], ["kuryr-3", "kuryr-4"]
WITH_KEYSTONE = ("cni=kuryr", "kuryr_auth=keystone")
OWN = ("cni=kuryr", json.dumps({"kuryr_nodes": OWNERS, "kuryr_auth": "keystone"}))
ONLY_OWNERS, ONLY_GUESTS = ("--limit", ",".join(OWNERS)), ("--limit", ",".join(GUESTS))
pytestmark = pytest.mark.long


@pytest.fixture(scope="module", autouse=True)
def without_keystone_in_the_end() -> Iterator[None]:
    """The tests behind these find the lab as those before them had it."""
    yield
    LAB.play("teardown.yml")
    LAB.play("site.yml", "cni=kuryr")
    found = CONTROLLER.output(
        f"ls {FOLDER} /etc/systemd/system; ls -d /var/lib/mysql/keystone 2>&1; pgrep -l uwsgi; true"
    )
    assert [word for word in ("credentials", "keystone_", "fernet", "keystone.service", "uwsgi") if word in found] == []


def asked(host: str, path: str) -> dict[str, Any]:
    """What Neutron answers a host with its token."""
    return json.loads(HOSTS[host].output(f"{GET} '{path}'"))


def status_without_token(url: str) -> str:
    return CONTROLLER.output(f"curl -s -o /dev/null -w '%{{http_code}}' {url}")


def guests(password: str) -> tuple[str, str]:
    """The variables of an inventory whose hosts join the OpenStack of another one."""
    broker = CONTROLLER.output(f"cat {FOLDER}/rabbitmq_password")
    there = {
        "kuryr_nodes": GUESTS,
        "kuryr_auth": "keystone",
        "kuryr_neutron_url": "http://192.168.1.68:9696",
        "kuryr_credentials": {
            "auth_url": "http://192.168.1.68:5000/v3",
            "username": "kuryr",
            "password": password,
            "project_name": "service",
        },
        "kuryr_rabbitmq": {"hosts": ["192.168.1.68:5672"], "username": "neutron", "password": broker},
    }
    return "cni=kuryr", json.dumps(there)


def test_a_network_that_is_there_does_not_get_keystone() -> None:
    text = LAB.fail("site.yml", *WITH_KEYSTONE)
    assert f"{', '.join(HOSTS)}: kuryr_auth is keystone, and the network that is there was made with none" in text
    assert status_without_token("http://192.168.1.68:9696/v2.0/networks") == "200"
    assert await_tcp("kuryr-2", ADDRESSES["kuryr-4"])


def test_neutron_asks_for_tokens_and_everybody_has_them() -> None:
    LAB.play("teardown.yml")
    LAB.play("site.yml", *WITH_KEYSTONE)  # which verifies it
    assert status_without_token("http://192.168.1.68:9696/v2.0/networks") == "401"
    for name, host in HOSTS.items():
        assert [one["name"] for one in asked(name, "networks?fields=name")["networks"]] == ["kuryr"]
        assert host.output(f"stat -c '%U %a' {FOLDER}/credentials.conf").strip() == "root 600"
    HOSTS["kuryr-3"].output("docker run -d --name by-hand --net kuryr --ip 10.88.0.77 busybox sleep 3600")
    try:
        assert await_tcp("kuryr-1", "10.88.0.77")
    finally:
        HOSTS["kuryr-3"].output("docker rm -f by-hand")
    assert asked("kuryr-1", "ports?fixed_ips=ip_address=10.88.0.77") == {"ports": []}
    listening = CONTROLLER.output("ss -Hltn")
    assert "192.168.1.68:5000" in listening
    assert "0.0.0.0:5000" not in listening


def test_a_second_run_changes_nothing() -> None:
    assert LAB.play("site.yml", *WITH_KEYSTONE).changed_in_all == 0


def test_hosts_join_an_openstack_that_is_there_and_leave_it_as_it_was() -> None:
    LAB.play("teardown.yml", options=ONLY_GUESTS)
    LAB.play("site.yml", *OWN, options=ONLY_OWNERS)
    password = CONTROLLER.output(f"cat {FOLDER}/keystone_kuryr_password")
    text = LAB.fail("site.yml", *guests("wrong"), options=ONLY_GUESTS)
    assert "Keystone at http://192.168.1.68:5000/v3 gives kuryr of project service no token" in text
    assert all("kuryr" not in HOSTS[name].output("ls /etc/container-network/networks; true") for name in GUESTS)

    LAB.play("site.yml", *guests(password), options=ONLY_GUESTS)
    assert {one["host"] for one in asked("kuryr-1", "agents")["agents"] if one["alive"]} == set(HOSTS)
    for name in GUESTS:
        assert HOSTS[name].output("systemctl is-enabled mariadb neutron-server 2>&1; true").count("enabled") == 0
        assert await_tcp(name, ADDRESSES["kuryr-1"])
        assert await_tcp("kuryr-2", ADDRESSES[name])
    assert LAB.play("site.yml", *guests(password), options=ONLY_GUESTS).changed_in_all == 0
    # The others' runs leave them alone, and so do theirs the others.
    assert LAB.play("site.yml", *OWN, options=ONLY_OWNERS).changed_in_all == 0
    assert reaches("kuryr-3", container("kuryr-3"), ADDRESSES["kuryr-1"])

    LAB.play("teardown.yml", *guests(password), options=ONLY_GUESTS)
    assert {one["binding:host_id"] for one in asked("kuryr-1", "ports")["ports"]} == set(OWNERS)
    assert {one["host"] for one in asked("kuryr-1", "agents")["agents"]} == set(OWNERS)
    assert [one["name"] for one in asked("kuryr-1", "networks")["networks"]] == ["kuryr"]
    assert reaches("kuryr-1", container("kuryr-1"), ADDRESSES["kuryr-2"])


def await_tcp(host: str, address: str) -> bool:
    await_condition(lambda: answers_by_tcp(host, container(host), address), 30)
    return True
