# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people and machines are shown of labs and hosts."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.container_network.lab.plugins.module_utils.kernel.units import parse_units
from ansible_collections.container_network.lab.plugins.module_utils.topology.collect import services_of
from ansible_collections.container_network.lab.plugins.module_utils.topology.model import (
    Attachment,
    Container,
    Device,
    Host,
    Namespace,
    Peer,
)
from ansible_collections.container_network.lab.plugins.module_utils.topology.status import (
    status_document,
    status_table,
)

ETH0 = Device("eth0", 7, "veth", "02:42:28:0f:2b:02", 8951, True, ("40.15.43.2/24",), peer=Peer("k/1", 8))
ETH1 = Device("eth1", 9, "veth", "02:42:ac:12:00:02", 1500, True, ("172.18.0.2/16",), peer=Peer("k/1", 10))
VETH = Device("veth1", 8, "veth", "7e:00:00:00:00:01", 8951, True, master="docker0", peer=Peer("k/2", 7))
GATEWAY = Device("veth2", 10, "veth", "7e:00:00:00:00:02", 1500, True, master="docker_gwbridge", peer=Peer("k/2", 9))
NODE = Host(
    name="node-1",
    system="Debian GNU/Linux 13 (trixie)",
    kernel="6.12",
    engine="26.1.5",
    networks=("flannel",),
    services={"docker.service": "active", "etcd.service": "failed"},
    containers=(
        Container("busybox", "busybox", "running (healthy)", "k/2", (Attachment("bridge", (), ETH0.mac or ""),)),
        Container("gone", "busybox", "exited", None, (Attachment("bridge"),)),
        Container("own", "busybox", "running", "k/1", (Attachment("host"),)),
    ),
    namespaces=(
        Namespace("k/1", "host", "/proc/self/ns/net", ("own",), (VETH, GATEWAY)),
        Namespace("k/2", "busybox", "/run/docker/netns/1", ("busybox",), (ETH0, ETH1)),
    ),
)
LABS = [{"name": "mine", "router": "underlay-mine", "hosts": [{"name": "node-1", "status": "running", "image": "i"}]}]


def result(host: Host) -> dict:
    return {"topology": host.data()}


def test_a_host_comes_back_from_plain_data_as_it_was():
    assert Host.from_data(NODE.data()) == NODE


def test_each_interface_of_a_container_is_told_with_its_network():
    rows = status_document({"node-1": result(NODE)}, LABS)["hosts"]["node-1"]["containers"]
    assert [(row["name"], row["status"], row["network"], row["interface"], row["mtu"]) for row in rows] == [
        ("busybox", "running (healthy)", "bridge", "eth0", 8951),
        ("busybox", "running (healthy)", "docker_gwbridge", "eth1", 1500),
        ("gone", "exited", "bridge", None, None),
        ("own", "running", "host", None, None),
    ]
    assert rows[0]["addresses"] == ["40.15.43.2/24"]
    assert rows[0]["mac"] == "02:42:28:0f:2b:02"


def test_the_tables_have_all_hosts_and_say_what_is_wrong():
    refused = {"msg": "Task failed: node-9 does not answer\nat all", "unreachable": True}
    document = status_document({"node-1": result(NODE), "node-9": refused}, LABS)
    lines = [" ".join(line.split()) for line in status_table(document).splitlines()]
    assert lines == [
        "HOST LAB NETWORK ENGINE SYSTEM KERNEL SERVICES",
        "node-1 mine flannel 26.1.5 Debian GNU/Linux 13 (trixie) 6.12 1 of 2 not well",
        "node-9 - - - - - not seen",
        "",
        "HOST CONTAINER STATE NETWORK INTERFACE ADDRESS MAC MTU",
        "node-1 busybox running (healthy) bridge eth0 40.15.43.2/24 02:42:28:0f:2b:02 8951",
        "node-1 busybox running (healthy) docker_gwbridge eth1 172.18.0.2/16 02:42:ac:12:00:02 1500",
        "node-1 gone exited bridge - - - -",
        "node-1 own running host - - - -",
        "",
        "PROBLEMS",
        "node-9: node-9 does not answer",
        "node-1: etcd.service is failed: 'journalctl -u etcd.service' there says why",
    ]


def test_a_lab_host_that_does_not_run_is_shown_whoever_asks():
    stopped = [{**LABS[0], "hosts": [{"name": "node-1", "status": "exited", "image": "i"}]}]
    document = status_document({}, stopped)
    assert "its container does not run (exited)" in document["hosts"]["node-1"]["problem"]
    assert "node-1  mine" in status_table(document)


def test_impaired_devices_are_told_on_hosts_and_on_routers():
    slow = replace(NODE.namespaces[1], devices=(replace(ETH0, impairment="delay 50ms"),))
    router = Host("here", namespaces=(Namespace("k/3", "underlay-mine", "p", (), (replace(VETH, impairment="cut"),)),))
    document = status_document({"node-1": result(replace(NODE, namespaces=(slow,)))}, LABS, router.data())
    assert document["impaired"] == [
        {"device": "underlay-mine:veth1", "impairment": "cut"},
        {"device": "node-1/busybox:eth0", "impairment": "delay 50ms"},
    ]
    assert "node-1/busybox:eth0  delay 50ms" in status_table(document)


def test_where_there_is_nothing_it_is_said():
    assert status_table(status_document({}, [])).startswith("There is nothing to look at")


def test_services_that_should_run_are_told_with_those_that_do():
    """As systemctl shows them: one that runs, one that was stopped, one that is done at boot, and others."""
    shown = "\n\n".join(
        f"Type={kind}\nId={name}.service\nLoadState={load}\nActiveState={active}\nUnitFileState={file}"
        for name, kind, load, active, file in (
            ("docker", "notify", "loaded", "active", "enabled"),
            ("container-network-driver", "notify", "loaded", "inactive", "enabled"),
            ("container-network-restore", "oneshot", "loaded", "inactive", "enabled"),
            ("container-network-dns", "notify", "loaded", "failed", "static"),
            ("neutron-api", "notify", "masked", "inactive", "masked"),
            ("bird", "simple", "loaded", "inactive", "disabled"),
            ("etcd", "notify", "not-found", "inactive", ""),
        )
    )
    assert services_of(parse_units(shown)) == {
        "container-network-dns.service": "failed",
        "container-network-driver.service": "inactive",
        "docker.service": "active",
    }
    assert services_of(parse_units("")) == {}
