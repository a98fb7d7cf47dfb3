# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a VXLAN device, as tests expect them."""

from __future__ import annotations

from typing import Any

from tests.support.kernel_view import link

_SWITCHES = {
    *("learning", "proxy", "rsc", "l2miss", "l3miss", "collect_metadata", "gbp", "gpe"),
    *("udp_csum", "udp_zero_csum6_tx", "udp_zero_csum6_rx", "remcsum_tx", "remcsum_rx"),
}
_ENDS = {"group", "group6", "local", "local6", "link"}


def assert_vxlan(netns: str, name: str, values: dict[str, Any], switches: set[str]) -> None:
    """A VXLAN device has these values, and of all switches and ends of the tunnel only these.

    Names are the kernel's in lower case without IFLA_VXLAN_; source ports and TTL are the standard ones.
    """
    device = link(netns, name)
    assert device.kind == "vxlan"
    found = {key.removeprefix("vxlan_"): value for key, value in device.attributes.items()}
    assert {key: found.get(key) for key in values} == values
    assert found["port_range"] == {"low": 0, "high": 0}
    assert (found["ttl"], found["tos"], found["df"], found["label"]) == (0, 0, 0, 0)
    assert {key for key in _SWITCHES if found.get(key)} == switches
    assert found.keys() & _ENDS == values.keys() & _ENDS
