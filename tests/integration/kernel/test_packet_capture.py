# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module packet_capture against real devices: what is captured, when it ends, and what is left."""

from __future__ import annotations

import os
import struct
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.kernel_view import command
from tests.support.module_runner import ModuleFailed, run_module


def start(**options: object) -> dict:
    return run_module("packet_capture", state="started", **options)


def stop(started: dict) -> list[dict]:
    return run_module("packet_capture", state="stopped", folder=started["folder"])["counts"]


def ping(netns: str, count: int) -> None:
    command("ip", "netns", "exec", netns, "ping", "-q", "-c", str(count), "-i", "0.2", "10.9.8.2")


def packets(path: str) -> int:
    """How many packets a file in the format of libpcap has."""
    content, offset, count = Path(path).read_bytes(), 24, 0
    while offset < len(content):
        offset += 16 + struct.unpack_from("=IIII", content, offset)[2]
        count += 1
    return count


def await_end(pid: int, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return
        time.sleep(0.02)  # between two looks
    pytest.fail(f"the capture did not end within {seconds} s")


def test_several_devices_at_once_and_only_what_passes_the_filter(veth_ends):
    here, there = veth_ends
    devices = [{"name": "va", "netns": here, "label": "A"}, {"name": "vb", "netns": there}]
    started = start(devices=devices, filter="icmp[icmptype] == icmp-echo", seconds=30)
    ping(here, 2)
    assert [each["label"] for each in started["captures"]] == ["A", "vb"]
    assert stop(started) == [{"packets": 2, "missed": 0}] * 2
    assert not Path(started["folder"]).exists()


def test_it_ends_after_so_many_packets(veth_ends):
    here, _there = veth_ends
    started = start(devices=[{"name": "va", "netns": here}], filter="icmp", packets=3, seconds=30)
    (capture,) = started["captures"]
    ping(here, 2)
    await_end(capture["pid"])
    assert packets(capture["file"]) == 3
    assert stop(started) == [{"packets": 3, "missed": 0}]


def test_it_ends_after_so_many_seconds(veth_ends):
    here, _there = veth_ends
    started = start(devices=[{"name": "va", "netns": here}], filter="icmp", seconds=0.5)
    await_end(started["captures"][0]["pid"], 5)
    assert stop(started) == [{"packets": 0, "missed": 0}]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filter": "udp prt 8472"}, "filter: 'udp prt 8472' is no filter of pcap-filter(7)"),
        ({"filter": "-w /tmp/x"}, "is no filter"),
        ({"packets": 0}, "packets: 0 must be 1 at least"),
        ({"seconds": 0}, "seconds: 0 must be more than 0"),
        (
            {"devices": [{"name": "x9", "label": "node-1:x9"}]},
            "node-1:x9: tcpdump does not capture: x9: No such device",
        ),
    ],
)
def test_what_cannot_be_is_said(options, words):
    before = set(Path("/tmp").glob("container-network-capture-*"))
    with pytest.raises(ModuleFailed) as failure:
        start(**{"devices": [{"name": "lo"}], **options})
    assert words in str(failure.value)
    assert set(Path("/tmp").glob("container-network-capture-*")) == before


def test_only_its_own_folders_are_removed(tmp_path):
    with pytest.raises(ModuleFailed, match="is none that a capture has made"):
        run_module("packet_capture", state="stopped", folder=str(tmp_path))
    assert tmp_path.is_dir()


def play(tmp_path: Path, netns: str, options: str, words: str = "icmp") -> subprocess.Popen[str]:
    """A playbook that captures on this machine, through the action plugin."""
    playbook = tmp_path / "capture.yml"
    playbook.write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        "    - container_network.lab.packet_capture:\n"
        f"        devices: [{{name: va, netns: {netns}, label: 'node-1/busybox:va'}}]\n"
        f"        dest: {tmp_path}/packets\n        filter: {words}\n        packets: 4\n        seconds: 90\n{options}"
    )
    return subprocess.Popen(["ansible-playbook", str(playbook)], stdout=subprocess.PIPE, text=True)


def await_path(path: Path, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not come"
        time.sleep(0.05)


def test_packets_come_to_this_machine_as_a_file(veth_ends, tmp_path):
    here, _there = veth_ends
    path = tmp_path / "packets" / "node-1_busybox_va.pcap"
    with play(tmp_path, here, "") as run:
        await_path(path)
        while path.stat().st_size == 0:  # until the capture has begun
            time.sleep(0.05)
        ping(here, 3)
        output, _error = run.communicate(timeout=90)
    assert run.returncode == 0, output
    assert packets(str(path)) == 4


@pytest.mark.parametrize("earlier", [None, b"packets of an hour ago"])
def test_a_capture_that_cannot_begin_leaves_the_file_of_an_earlier_one(veth_ends, tmp_path, earlier):
    file = tmp_path / "packets" / "node-1_busybox_va.pcap"
    file.parent.mkdir()
    if earlier is not None:
        file.write_bytes(earlier)
    with play(tmp_path, veth_ends[0], "", words="neither this nor that") as run:
        output, _error = run.communicate(timeout=90)
    assert run.returncode != 0
    assert "is no filter of pcap-filter(7)" in output
    assert (file.read_bytes() if file.exists() else None) == earlier


def test_packets_come_to_this_machine_through_a_pipe(veth_ends, tmp_path):
    here, _there = veth_ends
    path = tmp_path / "packets" / "node-1_busybox_va.pcap"
    with play(tmp_path, here, "        pipe: true\n") as run:
        await_path(path)
        with path.open("rb") as pipe:
            content = pipe.read(24)
            ping(here, 3)
            content += pipe.read()
        output, _error = run.communicate(timeout=90)
    assert run.returncode == 0, output
    assert len(content) == 24 + 4 * (16 + 98)  # a ping is 98 bytes on Ethernet
    assert not path.exists()
