# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""status.yml and impair.yml on a real lab: what they say is what its hosts and containers have themselves."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab_entry import inside
from tests.support.lab_runs import PAIR, Lab, await_condition, await_success, on_host, ping_across

Status = Callable[[], dict[str, Any]]
ROUTER, SEGMENT, CARD = "underlay-pair", "lan", "eth0"


@pytest.fixture
def status(flannel: Lab, tmp_path: Path) -> Status:
    """The document of a run of status.yml; ``table`` is what it prints."""

    def look() -> dict[str, Any]:
        report = tmp_path / "status.json"
        recap = flannel.play("status.yml", f"status_json={report}")
        return {**json.loads(report.read_text()), "table": recap.text}

    return look


def reaches(target: str) -> bool:
    """Whether bbox1 gets an answer from an address."""
    command = [*inside("left"), "docker", "exec", "bbox1", "ping", "-c", "1", "-W", "1", target]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def address_of(container: str, host: str) -> str:
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return on_host(host, "docker", "inspect", "--format", template, container).strip()


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_says_what_hosts_and_containers_have(status: Status) -> None:
    found = status()
    (lab,) = [lab for lab in found["labs"] if lab["name"] == "pair"]
    assert [host["name"] for host in lab["hosts"]] == list(PAIR)
    for host, container in zip(PAIR, ("bbox1", "bbox2")):
        seen = found["hosts"][host]
        version = on_host(host, "docker", "version", "--format", "{{.Server.Version}}").strip()
        assert (seen["lab"], seen["networks"], seen["engine"], seen["problem"]) == (
            "pair",
            ["flannel"],
            version,
            "",
        )
        assert seen["kernel"] == on_host(host, "uname", "-r").strip()
        wanted = {"docker.service", "container-network-driver.service"}
        assert {unit for unit in wanted if seen["services"].get(unit) == "active"} == wanted
        (shown,) = [each for each in seen["containers"] if each["name"] == container]
        read = "cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu"
        mac, mtu = on_host(host, "docker", "exec", container, "sh", "-c", read).split()
        assert (shown["network"], shown["interface"], shown["mac"], shown["mtu"]) == ("bridge", "eth0", mac, int(mtu))
        assert [each.split("/")[0] for each in shown["addresses"]] == [address_of(container, host)]
        assert shown["status"] == "running"
        assert all(word in found["table"] for word in (host, container, mac, shown["addresses"][0], version))
    assert found["hosts"]["left"]["services"]["etcd.service"] == "active"


def test_a_service_and_an_engine_that_do_not_run_are_lines_of_the_table(status: Status) -> None:
    pid = on_host("right", "systemctl", "show", "--property=MainPID", "--value", "docker.service").strip()
    on_host("left", "systemctl", "stop", "container-network-driver.service")
    on_host("right", "kill", "-STOP", pid)
    try:
        found = status()
    finally:
        on_host("right", "kill", "-CONT", pid)
        on_host("left", "systemctl", "start", "container-network-driver.service")
    assert found["hosts"]["left"]["services"]["container-network-driver.service"] == "inactive"
    assert "left: container-network-driver.service is inactive" in found["table"]
    assert found["hosts"]["right"]["engine"] is None
    assert f"right: {found['hosts']['right']['problem']}" in " ".join(found["table"].split())
    assert found["hosts"]["right"]["problem"] != ""


# --- impair -----------------------------------------------------------------------------------------------------------


def impaired(status: Status) -> dict[str, str]:
    """What is done to the packets that devices send, by the devices."""
    return {each["device"]: each["impairment"] for each in status()["impaired"]}


@pytest.mark.parametrize(
    ("on", "ends"),
    [
        ("left", [f"left:{CARD}", f"{ROUTER}:left-{CARD}"]),
        ("left/bbox1", ["left/bbox1:eth0", "left:veth"]),
        (SEGMENT, [f"{ROUTER}:{SEGMENT}", f"left:{CARD}", f"right:{CARD}"]),
    ],
)
def test_a_line_is_cut_and_whole_again(flannel: Lab, status: Status, on: str, ends: list[str]) -> None:
    """A host's card, a container's veth pair, a segment: packets do not pass, and status names both ends."""
    ping_across(PAIR)
    target = address_of("bbox2", "right")
    flannel.play("impair.yml", f"on={on}", "cut=true")
    try:
        assert not reaches(target)
        found = impaired(status)
    finally:
        flannel.play("impair.yml", f"on={on}", "heal=true")
    assert set(found.values()) == {"cut"}
    assert len(found) == len(ends)
    assert all([device for device in found if device.startswith(end)] for end in ends), found
    await_condition(lambda: reaches(target), 30)


def test_a_line_is_slow_and_fast_again(flannel: Lab, status: Status) -> None:
    ping_across(PAIR)
    target = address_of("bbox2", "right")
    flannel.play("impair.yml", "on=left/bbox1", "rate=2mbit")
    try:
        assert set(impaired(status).values()) == {"rate 2mbit"}
        slow = bits_per_second(target)
    finally:
        flannel.play("impair.yml", "on=left/bbox1", "heal=true")
    assert impaired(status) == {}
    assert 0 < slow < 2_500_000, "2 Mbit/s, and the bucket of the first moment"
    assert bits_per_second(target) > 5_000_000


def bits_per_second(target: str) -> float:
    """What bbox2 gets of bbox1 by TCP, in three seconds."""
    here, there = (
        on_host(host, "docker", "inspect", "--format", "{{.State.Pid}}", container).strip()
        for host, container in (("left", "bbox1"), ("right", "bbox2"))
    )
    on_host("right", "nsenter", "--target", there, "--net", "iperf3", "-s", "-1", "-D", "-p", "5999")
    client = ("nsenter", "--target", here, "--net", "iperf3", "-c", target, "-p", "5999", "-t", "3", "-J")
    return json.loads(await_success("left", *client, seconds=30))["end"]["sum_received"]["bits_per_second"]


def test_what_this_kernel_cannot_do_is_refused_in_words(flannel: Lab, status: Status) -> None:
    tried = "unshare -n tc qdisc add dev lo root netem delay 1ms"
    if subprocess.run([*inside("left"), *tried.split()], check=False, capture_output=True).returncode == 0:
        pytest.skip("the kernel has netem: tests/integration/kernel/test_link_impairment.py tries it")
    failure = flannel.fail("impair.yml", "on=left", "delay=50ms", "jitter=5ms")
    assert f"left:{CARD}: delay 50ms, jitter 5ms takes netem" in failure
    assert "modprobe sch_netem" in failure
    assert impaired(status) == {}


def test_wrong_input_is_told_before_anything_changes(flannel: Lab, status: Status) -> None:
    for given, said in (
        (("on=left", "rate=fast"), "rate 'fast' must be"),
        (("on=host9", "cut=true"), "'host9' is neither a host"),
        (("on=left", "reorder=25%"), "reorder lets packets overtake those that are delayed: give a 'delay', too"),
        (("cut=true",), "on: name a segment, a host or a container"),
    ):
        assert said in flannel.fail("impair.yml", *given)
    assert impaired(status) == {}


def test_the_inventory_has_the_same_keys_and_lab_up_does_as_it_says(flannel: Lab, status: Status) -> None:
    segment = {"gateway": "172.21.5.1/24", "rate": "5mbit"}
    flannel.play("impair.yml", "on=right", "cut=true")
    flannel.play("lab_up.yml", json.dumps({"lab_segments": {SEGMENT: segment, "unused": {}}}))
    assert set(impaired(status).values()) == {"rate 5mbit"}
    flannel.play("lab_up.yml")
    assert impaired(status) == {}
    ping_across(PAIR)
