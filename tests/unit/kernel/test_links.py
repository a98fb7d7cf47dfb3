# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of links: what options mean, and which messages bring a link there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import (
    AddressChange,
    Change,
    Device,
    LinkState,
    LinkTable,
    NoSuchLink,
    SettingChange,
    name_problems,
    setting_changes,
)
from ansible_collections.container_network.lab.plugins.module_utils.kernel.virtual_links import (
    VxlanAttributes,
    needs_new_device,
    parse,
)

LINK = LinkState(7, "eth0", "veth", "02:00:00:00:00:01", 1500, True, None, None, None)
BRIDGE = LinkState(9, "br0", "bridge", "02:00:00:00:00:02", 1500, True, None, None, None)


def table(*links: LinkState) -> LinkTable:
    return LinkTable({link.name: link for link in links})


def device(**options: Any) -> Device:
    problems: list[str] = []
    parsed = Device.parse({"name": "eth0", **options}, "links[0]", problems)
    assert problems == []
    return parsed


@pytest.mark.parametrize("name", ["eth0", "flannel.1", "a", "fifteen-letters", "node-1.eth0", "ä"])
def test_names(name: str) -> None:
    assert name_problems(name) == []


@pytest.mark.parametrize("name", ["", ".", "..", "sixteen-letters!", "a b", "a/b", "a:b", "a\tb", "ääääääääää"])
def test_wrong_names(name: str) -> None:
    assert name_problems(name) == [f"'{name}' is not a device name: 1 to 15 characters, no blank, '/' or ':'"]


@pytest.mark.parametrize(
    "address", ["0.0.0.0/0", "0.0.0.0/24", "0.0.0.0/32", "224.0.0.1/24", "255.255.255.255/32", "::/64", "ff02::1/64"]
)
def test_addresses_that_no_device_has(address: str) -> None:
    """The kernel takes some of them and has none afterwards, so that each run would change them."""
    problems: list[str] = []
    Device.parse({"name": "eth0", "addresses": ["10.0.0.1/24", address]}, "links[0]", problems)
    assert problems == [f"links[0]: address of eth0: {address} is no single device's address: choose another one"]


def test_only_what_is_asked_for_is_compared() -> None:
    assert device().wanted() == {"up": True}
    assert device(mac="02:00:00:00:00:AA", mtu=68, addresses=["FD80::0001/64"]).wanted() == {
        "up": True,
        "mac": "02:00:00:00:00:aa",
        "mtu": 68,
        "addresses": ["fd80::1/64"],
    }
    assert device(addresses=[]).found(replace(LINK, addresses=("10.0.0.1/8",)), table(LINK)) == {
        "up": True,
        "addresses": ["10.0.0.1/8"],
    }


def changes(wanted: Device, link: LinkState) -> list[Change]:
    return setting_changes(wanted, link, table(link, BRIDGE))


def test_nothing_changes_on_a_link_as_wanted() -> None:
    link = replace(LINK, addresses=("10.0.0.1/8",), master=9)
    assert changes(device(), link) == []
    same = {"mac": LINK.mac, "mtu": 1500, "master": "br0", "addresses": ["10.0.0.1/8"]}
    assert changes(device(**same), link) == []


def test_all_settings_change_at_once() -> None:
    wanted = device(mac="02:00:00:00:00:aa", mtu=9001, master="br0")
    settings = (("address", "02:00:00:00:00:aa"), ("mtu", 9001), ("master", 9))
    assert changes(wanted, replace(LINK, up=False)) == [SettingChange(settings, True)]


def test_addresses_that_go_before_those_that_come() -> None:
    link = replace(LINK, addresses=("10.0.0.1/24", "10.0.0.2/24"), up=False)
    wanted = device(addresses=["10.0.0.2/24", "10.0.0.3/24"])
    # The address that stays is written again: the kernel drops it with the first one of its network.
    assert changes(wanted, link) == [
        AddressChange("10.0.0.1/24", False),
        SettingChange((), True),
        AddressChange("10.0.0.2/24", True),
        AddressChange("10.0.0.3/24", True),
    ]


def test_a_master_that_is_not_there() -> None:
    links = table(LINK)
    links.netns = "lab"
    with pytest.raises(NoSuchLink) as error:
        setting_changes(device(master="br7"), LINK, links)
    assert str(error.value) == ("master of eth0: there is no device 'br7' in network namespace lab; it has eth0.")


# --- virtual links --------------------------------------------------------------------------------


def test_vxlan_attributes_are_normalised() -> None:
    options = {"name": "vx", "kind": "vxlan", "vxlan": {"id": 1, "local": "FD80::0001"}}
    (link,) = parse({"links": [options]}, False).links
    assert link.vxlan == VxlanAttributes(1, "fd80::1")
    assert link.wanted()["vxlan"] == {
        "id": 1, "local": "fd80::1", "port": 4789, "learning": True, "proxy": False, "l2miss": False, "l3miss": False,
        "udp6zerocsumrx": False,
    }  # fmt: skip


@pytest.mark.parametrize("vni", [-1, 1 << 24])
def test_vni_out_of_range(vni: int) -> None:
    with pytest.raises(InvalidInput, match=f"vxlan.id {vni} of vx must be a VNI from 0 to 16777215"):
        parse({"links": [{"name": "vx", "kind": "vxlan", "vxlan": {"id": vni}}]}, False)


def test_to_remove_a_link_its_kind_is_needed() -> None:
    with pytest.raises(InvalidInput, match="to remove br0, say its 'kind': a link of another kind is not touched"):
        parse({"links": [{"name": "br0"}]}, True)
    assert parse({"links": [{"name": "vx", "kind": "vxlan"}]}, True).links[0].kind == "vxlan"


def test_only_vxlan_attributes_need_a_new_device() -> None:
    assert needs_new_device({"vxlan": {"id": 1}}, {"vxlan": {"id": 2}})
    assert not needs_new_device({"vxlan": {"id": 1}, "mtu": 1}, {"vxlan": {"id": 1}, "mtu": 2})
