# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Docker that somebody has set up stays theirs: what fits is kept, what does not is named, and removals give it back.

Both hosts have a daemon.json, a unit with a command of its own, and dockerd where docker-ce has it. On host2 a program
has port 53 on all addresses: the LAN's DNS server, which knows the name nas.lan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.engine_view import EngineView
from tests.support.lab_runs import HOSTS, Lab, await_condition, await_success, on_host
from tests.support.snapshot import assert_unchanged, host_state

LAN_DNS = "10.12.31.212"
NAS = "192.168.77.7"
DAEMON_JSON = "/etc/docker/daemon.json"
DROP_INS = "/etc/systemd/system/docker.service.d"
DOCUMENT = {"dns": [LAN_DNS], "mtu": 1450, "ip-masq": False, "log-level": "warn", "labels": ["owner=somebody"]}
OVERRIDE = """[Service]
ExecStart=
ExecStart=/usr/bin/dockerd -H fd:// \\
    -H tcp://127.0.0.1:2375 --containerd=/run/containerd/containerd.sock
ExecReload=
ExecReload=/bin/kill -s HUP $MAINPID
"""


def shell(host: str, script: str) -> str:
    """What a script prints on a lab host."""
    return on_host(host, "sh", "-euc", script)


def write(host: str, path: str, text: str) -> None:
    """Write a file of a lab host."""
    on_host(host, "sh", "-euc", 'mkdir -p "${1%/*}"; printf %s "$2" > "$1"', "sh", path, text)


def restart_docker(host: str) -> None:
    """As a person does it."""
    shell(host, "systemctl daemon-reload; systemctl reset-failed docker; systemctl restart docker")


def engine(host: str) -> EngineView:
    """The Engine of a lab host."""
    pid = EngineView("unix:///var/run/docker.sock").container(host)["State"]["Pid"]
    return EngineView(f"unix:///proc/{pid}/root/run/docker.sock")


@pytest.fixture(scope="module")
def mine(bare: Lab) -> Iterator[Lab]:
    """The lab with somebody's Docker on both hosts; at the end they are as they were."""
    before = {host: host_state(host) for host in HOSTS}
    shell(
        "host2",
        f"dnsmasq --conf-file=/dev/null --pid-file=/run/lan.pid --no-hosts --local=/lan/ --host-record=nas.lan,{NAS}",
    )
    for host in HOSTS:
        shell(host, "mv /usr/sbin/dockerd /usr/bin/dockerd")
        write(host, DAEMON_JSON, json.dumps(DOCUMENT))
        write(host, f"{DROP_INS}/override.conf", OVERRIDE)
        restart_docker(host)
    yield bare
    bare.play("teardown.yml")
    for host in HOSTS:
        shell(host, f"mv /usr/bin/dockerd /usr/sbin/dockerd; rm -r {DAEMON_JSON} {DROP_INS}")
        restart_docker(host)
    shell("host2", "kill $(cat /run/lan.pid)")
    assert_unchanged(before)


@pytest.fixture(scope="module")
def mine_before(mine: Lab) -> dict[str, dict[str, list[str]]]:
    """The hosts with somebody's Docker, and nothing of ours."""
    return {host: host_state(host) for host in HOSTS}


CONTRADICTIONS = {
    "flannel": (
        {"bip": "172.26.0.1/16", "mtu": 1400, "live-restore": True},
        ("cni=flannel",),
        (
            f"host1: {DAEMON_JSON} has bip 172.26.0.1/16, and the lease of the host gives docker0 its address",
            f"host1: {DAEMON_JSON} has mtu 1400, and the network's containers have an MTU of 1450",
            f"host1: {DAEMON_JSON} has live-restore true",
        ),
    ),
    "swarm": (
        {"live-restore": True, "iptables": False},
        ("cni=docker_overlay",),
        (
            f"host1: {DAEMON_JSON} has live-restore true, and dockerd refuses swarm mode with it",
            f"host1: {DAEMON_JSON} has iptables false",
        ),
    ),
    "calico": (
        {"hosts": ["unix:///var/run/docker.sock"], "bip": "172.26.0.1/16"},
        ("cni=calico",),
        (
            f"host1: {DAEMON_JSON} has bip 172.26.0.1/16, and calico_docker_bip 10.2.46.1/24 gives docker0 its address",
            f"(-H in {DROP_INS}/override.conf), and dockerd does not start again with both",
        ),
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_contradicts_is_refused_before_the_first_change(mine: Lab, mine_before: dict, case: str) -> None:
    document, network, messages = CONTRADICTIONS[case]
    write("host1", DAEMON_JSON, json.dumps(document))
    try:
        text = mine.fail("site.yml", *network)
    finally:
        write("host1", DAEMON_JSON, json.dumps(DOCUMENT))
    assert [words for words in messages if words not in text] == [], text
    assert_unchanged(mine_before)


def test_forwarding_that_is_off_is_named(mine: Lab) -> None:
    shell("host1", "sysctl -qw net.ipv4.ip_forward=0")
    try:
        text = mine.fail("site.yml", "cni=weave")
    finally:
        shell("host1", "sysctl -qw net.ipv4.ip_forward=1")
    assert "host1: net.ipv4.ip_forward is 0, and the host has to forward its containers' packets" in text


def assert_mine(host: str) -> None:
    """The Engine has what the person has set, by the file and by the command."""
    command = shell(host, "ps -ww -C dockerd -o args=")
    assert command.startswith("/usr/bin/dockerd -H fd:// -H tcp://127.0.0.1:2375 --containerd="), command
    assert engine(host).labels() == ["owner=somebody"]
    assert "127.0.0.1:2375" in shell(host, "ss -Hltn")


def lookup(host: str, container: str, name: str) -> str:
    """What a container is told of a name, as soon as it is told anything."""
    return await_success(host, "docker", "exec", container, "nslookup", name, seconds=10)


def test_flannel_takes_it_as_it_is(mine: Lab) -> None:
    mine.play("site.yml", "cni=flannel")
    for host in HOSTS:
        assert_mine(host)
        command = shell(host, "ps -ww -C dockerd -o args=").split()
        assert [word for word in command if word.startswith(("--bip=10.244.", "--mtu", "--ip-masq"))] == command[-1:]
    assert NAS in lookup("host1", "bbox1", "nas.lan")
    assert mine.play("site.yml", "cni=flannel").changed_in_all == 0


@pytest.mark.parametrize("variables", [("cni=calico",), ("cni=weave",)], ids=lambda variables: variables[0])
def test_networks_with_a_dns_server_take_it_as_it_is(mine: Lab, variables: tuple[str, ...]) -> None:
    mine.play("site.yml", *variables)
    for host in HOSTS:
        assert_mine(host)
        assert json.loads(shell(host, f"cat {DAEMON_JSON}")) == DOCUMENT
    assert NAS in lookup("host1", "bbox1", "nas.lan")
    assert NAS in lookup("host2", "bbox2", "nas.lan")
    assert lookup("host1", "bbox1", "bbox2")
    assert mine.play("site.yml", *variables).changed_in_all == 0


def test_port_53_can_be_published(mine: Lab) -> None:
    on_host("host1", "docker", "run", "-d", "--name", "pihole", "-p", "53:53/udp", "-p", "53:53/tcp", "busybox", "top")
    try:
        assert lookup("host1", "pihole", "bbox2")
        assert NAS in lookup("host1", "bbox1", "nas.lan")
    finally:
        on_host("host1", "docker", "rm", "-f", "pihole")


def test_what_a_person_changes_afterwards_counts_at_the_next_start_and_reload(mine: Lab) -> None:
    changed = {**DOCUMENT, "labels": ["owner=another"], "dns": ["10.12.31.213"]}
    write("host1", DAEMON_JSON, json.dumps(changed))
    try:
        shell("host1", "systemctl reload docker")
        # The reload is a signal: systemd does not wait for dockerd to read its file.
        await_condition(lambda: engine("host1").labels() == ["owner=another"], seconds=10)
        assert shell("host1", "cat /run/container-network-dns/upstream") == "nameserver 10.12.31.213\n"
    finally:
        write("host1", DAEMON_JSON, json.dumps(DOCUMENT))
        restart_docker("host1")
    assert engine("host1").labels() == ["owner=somebody"]
    assert NAS in lookup("host1", "bbox1", "nas.lan")


def test_a_boot_brings_it_back(mine: Lab) -> None:
    mine.play("lab_reboot.yml", options=("--limit", "host1"))
    await_success("host1", "docker", "start", "bbox1")
    assert NAS in lookup("host1", "bbox1", "nas.lan")
    assert lookup("host1", "bbox1", "bbox2")
    assert_mine("host1")
    assert mine.play("site.yml", "cni=weave").changed_in_all == 0


def test_a_docker_that_would_not_start_again_runs_on(mine: Lab) -> None:
    """Rules cannot know all that dockerd refuses, so it is asked itself before it restarts."""
    pid = shell("host2", "pidof dockerd")
    write("host2", DAEMON_JSON, json.dumps({**DOCUMENT, "no-such-option": 1}))
    shell("host2", f"echo '# edited' >> {DROP_INS}/zz-container-network-driver.conf")
    try:
        text = mine.fail("site.yml", "cni=weave")
        assert "Docker of host2 does not start with the options --config-file=" in text
        assert "no-such-option" in text
        assert shell("host2", "pidof dockerd") == pid
    finally:
        write("host2", DAEMON_JSON, json.dumps(DOCUMENT))
    mine.play("site.yml", "cni=weave")
    assert_mine("host2")


def test_a_switch_is_no_trouble_when_somebody_has_just_restarted_docker(mine: Lab) -> None:
    """Debian's unit refuses a fourth start within a minute."""
    shell("host1", "systemctl reset-failed docker; for time in 1 2 3; do systemctl restart docker; done")
    mine.play("site.yml", "cni=docker_overlay")
    assert_mine("host1")


def test_a_removal_gives_it_back_byte_by_byte(mine: Lab, mine_before: dict) -> None:
    mine.play("teardown.yml")
    assert_unchanged(mine_before)
    for host in HOSTS:
        assert_mine(host)
