# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module vxlan_fdb against real namespaces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.recorded import records
from tests.support.kernel_view import command, fdb, ip, neighbours
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module
from tests.support.persistent_sets import Killer, killed_everywhere

NODE_2, NODE_3 = "da:17:1b:07:d3:70", "4e:55:ee:0a:90:38"
FDB = [{"mac": NODE_3, "dst": "192.168.1.245"}, {"mac": NODE_2, "dst": "192.168.1.254"}]
ARP = [{"ip": "40.15.56.0", "mac": NODE_3}, {"ip": "40.15.26.0", "mac": NODE_2}]


def make_vxlan(netns: str, name: str = "flannel.1", vni: int = 1) -> None:
    ip(netns, f"link add {name} type vxlan id {vni} dstport 8472 local 192.168.1.68 nolearning")
    ip(netns, f"link set {name} up")


@pytest.fixture
def node(netns: str) -> str:
    """A namespace with a VXLAN device."""
    make_vxlan(netns)
    return netns


def test_the_documented_tables(node: str) -> None:
    result = assert_converges("vxlan_fdb", netns=node, dev="flannel.1", fdb=FDB, arp=ARP)
    shown = [f"{line.split(' dst ')[0]} dev flannel.1 dst {line.split(' dst ')[1]}" for line in fdb(node, "flannel.1")]
    assert shown == [
        "4e:55:ee:0a:90:38 dev flannel.1 dst 192.168.1.245 self permanent",
        "da:17:1b:07:d3:70 dev flannel.1 dst 192.168.1.254 self permanent",
    ]
    assert neighbours(node, "flannel.1") == [
        f"40.15.26.0 lladdr {NODE_2} PERMANENT",
        f"40.15.56.0 lladdr {NODE_3} PERMANENT",
    ]
    assert result["diff"] == {
        "before": {"arp": [], "fdb": []},
        "after": {"arp": neighbours(node, "flannel.1"), "fdb": fdb(node, "flannel.1")},
    }


def test_check_mode_writes_nothing(node: str) -> None:
    run_module("vxlan_fdb", _check=True, netns=node, dev="flannel.1", fdb=FDB, arp=ARP)
    assert fdb(node, "flannel.1") == neighbours(node, "flannel.1") == []


def test_an_entry_moves_in_place(node: str) -> None:
    run_module("vxlan_fdb", netns=node, dev="flannel.1", fdb=FDB, arp=ARP)
    moved = {"fdb": [{"mac": NODE_3.upper(), "dst": "192.168.1.9"}], "arp": [{"ip": "40.15.56.0", "mac": NODE_2}]}
    result = assert_converges("vxlan_fdb", netns=node, dev="flannel.1", **moved)
    assert result["diff"] == {
        "before": {
            "arp": [f"40.15.56.0 lladdr {NODE_3} PERMANENT"],
            "fdb": [f"{NODE_3} dst 192.168.1.245 self permanent"],
        },
        "after": {
            "arp": [f"40.15.56.0 lladdr {NODE_2} PERMANENT"],
            "fdb": [f"{NODE_3} dst 192.168.1.9 self permanent"],
        },
    }
    assert fdb(node, "flannel.1") == [
        f"{NODE_3} dst 192.168.1.9 self permanent",
        f"{NODE_2} dst 192.168.1.254 self permanent",
    ]


def test_ipv6(node: str) -> None:
    arp = [{"ip": "FD80::0026", "mac": NODE_2}, {"ip": "40.15.56.0", "mac": NODE_3}]
    ip(node, "link add vx6 type vxlan id 6 dstport 8473 local fd80::68")
    tables = [{"mac": NODE_2, "dst": "fd80::0254"}, {"mac": NODE_3, "dst": "fd80::245"}]
    assert_converges("vxlan_fdb", netns=node, dev="vx6", fdb=tables, arp=arp)
    assert fdb(node, "vx6") == [f"{NODE_3} dst fd80::245 self permanent", f"{NODE_2} dst fd80::254 self permanent"]
    assert neighbours(node, "vx6") == [f"40.15.56.0 lladdr {NODE_3} PERMANENT", f"fd80::26 lladdr {NODE_2} PERMANENT"]
    assert_converges("vxlan_fdb", netns=node, dev="vx6", fdb=tables[:1], arp=arp[:1], state="absent")
    assert fdb(node, "vx6") == [f"{NODE_3} dst fd80::245 self permanent"]
    assert neighbours(node, "vx6") == [f"40.15.56.0 lladdr {NODE_3} PERMANENT"]


def test_entries_with_further_attributes_are_read(node: str) -> None:
    """The fast reader meets entries of other layouts between those that it knows."""
    dev = "flannel.1"
    entries = ["10.0.0.1", "10.0.0.2 port 999", "10.0.0.3 vni 77", "10.0.0.4 via lo", "10.0.0.5"]
    for number, entry in enumerate(entries):
        arguments = f"fdb add {mac(number)} dev {dev} dst {entry} self permanent"
        command("bridge", "-n", node, *arguments.split())
    wanted = [{"mac": mac(number), "dst": entry.split()[0]} for number, entry in enumerate(entries)]
    assert_unchanged("vxlan_fdb", netns=node, dev=dev, fdb=wanted, purge=True)


def test_unknown_macs_may_have_several_vteps(node: str) -> None:
    zero = [{"mac": "00:00:00:00:00:00", "dst": f"192.168.1.{n}"} for n in (68, 245, 254)]
    assert_converges("vxlan_fdb", netns=node, dev="flannel.1", fdb=zero)
    assert_converges("vxlan_fdb", netns=node, dev="flannel.1", fdb=zero[1:], purge=True)
    assert [line.split()[2] for line in fdb(node, "flannel.1")] == ["192.168.1.245", "192.168.1.254"]
    assert_converges("vxlan_fdb", netns=node, dev="flannel.1", fdb=zero[1:2], state="absent")
    assert [line.split()[2] for line in fdb(node, "flannel.1")] == ["192.168.1.254"]


def test_purge_leaves_the_listed_permanent_entries_only(node: str) -> None:
    command("bridge", "-n", node, *"fdb add 02:00:00:00:00:01 dev flannel.1 dst 10.0.0.1 self permanent".split())
    command("bridge", "-n", node, *"fdb add 02:00:00:00:00:02 dev flannel.1 dst 10.0.0.2 self dynamic".split())
    ip(node, "neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev flannel.1 nud permanent")
    result = assert_converges("vxlan_fdb", netns=node, dev="flannel.1", fdb=FDB, arp=ARP, purge=True)
    assert result["diff"]["before"] == {
        "arp": ["10.0.0.9 lladdr 02:00:00:00:00:09 PERMANENT"],
        "fdb": ["02:00:00:00:00:01 dst 10.0.0.1 self permanent"],
    }
    assert len(neighbours(node, "flannel.1")) == 2
    assert [line for line in fdb(node, "flannel.1") if "permanent" not in line] == [
        "02:00:00:00:00:02 dst 10.0.0.2 self"
    ]


def test_absent_removes_what_is_listed_and_still_as_it_was_made(node: str) -> None:
    run_module("vxlan_fdb", netns=node, dev="flannel.1", fdb=FDB, arp=ARP)
    others = [{"mac": NODE_2, "dst": "192.168.1.1"}]
    assert_unchanged("vxlan_fdb", netns=node, dev="flannel.1", fdb=others, arp=[], state="absent")
    assert_converges("vxlan_fdb", netns=node, dev="flannel.1", fdb=FDB[:1], arp=ARP[:1], state="absent", purge=True)
    assert fdb(node, "flannel.1") == [f"{NODE_2} dst 192.168.1.254 self permanent"]
    assert neighbours(node, "flannel.1") == [f"40.15.26.0 lladdr {NODE_2} PERMANENT"]


def test_nothing_is_left_to_remove_without_the_device(node: str) -> None:
    assert_unchanged("vxlan_fdb", netns=node, dev="gone.1", fdb=FDB, arp=ARP, state="absent")
    assert_unchanged("vxlan_fdb", netns=node, dev="lo", fdb=FDB, arp=ARP, state="absent")


def mac(number: int) -> str:
    return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"


def test_one_of_3000_entries_is_refused(node: str) -> None:
    """The kernel takes no multicast address as a neighbour; the entry is named and the others are in place."""
    arp = [{"ip": f"10.{n >> 8}.{n & 255}.0", "mac": mac(n)} for n in range(3000)]
    arp[1500]["ip"] = "fd80::1500"
    ip(node, "link set flannel.1 mtu 1000")  # too small for IPv6, so the kernel refuses IPv6 neighbours here
    tables = [{"mac": mac(n), "dst": f"10.{n >> 8}.{n & 255}.1"} for n in range(3000)]
    with pytest.raises(ModuleFailed) as failure:
        run_module("vxlan_fdb", netns=node, dev="flannel.1", fdb=tables, arp=arp)
    assert str(failure.value).startswith(
        f"cannot write fd80::1500 lladdr {mac(1500)} PERMANENT on flannel.1 in network namespace {node}: "
    )
    assert len(str(failure.value).splitlines()) == 1
    assert len(neighbours(node, "flannel.1")) == 2999


def test_two_of_3000_entries_are_refused(node: str) -> None:
    tables = [{"mac": mac(n), "dst": f"10.{n >> 8}.{n & 255}.1"} for n in range(3000)]
    tables[1500]["dst"] = "fd80::1500"
    tables[2999]["dst"] = "fd80::2999"
    with pytest.raises(ModuleFailed) as failure:
        run_module("vxlan_fdb", netns=node, dev="flannel.1", fdb=tables)
    first, second = str(failure.value).splitlines()
    assert first.startswith(f"cannot write {mac(1500)} dst fd80::1500 self permanent on flannel.1 in network namespace")
    assert second.startswith(f"cannot write {mac(2999)} dst fd80::2999 self permanent on flannel.1")
    assert len(fdb(node, "flannel.1")) == 2998


def test_check_mode_refuses_vteps_of_another_ip_version(node: str) -> None:
    ip(node, "link add vx6 type vxlan id 6 dstport 8473 local fd80::68")
    for dev, dst in (("flannel.1", "fd80::254"), ("vx6", "192.168.1.254")):
        for check in (True, False):
            with pytest.raises(ModuleFailed) as failure:
                run_module("vxlan_fdb", _check=check, netns=node, dev=dev, fdb=[{"mac": NODE_2, "dst": dst}])
            assert str(failure.value).startswith(f"cannot write {NODE_2} dst {dst} self permanent on {dev} in network")
            assert "Address family not supported by protocol" in str(failure.value)


def test_a_long_list_of_refused_entries_is_cut(node: str) -> None:
    tables = [{"mac": mac(n), "dst": f"fd80::{n}"} for n in range(1000)]
    with pytest.raises(ModuleFailed) as failure:
        run_module("vxlan_fdb", netns=node, dev="flannel.1", fdb=tables)
    lines = str(failure.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "… and 980 more of 1000."


def failing(**arguments: Any) -> str:
    with pytest.raises(ModuleFailed) as failure:
        run_module("vxlan_fdb", **arguments)
    return str(failure.value)


def test_wrong_input_is_reported_all_together_and_changes_nothing(node: str) -> None:
    tables = [
        *FDB,
        {"mac": NODE_3.upper(), "dst": "192.168.1.1"},
        {"mac": "4e:55:ee:0a:90:3g", "dst": "192.168.1.1"},
        {"mac": "4e-55-ee-0a-90-38", "dst": "192.168.1.1"},
        {"mac": "02:00:00:00:00:01", "dst": "192.168.1.0/24"},
    ]
    arp = [*ARP, {"ip": "40.15.26.0", "mac": NODE_3}, {"ip": "40.15.260.0", "mac": NODE_3}]
    assert failing(netns=node, dev="flannel.1", fdb=tables, arp=arp).splitlines() == [
        f"fdb[2]: {NODE_3.upper()} is given twice, in entries 0 and 2: drop one",
        "fdb[3]: '4e:55:ee:0a:90:3g' is not a MAC address: write six pairs of hexadecimal digits, as 4e:55:ee:0a:90:38",
        "fdb[4]: '4e-55-ee-0a-90-38' is not a MAC address: write six pairs of hexadecimal digits, as 4e:55:ee:0a:90:38",
        "fdb[5]: '192.168.1.0/24' is not an IP address: write it as 192.168.1.68 or fd80::1",
        "arp[2]: 40.15.26.0 is given twice, in entries 1 and 2: drop one",
        "arp[3]: '40.15.260.0' is not an IP address: write it as 192.168.1.68 or fd80::1",
    ]
    assert fdb(node, "flannel.1") == []
    assert failing(netns=node, fdb=FDB) == "dev: name the VXLAN device that the entries belong to"


def test_wrong_devices(node: str) -> None:
    assert failing(netns=node, dev="flannel.7", fdb=FDB) == (
        f"dev: there is no device 'flannel.7' in network namespace {node}; it has flannel.1, lo."
    )
    assert failing(netns=node, dev="lo", fdb=FDB) == (
        f"dev: lo in network namespace {node} has no link type, and these tables belong to a VXLAN device: name one."
    )
    ip(node, "link add br0 type bridge")
    assert failing(netns=node, dev="br0", fdb=FDB) == (
        f"dev: br0 in network namespace {node} is of kind bridge, and these tables belong to a VXLAN device: name one."
    )


# --- recorded sets --------------------------------------------------------------------------------


def recorded(**arguments: Any) -> dict[str, Any]:
    return {"name": "flannel", "persistent": True, "dev": "flannel.1", **arguments}


def foreign(netns: str) -> None:
    command("bridge", "-n", netns, *"fdb replace 02:00:00:00:00:01 dev flannel.1 dst 10.0.0.1 self permanent".split())


def test_entries_that_leave_the_set_vanish_and_others_stay(host: str) -> None:
    make_vxlan(host)
    foreign(host)
    assert_converges("vxlan_fdb", **recorded(fdb=FDB, arp=ARP))
    (path,) = records.RECORDS.rglob("*.json")
    assert path.relative_to(records.RECORDS).as_posix() == "vxlan_fdb/flannel.json"
    assert json.loads(path.read_text()) == {"dev": "flannel.1", "fdb": FDB, "arp": ARP, "purge": False}
    assert path.stat().st_mode & 0o777 == 0o600
    assert_converges("vxlan_fdb", **recorded(fdb=FDB[:1], arp=ARP[:1]))
    assert fdb(host, "flannel.1") == [
        "02:00:00:00:00:01 dst 10.0.0.1 self permanent",
        f"{NODE_3} dst 192.168.1.245 self permanent",
    ]
    result = assert_converges("vxlan_fdb", name="flannel", state="absent")
    assert result["diff"]["before"]["record"] == {"dev": "flannel.1", "fdb": FDB[:1], "arp": ARP[:1], "purge": False}
    assert fdb(host, "flannel.1") == ["02:00:00:00:00:01 dst 10.0.0.1 self permanent"]
    assert neighbours(host, "flannel.1") == []
    assert not records.RECORDS.exists()


def test_the_set_moves_to_another_device(host: str) -> None:
    make_vxlan(host)
    make_vxlan(host, "flannel.2", 2)
    run_module("vxlan_fdb", **recorded(fdb=FDB, arp=ARP))
    foreign(host)
    assert_converges("vxlan_fdb", **recorded(dev="flannel.2", fdb=FDB, arp=ARP))
    assert fdb(host, "flannel.1") == ["02:00:00:00:00:01 dst 10.0.0.1 self permanent"]
    assert len(fdb(host, "flannel.2")) == 2


@pytest.mark.parametrize("device", ["flannel.1", "flannel.2"])
def test_a_killed_run_is_finished_by_the_next(host: str, killer: Killer, device: str) -> None:
    make_vxlan(host)
    make_vxlan(host, "flannel.2", 2)
    foreign(host)
    many = [{"mac": mac(n), "dst": "10.0.0.9"} for n in range(1000, 1005)]
    end = recorded(dev=device, fdb=[*FDB[1:], *many], arp=ARP[1:])
    for _step in killed_everywhere(
        killer,
        lambda: run_module("vxlan_fdb", **recorded(fdb=FDB, arp=ARP)),
        lambda: run_module("vxlan_fdb", **end),
    ):
        run_module("vxlan_fdb", **end)
        assert len(fdb(host, device)) == 6 + (device == "flannel.1")
        assert "02:00:00:00:00:01 dst 10.0.0.1 self permanent" in fdb(host, "flannel.1")
        assert not [line for line in fdb(host, "flannel.1") if NODE_3 in line]
        assert len(neighbours(host, device)) == 1
        assert device == "flannel.1" or neighbours(host, "flannel.1") == []
        assert_unchanged("vxlan_fdb", **end)


def test_an_unreadable_record_is_named(host: str) -> None:
    run_module("vxlan_fdb", name="flannel", persistent=True)
    (path,) = records.RECORDS.rglob("*.json")
    path.write_text("{")
    with pytest.raises(ModuleFailed, match=f"the record {path} cannot be read: .* Repair or remove it, and run again."):
        run_module("vxlan_fdb", name="flannel", persistent=True)
