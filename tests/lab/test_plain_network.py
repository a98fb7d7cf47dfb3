# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network that is no part of the collection is made, verified, replaced and removed by the real playbooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.lab_runs import HOSTS, Lab, on_host
from tests.support.snapshot import assert_unchanged

FOLDER = Path(__file__).parent / "plain_network"
WORKLOADS = json.dumps({"workloads": [{"name": "box", "network": "plain", "command": ["sleep", "infinity"]}]})
ADDRESS = "{{.NetworkSettings.Networks.plain.IPAddress}}"
PLAIN = ("cni=plain_network", WORKLOADS)


@pytest.fixture(autouse=True, scope="module")
def _where_it_is() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ANSIBLE_ROLES_PATH", str(FOLDER / "roles"))
        environment.setenv("PYTHONPATH", str(FOLDER))
        yield


def address_of(host: str) -> str:
    return on_host(
        host, "docker", "inspect", "--format", "{{.NetworkSettings.Networks.plain.IPAddress}}", "box"
    ).strip()


def marks(host: str) -> list[str]:
    return on_host(host, "ls", "/etc/container-network/networks").split()


def test_it_is_made_and_verified(fresh_lab: Lab) -> None:
    fresh_lab.play("site.yml", *PLAIN)
    assert {host: address_of(host).rpartition(".")[0] for host in HOSTS} == {"host1": "10.50.1", "host2": "10.50.2"}
    assert "0% packet loss" in on_host("host1", "docker", "exec", "box", "ping", "-c1", "-W2", address_of("host2"))
    assert "10.50.2.0/24 via 10.12.31.212 dev ens160" in on_host("host1", "ip", "route")
    assert {host: marks(host) for host in HOSTS} == {host: ["plain_network"] for host in HOSTS}


def test_a_second_run_changes_nothing(fresh_lab: Lab) -> None:
    recap = fresh_lab.play("site.yml", *PLAIN)
    assert set(recap.changed.values()) == {0}


def test_its_inputs_are_checked_before_anything_changes(fresh_lab: Lab) -> None:
    text = fresh_lab.fail("site.yml", *PLAIN, "plain_network_range=10.51.0.0/16")
    assert "host2: plain_network_subnet 10.50.2.0/24 is no part of plain_network_range 10.51.0.0/16" in text


def test_a_verification_finds_out_which_network_there_is(fresh_lab: Lab, tmp_path: Path) -> None:
    on_host("host1", "ip", "route", "delete", "10.50.2.0/24")
    files = {"verify_json": tmp_path / "checks.json", "verify_junit": tmp_path / "checks.xml"}
    text = fresh_lab.fail("verify.yml", WORKLOADS, *(f"{name}={path}" for name, path in files.items()))
    assert "FAIL host1: routes" in text
    checks = json.loads(files["verify_json"].read_text())
    assert "routes" in [check["name"] for check in checks["host1"] if not check["passed"]]
    case = ".//testcase[@classname='host1'][@name='routes']"
    assert ElementTree.parse(files["verify_junit"]).find(f"{case}/failure") is not None
    fresh_lab.play("site.yml", *PLAIN)


def test_another_network_takes_its_place_and_gives_it_back(fresh_lab: Lab) -> None:
    fresh_lab.play("site.yml", "cni=flannel")
    for host in HOSTS:
        assert marks(host) == ["flannel"]
        assert "10.50." not in on_host(host, "ip", "route")
        assert "plain" not in on_host(host, "docker", "network", "ls", "--format", "{{.Name}}").split()
    fresh_lab.play("site.yml", *PLAIN)
    assert {host: marks(host) for host in HOSTS} == {host: ["plain_network"] for host in HOSTS}


def test_nothing_of_it_stays(fresh_lab: Lab, hosts_before: dict[str, dict[str, list[str]]]) -> None:
    """The fixture has removed everything, and what it found then is what a removal has to leave again."""
    fresh_lab.play("site.yml", *PLAIN)
    fresh_lab.play("teardown.yml")
    assert_unchanged(hosts_before)
