# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A card whose addresses a bridge has is told as it is without the bridge; lines of files by their beginnings."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.container_network.lab.plugins.module_utils.kernel.host_facts import lines_of, with_bridged_card
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import LinkState, LinkTable


def link(index: int, name: str, *addresses: str) -> LinkState:
    return LinkState(index, name, None, "02:00:00:00:00:01", 9001, True, None, None, None, addresses=addresses)


def table(*links: LinkState) -> LinkTable:
    found = LinkTable()
    for one in links:
        found.add(one)
    return found


def test_a_bridged_card_has_the_bridges_addresses_and_routes() -> None:
    links = table(link(1, "lo"), link(2, "eth0"), link(3, "br-phy", "192.168.1.68/24"))
    seen = with_bridged_card(links, ("eth0", "br-phy"))
    assert sorted(seen) == ["eth0", "lo"]
    assert seen["eth0"].addresses == ("192.168.1.68/24",)
    assert seen.names()[3] == "eth0"


def test_without_the_bridge_all_is_as_it_is() -> None:
    links = table(link(2, "eth0", "192.168.1.68/24"))
    assert with_bridged_card(links, None) is links
    assert with_bridged_card(links, ("eth0", "br-phy")) is links, "a boot has taken the bridge and not the record"


def test_lines_are_told_by_their_beginnings_and_none_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "kuryr.conf"
    assert lines_of(file, ["auth_type = "]) == []
    file.write_bytes(b"[neutron]\nauth_type = none\n# auth_type = \xff\nendpoint = http://a\npassword = secret\n")
    assert lines_of(file, ["auth_type = ", "endpoint"]) == ["auth_type = none", "endpoint = http://a"]
    assert lines_of(tmp_path, ["auth_type = "]) == []
