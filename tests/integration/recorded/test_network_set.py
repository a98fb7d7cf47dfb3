# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module network_set: all that a network has on a host, in one task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.recorded import records, restore_unit
from tests.support import persistent_sets
from tests.support.kernel_view import fdb, has_link, ip, neighbours, routes, rules
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

MACS = {"192.168.1.254": "da:17:1b:07:d3:70", "192.168.1.245": "4e:55:ee:0a:90:38"}
LEASES = {"192.168.1.254": "40.15.26.0", "192.168.1.245": "40.15.56.0"}


node = persistent_sets.node


def flannel(folder: Path, *vteps: str, **differences: Any) -> dict[str, Any]:
    return {
        "name": "flannel",
        "dev": "flannel.1",
        "links": [
            {
                "name": "flannel.1",
                "kind": "vxlan",
                "addresses": ["40.15.43.0/32"],
                "vxlan": {"id": 1, "local": "192.168.1.68", "dev": "eth0", "port": 8472, "learning": False},
            }
        ],
        "fdb": [{"mac": MACS[vtep], "dst": vtep} for vtep in vteps],
        "arp": [{"ip": LEASES[vtep], "mac": MACS[vtep]} for vtep in vteps],
        "routes": [{"dst": f"{LEASES[vtep]}/24", "via": LEASES[vtep], "onlink": True} for vtep in vteps],
        "chains": [{"name": "FLANNEL-FWD", "rules": ["-s 40.15.0.0/16 -j ACCEPT"]}],
        "jumps": [{"chain": "FORWARD", "rule": "-j FLANNEL-FWD"}],
        "files": [{"path": str(folder / "run" / "subnet.env"), "content": "FLANNEL_MTU=8951\n"}],
        **differences,
    }


def test_everything_comes_with_one_task(node: str, tmp_path: Path) -> None:
    result = assert_converges("network_set", **flannel(tmp_path, *MACS))
    assert result["changed_parts"] == ["files", "links", "restore", "routes", "rules", "tables"]
    assert has_link(node, "flannel.1")
    assert len(fdb(node, "flannel.1")) == len(neighbours(node, "flannel.1")) == 2
    assert "40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink" in routes(node)
    assert "-A FORWARD -j FLANNEL-FWD" in rules(node)
    assert (tmp_path / "run" / "subnet.env").read_text() == "FLANNEL_MTU=8951\n"
    assert restore_unit.wanted_files().keys() <= set(tmp_path.rglob("*"))


def test_only_the_parts_that_differ_change(node: str, tmp_path: Path) -> None:
    run_module("network_set", **flannel(tmp_path, *MACS))
    result = assert_converges("network_set", **flannel(tmp_path, "192.168.1.254"))
    assert result["changed_parts"] == ["routes", "tables"]
    assert not [line for line in routes(node) if "40.15.56.0" in line]
    assert len(fdb(node, "flannel.1")) == 1


def test_a_part_that_is_no_longer_listed_goes_with_its_record(node: str, tmp_path: Path) -> None:
    """From VXLAN to host-gw: no device, no tables, other routes."""
    run_module("network_set", **flannel(tmp_path, *MACS))
    routed = [{"dst": f"{lease}/24", "via": vtep, "dev": "eth0"} for vtep, lease in LEASES.items()]
    host_gw = flannel(tmp_path, dev=None, links=[], routes=routed)
    assert_converges("network_set", **host_gw)
    assert not has_link(node, "flannel.1")
    assert "40.15.26.0/24 via 192.168.1.254 dev eth0" in routes(node)
    assert not records.record_path("vxlan_fdb", "flannel").exists()
    assert not records.record_path("network_link", "flannel").exists()
    assert_converges("network_set", **flannel(tmp_path, *MACS))


def test_absent_leaves_what_others_made(node: str, tmp_path: Path) -> None:
    ip(node, "route add 172.22.0.0/16 via 192.168.1.1 dev eth0")
    before = routes(node), rules(node)
    run_module("network_set", **flannel(tmp_path, *MACS))
    assert_converges("network_set", name="flannel", state="absent")
    assert not has_link(node, "flannel.1")
    assert routes(node) == before[0]
    assert not [line for line in rules(node) if "FLANNEL" in line]
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "library").exists()
    assert not (tmp_path / "records").exists()


def test_the_unit_stays_while_another_network_is_recorded(node: str, tmp_path: Path) -> None:
    run_module("network_set", **flannel(tmp_path, *MACS))
    route = {"dst": "10.9.0.0/16", "via": "192.168.1.9", "dev": "eth0"}
    run_module("network_routes", name="mine", persistent=True, routes=[route])
    run_module("network_set", name="flannel", state="absent")
    assert (tmp_path / "library").exists()
    assert_unchanged("network_set", name="flannel", state="absent")


def test_wrong_input_in_the_last_part_stops_the_first(node: str, tmp_path: Path) -> None:
    wrong = flannel(tmp_path, *MACS, routes=[{"dst": "40.15.26.1/24", "via": "40.15.26.0"}])
    with pytest.raises(ModuleFailed, match="40.15.26.1/24"):
        run_module("network_set", **wrong)
    assert not has_link(node, "flannel.1")
    assert not (tmp_path / "run").exists()
