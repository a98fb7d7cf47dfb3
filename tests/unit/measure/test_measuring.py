# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of programs, of frames and of the kernel, and between which ends it is measured."""

from __future__ import annotations

import json
import struct

import pytest

from ansible_collections.container_network.lab.plugins.lookup.ansible_options import options_of
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel.marked_packet import MarkedPacket
from ansible_collections.container_network.lab.plugins.module_utils.measure.containers import (
    second_network,
    subnet_beside,
)
from ansible_collections.container_network.lab.plugins.module_utils.measure.converge import converge
from ansible_collections.container_network.lab.plugins.module_utils.measure.ends import measured_ends
from ansible_collections.container_network.lab.plugins.module_utils.measure.processors import (
    kernel_seconds,
    process_seconds,
)
from ansible_collections.container_network.lab.plugins.module_utils.measure.throughput import received_rate
from ansible_collections.container_network.lab.plugins.module_utils.measure.variants import (
    chosen_variants,
    failure_reason,
)
from ansible_collections.container_network.lab.plugins.module_utils.measure.wire import Carried, carried
from tests.support.recorded_topologies import recorded_results

PACKET = MarkedPacket("0123456789abcdef", "", "40.15.26.2")
ADDRESSES = {"node-1": "192.168.1.68", "node-2": "192.168.1.254", "node-3": "192.168.1.245", "node-4": "192.168.0.33"}


def ipv4(protocol: int, destination: str, content: bytes) -> bytes:
    size = 20 + len(content)
    address = bytes(map(int, destination.split(".")))
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, protocol, 0, bytes(4), address) + content


def frame(content: bytes, kind: int = 0x0800) -> bytes:
    return bytes(12) + struct.pack("!H", kind) + content


def udp(port: int, content: bytes) -> bytes:
    return struct.pack("!HHHH", 40000, port, 8 + len(content), 0) + content


BARE = frame(ipv4(1, "40.15.26.2", PACKET.icmp()))


def vxlan(port: int, content: bytes) -> bytes:
    return frame(ipv4(17, "192.168.1.254", udp(port, bytes([8, 0, 0, 0, 0, 0, 7, 0]) + content)))


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        ([BARE], Carried("as it is", 0, True)),
        ([frame(b"", 0x0806), vxlan(8472, BARE)], Carried("VXLAN UDP 8472", 50, True)),
        ([vxlan(8500, BARE)], Carried("VXLAN UDP 8500", 50, True)),
        ([frame(ipv4(4, "192.168.1.254", BARE[14:]))], Carried("IP in IP", 20, True)),
        ([frame(ipv4(17, "192.168.1.254", udp(9999, BARE)))], Carried("UDP 9999", 42, True)),
        ([frame(ipv4(50, "192.168.1.254", bytes(120)))], Carried("ESP", None, False)),
        ([frame(ipv4(50, "192.168.1.1", bytes(120)))], Carried("", None, None)),
        ([frame(ipv4(6, "192.168.1.254", bytes(120)))], Carried("", None, None)),
        ([b"", bytes(20), frame(ipv4(17, "192.168.1.254", b""))], Carried("", None, None)),
        ([vxlan(6784, bytes(112))], Carried("VXLAN UDP 6784", None, False)),
        ([frame(ipv4(17, "192.168.1.254", udp(6784, bytes(120))))], Carried("UDP 6784", None, False)),
        ([], Carried("", None, None)),
    ],
)
def test_a_packet_on_the_wire(frames, found):
    assert carried(frames, PACKET, "192.168.1.254") == found


def test_processor_time_of_a_process_whatever_its_name_is():
    fields = ["S"] + ["0"] * 10 + ["100", "50", "25", "25"] + ["7"] * 20
    assert process_seconds(f"42 (a ) b) {' '.join(fields)}\n") == pytest.approx(2.0)


def test_processor_time_of_a_kernel_is_not_what_it_was_idle():
    assert kernel_seconds("cpu  100 10 40 9999 888 20 30 0 0 0\ncpu0 1 2\n") == pytest.approx(2.0)


def test_what_iperf3_says():
    assert received_rate(json.dumps({"end": {"sum_received": {"bits_per_second": 2.5e9}}})) == 2.5
    for text, words in (
        ('{"error": "unable to connect: Connection refused"}', "Connection refused"),
        ('{"end": {"sum_received": {"bits_per_second": 0}}}', "nothing arrived"),
        ("", "no JSON: nothing"),
    ):
        with pytest.raises(LabError, match=words):
            received_rate(text)


def test_wrong_numbers_are_told_together():
    params = {"state": "checked", "runs": 0, "seconds": 61, "echoes": 10001, "mtu": 100}
    with pytest.raises(InvalidInput) as caught:
        converge(params, False)
    assert caught.value.problems == [
        "runs: 0 must be from 1 to 100",
        "seconds: 61 must be from 1 to 60",
        "echoes: 10001 must be from 1 to 10000",
        "mtu: 100 must be from 576 to 65535 bytes",
    ]


def test_a_second_network_has_the_drivers_of_the_first_and_nothing_else():
    first = {
        "Name": "overlay", "Driver": "overlay", "Attachable": True,
        "Options": {"com.docker.network.driver.overlay.vxlanid_list": "256"},
        "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.20.0.0/16"}]},
    }  # fmt: skip
    found = second_network("other", first)
    assert (found["Driver"], found["IPAM"], found["Attachable"]) == ("overlay", {"Driver": "default"}, True)
    assert "Options" not in found
    found = second_network("other", first, "10.21.0.0/16")
    assert found["IPAM"]["Config"] == [{"Subnet": "10.21.0.0/16", "Gateway": "10.21.0.1"}]


def test_a_subnet_is_found_beside_that_of_a_network_where_its_driver_chooses_none():
    first = {"IPAM": {"Config": [{"Subnet": "10.88.0.0/24"}]}}
    assert subnet_beside(first, ["fd00::/64"]) == "10.88.1.0/24"
    assert subnet_beside(first, ["10.88.1.0/25", "10.88.2.0/23"]) == "10.88.4.0/24"
    assert subnet_beside({"IPAM": {"Config": [{"Subnet": "192.168.255.0/24"}]}}, []) is None, "public addresses follow"
    assert subnet_beside({"IPAM": {"Config": [{"Subnet": "fd00::/64"}]}}, []) is None
    assert subnet_beside({}, []) is None


def test_ends_are_the_nearest_on_both_sides_of_a_router():
    results, _routers = recorded_results("flannel_vxlan")
    found = measured_ends(results, ADDRESSES, list(ADDRESSES))
    assert found["problems"] == []
    assert found["sender"]["host"] == "node-1"
    assert (found["sender"]["underlay"], found["sender"]["underlay_device"]) == ("192.168.1.68", "eth0")
    assert (found["sender"]["address"], found["sender"]["mtu"]) == ("40.15.43.2", 8951)
    assert [(peer["host"], peer["across"]) for peer in found["peers"]] == [("node-2", False), ("node-4", True)]


def test_hosts_outside_of_the_network_are_named_and_not_measured():
    results, _routers = recorded_results("flannel_vxlan")
    found = measured_ends(results, ADDRESSES, ["node-1", "node-2", "node-3"])
    assert [peer["host"] for peer in found["peers"]] == ["node-2"]
    assert found["outside"] == ["node-4"]


def test_one_network_of_several_is_measured():
    results, _routers = recorded_results("calico")
    found = measured_ends(results, ADDRESSES, list(ADDRESSES))
    assert {end["network"] for end in (found["sender"], *found["peers"])} == {"calico-net-1"}


def test_too_few_ends_are_told():
    results, _routers = recorded_results("flannel_vxlan")
    found = measured_ends({"node-1": results["node-1"]}, {"node-1": "192.0.2.1"}, ["node-1"])
    assert len(found["problems"]) == 2
    assert "underlay_address: '192.0.2.1' of node-1" in found["problems"][0]
    assert "of 1 hosts these do: none" in found["problems"][1]


NETWORKS = {
    "flannel": {"variants": [{"name": "flannel-vxlan", "variables": {"a": 1}}, {"name": "flannel-host-gw"}]},
    "weave": {"variants": [{"name": "weave"}]},
    "plain": {"variants": []},
}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("", ["flannel-vxlan", "flannel-host-gw", "weave", "plain"]),
        ("weave, flannel-host-gw", ["flannel-host-gw", "weave"]),
        ("flannel,plain", ["flannel-vxlan", "flannel-host-gw", "plain"]),
    ],
)
def test_networks_and_variants_can_be_chosen(wanted, names):
    found = chosen_variants(NETWORKS, wanted)
    assert ([each["name"] for each in found["variants"]], found["problems"]) == (names, [])
    assert {"cni", "variables", "documented"} <= set(found["variants"][0])


def test_an_unknown_network_is_told():
    (problem,) = chosen_variants(NETWORKS, "flanel")["problems"]
    assert problem == (
        "networks: 'flanel' is neither a network nor a variant of one. There are: "
        "flannel, flannel-host-gw, flannel-vxlan, plain, weave"
    )


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            '[ERROR]: Task failed: other\nfatal: [node-1]: FAILED! => {"changed": false, "msg": "a\\n  b"}\nPLAY RECAP',
            "node-1: a b",
        ),
        ('failed: [node-2] (item=x) => {"msg": "no"}', "node-2: no"),
        (
            '[ERROR]: no\nfatal: [a]: FAILED! => {\n    "changed": false,\n    "msg": "not {so}"\n}\n\nPLAY',
            "a: not {so}",
        ),
        (
            'fatal: [b]: FAILED! => {"msg": "non-zero return code", "stderr": "no\\n such unit", "stdout": "x"}',
            "b: no such unit",
        ),
        ('fatal: [b]: FAILED! => {"msg": "non-zero return code"}', "b: non-zero return code"),
        ("fatal: [node-2]: UNREACHABLE! => {broken}\n[ERROR]: it is gone", "it is gone"),
        ("ERROR! the playbook is missing", "the playbook is missing"),
        ("one\nlast", "last"),
        ("", "it printed nothing"),
    ],
)
def test_why_a_playbook_failed(output, reason):
    assert failure_reason(output) == reason


def test_options_are_passed_on():
    given = {
        "inventory": ("/a", "/b"), "extra_vars": ("x=1", "@file"), "become": True, "remote_user": "anna",
        "vault_ids": [],
        "private_key_file": None, "vault_password_files": ("/pw",), "verbosity": 3,
    }  # fmt: skip
    assert options_of(given) == [
        "--become", "--user", "anna", "--inventory", "/a", "--inventory", "/b",
        "--extra-vars", "x=1", "--extra-vars", "@file", "--vault-password-file", "/pw",
    ]  # fmt: skip
