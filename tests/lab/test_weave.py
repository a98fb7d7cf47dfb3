# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave on two hosts: what is refused, what others broke, and what comes, goes and changes.

Killed runs are in test_runs.py, and what dies while Weave runs in test_driver_faults.py.
"""

from __future__ import annotations

import json

import pytest

from tests.support.driver_network import RESYNC_SECONDS
from tests.support.lab_runs import HOSTS, Lab, await_success, on_host, reach_each_other
from tests.support.snapshot import unlike_before
from tests.support.weave_view import STORE, WEAVE

pytestmark = pytest.mark.long

DRIVER = "container-network-driver"
WRONG = {
    "weave_range": "10.12.0.0/16",
    "weave_mtu": 1451,
    "weave_datapath": "openvswitch",
    "weave_subnets": [{"name": "a"}, {"name": "a", "subnet": "10.13.0.0/24"}],
    "weave_attachments": [{"container": "bbox1", "addresses": ["10.12.0.5"]}],
}


def _ring() -> dict[str, str]:
    return json.loads(on_host("host1", "etcdctl", "get", "--print-value-only", f"{STORE}ring"))


def _keys() -> list[str]:
    return on_host("host1", "etcdctl", "get", "--prefix", STORE, "--keys-only").split()


def _address(container: str) -> str:
    """As Weave's names have it."""
    return await_success("host1", "sh", "-c", f"weave dns-lookup {container} | grep .").strip()


@pytest.fixture(scope="module")
def weave(fresh_lab: Lab) -> Lab:
    """The lab with Weave converged and verified; each test leaves it so."""
    fresh_lab.play("site.yml", "cni=weave")
    return fresh_lab


# --- refused, and of others -----------------------------------------------------------------------------------------


def test_wrong_input_is_refused_all_together(left_bare: Lab) -> None:
    """Every single message is the subject of tests/unit/test_weave_problems.py."""
    text = left_bare.fail("site.yml", "cni=weave", json.dumps(WRONG))
    for words in (
        "weave_range 10.12.0.0/16 overlaps the underlay of host1 (10.12.28.0/22 on ens160)",
        "host2: weave_mtu 1451 does not fit the underlay: ens160 has MTU 1500",
        "host1: weave_datapath is openvswitch, and the kernel has no Open vSwitch datapath",
        "weave_subnets: entries 0 and 1 have the same name 'a'",
        "subnet 10.13.0.0/24 of 'a' is no part of weave_range",
        "host2: weave_attachments: 'bbox1': '10.12.0.5' is not an address",
    ):
        assert words in text, words
    assert "Traceback" not in text


def test_somebody_elses_command_weave_is_refused_and_stays(left_bare: Lab) -> None:
    """Weave's own documentation puts its script there."""
    script = "/usr/local/bin/weave"
    on_host("host2", "sh", "-c", f"echo '#!/bin/sh' > {script}")
    try:
        assert f"host2: {script} is there and was not made by this collection" in left_bare.fail(
            "site.yml", "cni=weave"
        )
        left_bare.play("teardown.yml")
        assert on_host("host2", "cat", script) == "#!/bin/sh\n"
    finally:
        on_host("host2", "rm", script)


def test_somebody_elses_docker_gwbridge_is_used_and_stays(left_bare: Lab) -> None:
    create = ["docker", "network", "create", "--subnet", "172.30.0.0/16"]
    on_host("host1", *create, "--opt", "com.docker.network.bridge.name=docker_gwbridge", "docker_gwbridge")
    try:
        left_bare.play("site.yml", "cni=weave")
        assert "default via 172.30.0.1 dev eth0" in on_host("host1", "docker", "exec", "bbox1", "ip", "route")
        left_bare.play("teardown.yml")
        assert "docker_gwbridge" in on_host("host1", "docker", "network", "ls")
        assert "docker_gwbridge" not in on_host("host2", "docker", "network", "ls")
    finally:
        on_host("host1", "docker", "network", "rm", "docker_gwbridge")


# --- what others broke ------------------------------------------------------------------------------------------------


def test_what_others_broke_on_a_host_is_set_right(weave: Lab) -> None:
    broken = {"host1": ["ip link del vethwe-bridge", "bridge fdb flush dev vxlan-6784 self permanent"]}
    broken["host2"] = ["ip link del vxlan-6784", "iptables -D FORWARD -i weave -o weave -j ACCEPT"]
    for host, commands in broken.items():
        for command in commands:
            on_host(host, *command.split())
    reach_each_other(seconds=RESYNC_SECONDS)
    WEAVE.await_agreement()


# --- attached containers ----------------------------------------------------------------------------------------------


def test_an_attached_container_that_ends_gives_its_address_back(weave: Lab) -> None:
    on_host("host1", "docker", "run", "-itd", "--name", "plain", "busybox")
    try:
        address = on_host("host1", "weave", "attach", "plain").strip()
        assert f"{STORE}addresses/{address}" in _keys()
        on_host("host1", "docker", "kill", "plain")
        await_success("host2", "sh", "-c", '[ -z "$(weave dns-lookup plain)" ]', seconds=RESYNC_SECONDS)
        assert f"{STORE}addresses/{address}" not in _keys()
        on_host("host1", "docker", "start", "plain")
        on_host("host1", "weave", "attach", "plain")
        await_success("host2", "docker", "exec", "bbox2", "ping", "-c", "1", "-W", "1", "plain.weave.local")
    finally:
        on_host("host1", "docker", "rm", "--force", "plain")


def test_an_attachment_that_is_under_way_is_not_forgotten(weave: Lab) -> None:
    """As of ``weave attach`` killed before it made the cable: what etcd has of it waits for the next one."""
    on_host("host1", "docker", "run", "-itd", "--name", "plain", "busybox")
    try:
        address = on_host("host1", "weave", "attach", "plain").strip()
        pid = on_host("host1", "docker", "inspect", "--format", "{{.State.Pid}}", "plain").strip()
        on_host("host1", "ip", "link", "del", f"vethwepl{pid}")
        on_host("host1", "systemctl", "restart", DRIVER)  # it compares etcd with the kernel when it starts
        reach_each_other()
        assert f"{STORE}addresses/{address}" in _keys()
        assert on_host("host1", "weave", "attach", "plain").strip() == address
        on_host("host2", "docker", "exec", "bbox2", "ping", "-c", "1", "-W", "5", address)
    finally:
        on_host("host1", "sh", "-c", "weave detach plain; docker rm --force plain")


def test_the_lists_containers_are_attached_and_others_that_left_it_detached(weave: Lab) -> None:
    for name in ("listed", "by-hand"):
        on_host("host2", "docker", "run", "-itd", "--name", name, "busybox")
    try:
        on_host("host2", "weave", "attach", "by-hand")
        attachments = {"weave_attachments": [{"container": "listed", "addresses": ["172.111.222.40/24"]}]}
        limit = ("--limit", "host2,localhost")
        weave.play("site.yml", "cni=weave", json.dumps(attachments), options=limit)  # with its checks
        assert weave.play("site.yml", "cni=weave", json.dumps(attachments), options=limit).changed_in_all == 0
        on_host("host1", "docker", "exec", "bbox1", "ping", "-c", "1", "-W", "5", "172.111.222.40")
        assert weave.play("site.yml", "cni=weave", options=limit).changed["host2"] == 1
        assert "172.111.222.40" not in on_host("host2", "weave", "ps")
        assert "172.111.222." in on_host("host2", "weave", "ps", "by-hand")
    finally:
        on_host("host2", "docker", "rm", "--force", "listed", "by-hand")


# --- changes ----------------------------------------------------------------------------------------------------------


def test_a_peer_that_leaves_gives_its_range_back_and_is_cleaned(weave: Lab, hosts_before: dict[str, dict]) -> None:
    assert set(_ring().values()) == set(HOSTS)
    weave.play("site.yml", "cni=weave", '{"weave_nodes": ["host1"], "workloads": []}')
    assert set(_ring().values()) == {"host1"}
    assert not [key for key in _keys() if "host2" in key]
    assert "10.12.31.212" not in on_host("host1", "bridge", "fdb", "show", "dev", "vxlan-6784")
    assert unlike_before(hosts_before["host2"], "host2") == []
    weave.play("site.yml", "cni=weave")
    WEAVE.await_agreement()


def test_subnets_of_one_range_are_isolated(weave: Lab) -> None:
    subnets = [{"name": "weave", "subnet": "172.111.222.0/25"}, {"name": "other", "subnet": "172.111.222.128/25"}]
    network = {"host1": "weave", "host2": "other"}
    weave.play("site.yml", "cni=weave", json.dumps({"weave_subnets": subnets}))
    for host in HOSTS:
        on_host(host, "docker", "run", "-itd", "--name", f"on-{host}", "--net", network[host], "busybox")
    try:
        other = _address("on-host2")
        assert other.startswith("172.111.222.1")
        ping = "docker exec on-host1 ping -c 1 -W 1"
        on_host("host1", "sh", "-c", f"{ping} {_address('bbox2')} && ! {ping} {other}")
    finally:
        for host in HOSTS:
            on_host(host, "docker", "rm", "--force", f"on-{host}")
    weave.play("site.yml", "cni=weave")


def test_another_range_is_taken_only_when_no_address_is_in_use(weave: Lab) -> None:
    text = weave.fail("site.yml", "cni=weave", "weave_range=172.111.0.0/16")
    assert "weave_range cannot change while addresses are in use" in text
    _remove_workloads()
    weave.play("site.yml", "cni=weave", "weave_range=172.111.0.0/16")
    assert {_address(container) for container in ("bbox1", "bbox2")} == {"172.111.0.1", "172.111.128.0"}
    _remove_workloads()
    weave.play("site.yml", "cni=weave")


def _remove_workloads() -> None:
    for host, container in (("host1", "bbox1"), ("host2", "bbox2")):
        on_host(host, "docker", "rm", "--force", container)
    in_use = f"etcdctl get --prefix {STORE}addresses/ --keys-only"
    await_success("host1", "sh", "-c", f"! {in_use} | grep .", seconds=RESYNC_SECONDS)
