# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replay of recorded sets at boot, and module network_restore."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel import netlink
from ansible_collections.container_network.lab.plugins.module_utils.recorded import records, restore, restore_unit
from tests.support.kernel_view import addresses, fdb, has_link, ip, neighbours, routes, rules
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module
from tests.support.persistent_sets import stand_in_for_systemctl

MAC = "da:17:1b:07:d3:70"
SOON = 20  # seconds; far more than is ever needed


def record_flannel(folder: Path) -> dict[str, dict[str, Any]]:
    """Run the modules as the role does; returns their arguments."""
    tasks: dict[str, dict[str, Any]] = {
        "network_link": {
            "links": [
                {
                    "name": "flannel.1",
                    "kind": "vxlan",
                    "mac": "0e:08:23:57:14:9a",
                    "addresses": ["40.15.43.0/32"],
                    "vxlan": {"id": 1, "local": "192.168.1.68", "dev": "eth0", "port": 8472, "learning": False},
                }
            ]
        },
        "vxlan_fdb": {
            "dev": "flannel.1",
            "fdb": [{"mac": MAC, "dst": "192.168.1.254"}],
            "arp": [{"ip": "40.15.26.0", "mac": MAC}],
            "purge": True,
        },
        "network_routes": {
            "routes": [
                {"dst": "40.15.26.0/24", "via": "40.15.26.0", "dev": "flannel.1", "onlink": True},
                {"dst": "40.15.56.0/24", "via": "192.168.1.245", "dev": "eth0"},
            ]
        },
        "iptables_chains": {
            "chains": [{"name": "FLANNEL-FWD", "rules": ["-s 40.15.0.0/16 -j ACCEPT"]}],
            "jumps": [{"chain": "FORWARD", "rule": "-j FLANNEL-FWD"}],
        },
        "recorded_files": {"files": [{"path": str(folder / "flannel" / "subnet.env"), "content": "X=1\n"}]},
    }
    for module, arguments in tasks.items():
        run_module(module, name="flannel", persistent=True, **arguments)
    return tasks


def plug_in(netns: str) -> None:
    ip(netns, "link add eth0 type bridge")
    ip(netns, "link set eth0 up")
    ip(netns, "address add 192.168.1.68/24 dev eth0")


def lose_everything(netns: str, folder: Path) -> None:
    """What a power cycle does."""
    ip(netns, "link del flannel.1")
    ip(netns, "link del eth0")
    for arguments in ("-F FORWARD", "-F FLANNEL-FWD", "-X FLANNEL-FWD"):
        subprocess.run(["iptables", *arguments.split()], check=True)
    (folder / "flannel" / "subnet.env").unlink()


def assert_restored(netns: str, folder: Path) -> None:
    assert addresses(netns, "flannel.1") == ["40.15.43.0/32"]
    assert fdb(netns, "flannel.1") == [f"{MAC} dst 192.168.1.254 self permanent"]
    assert neighbours(netns, "flannel.1") == [f"40.15.26.0 lladdr {MAC} PERMANENT"]
    assert "40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink" in routes(netns)
    assert "-A FORWARD -j FLANNEL-FWD" in rules(netns)
    assert (folder / "flannel" / "subnet.env").read_text() == "X=1\n"


def test_everything_comes_back(host: str, tmp_path: Path) -> None:
    plug_in(host)
    tasks = record_flannel(tmp_path)
    lose_everything(host, tmp_path)
    plug_in(host)
    assert restore.restore_all(patience=SOON) == {}
    assert_restored(host, tmp_path)
    for module, arguments in tasks.items():
        assert_unchanged(module, name="flannel", persistent=True, **arguments)
    assert restore.restore_all(patience=SOON) == {}


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Callable[..., threading.Thread]:
    """Starts an action when the restore waits for the first time."""
    waits = threading.Event()
    wait = netlink.NetlinkSocket.wait

    def observed(self: netlink.NetlinkSocket, seconds: float) -> bool:
        waits.set()
        return wait(self, seconds)

    monkeypatch.setattr(netlink.NetlinkSocket, "wait", observed)

    def start(*actions: Callable[[], object]) -> threading.Thread:
        def act() -> None:
            for action in actions:
                assert waits.wait(SOON)
                waits.clear()
                action()

        thread = threading.Thread(target=act)
        thread.start()
        return thread

    return start


def test_a_device_that_appears_later_is_waited_for(
    host: str,
    tmp_path: Path,
    waiting: Callable[..., threading.Thread],
) -> None:
    plug_in(host)
    record_flannel(tmp_path)
    lose_everything(host, tmp_path)
    thread = waiting(lambda: plug_in(host))
    assert restore.restore_all(patience=SOON) == {}
    thread.join()
    assert_restored(host, tmp_path)


def test_an_address_that_appears_later_is_waited_for(
    host: str,
    tmp_path: Path,
    waiting: Callable[..., threading.Thread],
) -> None:
    plug_in(host)
    record_flannel(tmp_path)
    lose_everything(host, tmp_path)
    ip(host, "link add eth0 type bridge")
    thread = waiting(
        lambda: ip(host, "link set eth0 up"),
        lambda: ip(host, "address add 192.168.1.68/24 dev eth0"),
    )
    assert restore.restore_all(patience=SOON) == {}
    thread.join()
    assert_restored(host, tmp_path)


def test_what_stays_away_is_reported_and_the_rest_is_there(host: str, tmp_path: Path) -> None:
    plug_in(host)
    record_flannel(tmp_path)
    lose_everything(host, tmp_path)
    failed = restore.restore_all(patience=0.2)
    assert {path.parent.name for path in failed} == {"network_link", "vxlan_fdb", "network_routes"}
    assert failed[records.RECORDS / "network_link" / "flannel.json"] == (
        "vxlan.dev of flannel.1: there is no device 'eth0' in this network namespace; it has lo."
    )
    assert "-A FORWARD -j FLANNEL-FWD" in rules(host)
    assert (tmp_path / "flannel" / "subnet.env").exists()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}x",
        '{"links": 7}',
        '{"links": [{"kind": "bridge"}]}',
        '{"links": [{"name": "a b", "kind": "bridge"}]}',
        b"\xff\xfe",
    ],
)
def test_a_broken_record_is_reported_at_once_and_the_others_are_restored(
    host: str,
    text: str | bytes,
) -> None:
    run_module("network_link", name="good", persistent=True, links=[{"name": "br0", "kind": "bridge"}])
    broken = records.RECORDS / "network_link" / "broken.json"
    broken.write_bytes(text if isinstance(text, bytes) else text.encode())
    ip(host, "link del br0")
    started = time.monotonic()
    failed = restore.restore_all(patience=SOON)
    assert time.monotonic() - started < SOON / 2, "the restore waited for a record that cannot get better"
    assert list(failed) == [broken]
    assert has_link(host, "br0")


def test_a_record_of_a_killed_run_is_restored_as_it_was_wanted(host: str) -> None:
    run_module("network_link", name="lab", persistent=True, links=[{"name": "br0", "kind": "bridge"}])
    (path,) = records.RECORDS.rglob("*.json")
    former = json.loads(path.read_text())
    path.write_text(json.dumps({"links": [{"name": "br1", "kind": "bridge"}], "former": [former]}))
    ip(host, "link del br0")
    assert restore.restore_all(patience=SOON) == {}
    assert has_link(host, "br1")
    assert not has_link(host, "br0")
    run_module("network_link", name="lab", persistent=True, links=[{"name": "br1", "kind": "bridge"}])
    assert json.loads(path.read_text()) == {"links": [{"name": "br1", "kind": "bridge", "up": True}]}


# --- the unit -------------------------------------------------------------------------------------


@pytest.fixture
def machine(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders in place of those of the system, and a systemctl that notes how it is called."""
    monkeypatch.setattr(restore_unit, "UNITS", tmp_path / "systemd")
    monkeypatch.setattr(restore_unit, "LIBRARY", tmp_path / "lib" / "container-network")
    stand_in_for_systemctl(tmp_path, tmp_path / "systemd", monkeypatch)
    return tmp_path


def test_the_unit_is_installed_repaired_and_removed(machine: Path) -> None:
    assert_converges("network_restore")
    unit = machine / "systemd" / "container-network-restore.service"
    assert "Before=docker.service" in unit.read_text()
    enabling = "enable --quiet --no-reload -- container-network-restore.service"  # systemd reads it at the next boot
    assert (machine / "calls").read_text().splitlines() == [enabling]
    package = machine / "lib" / "container-network" / "container_network"
    (package / "routes.py").write_text("half")
    (package / "of_an_older_version.py").write_text("")
    result = assert_converges("network_restore")
    assert result["diff"]["before"]["outdated"] == [str(package / "of_an_older_version.py"), str(package / "routes.py")]
    assert (machine / "calls").read_text().splitlines() == [enabling, "daemon-reload"]
    assert_converges("network_restore", state="absent")
    assert not unit.exists()
    assert not package.parent.exists()
    assert (machine / "calls").read_text().splitlines()[-2:] == [
        "disable --now container-network-restore.service",
        "daemon-reload",
    ]
    assert_unchanged("network_restore", state="absent")


def test_the_unit_stays_while_something_is_recorded(machine: Path) -> None:
    run_module("network_restore")
    run_module("network_link", name="lab", persistent=True, links=[])
    assert_unchanged("network_restore", state="absent")
    run_module("network_link", name="lab", state="absent")
    assert_converges("network_restore", state="absent")


def test_the_installed_copy_runs_without_the_collection(machine: Path) -> None:
    """As the unit does, with nothing but the copied package."""
    run_module("network_restore")
    run_module("network_link", name="lab", persistent=True, links=[{"name": "br0", "kind": "bridge"}])
    (record,) = records.RECORDS.rglob("*.json")
    program = "import sys, pathlib; from container_network.recorded import records, restore; "
    program += f"records.RECORDS = pathlib.Path({str(records.RECORDS)!r}); sys.exit(restore.main())"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(restore_unit.LIBRARY)!r}); {program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{record}: in place\n"


def test_no_systemd(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ModuleFailed, match="^systemctl is not installed on .*: install the package systemd.$"):
        run_module("network_restore")


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("network_link", {"links": []}),
        ("vxlan_fdb", {"dev": "x"}),
        ("network_routes", {"routes": []}),
        ("iptables_chains", {"chains": []}),
        ("recorded_files", {"files": []}),
        ("network_namespace", {"namespaces": []}),
        ("veth_pair", {"pairs": []}),
        ("host_info", {}),
        ("network_restore", {}),
    ],
)
def test_every_module_needs_root_and_says_so(
    module: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with pytest.raises(ModuleFailed) as failure:
        run_module(module, **arguments)
    assert str(failure.value) == (
        f"Network changes on {os.uname().nodename} need root, and this task runs as user id 65534: "
        "add 'become: true' to the play or the task."
    )
