# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses as people write them and as the kernel packs them."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.addresses import (
    ip_text,
    mac_text,
    network_text,
    packed_interface,
    packed_ip,
    packed_mac,
    packed_network,
    stable_mac,
)


@pytest.mark.parametrize("text", ["4e:55:ee:0a:90:38", "4E:55:EE:0A:90:38"])
def test_mac_in_either_case(text: str) -> None:
    assert packed_mac(text) == b"\x4e\x55\xee\x0a\x90\x38"
    assert mac_text(packed_mac(text)) == "4e:55:ee:0a:90:38"


@pytest.mark.parametrize(
    "text",
    ["", "4e:55:ee:0a:90", "4e:55:ee:0a:90:38:00", "4e-55-ee-0a-90-38", "4e55ee0a9038", "4e:55:ee:0a:90:3g",
     "4:e55:ee:0a:90:38", "4e:55:ee:0a:90: 8", "  :55:ee:0a:90:38", "\uff14e:55:ee:0a:90:38"],
)  # fmt: skip
def test_mac_typos(text: str) -> None:
    with pytest.raises(ValueError, match="is not a MAC address: write six pairs of hexadecimal digits"):
        packed_mac(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("192.168.1.68", "192.168.1.68"), ("FD80::0001", "fd80::1"), ("::ffff:1.2.3.4", "::ffff:1.2.3.4"), ("::", "::")],
)
def test_ip(text: str, shown: str) -> None:
    assert ip_text(packed_ip(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["", "192.168.1", "192.168.1.256", "192.168.01.1", "1.2.3.4/24", "fe80::1%eth0", "fd80:::1", "a", "1.2.3.4\0"],
)
def test_ip_typos(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address: write it as 192.168.1.68 or fd80::1"):
        packed_ip(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("40.15.26.0/24", "40.15.26.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("192.168.1.68", "192.168.1.68/32"),
        ("FD80::/64", "fd80::/64"),
        ("fd80::1", "fd80::1/128"),
    ],
)
def test_network(text: str, shown: str) -> None:
    assert network_text(*packed_network(text)) == shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("40.15.26.1/24", "'40.15.26.1/24' has bits set behind its prefix length: the network is 40.15.26.0/24"),
        ("fd80::1/64", "'fd80::1/64' has bits set behind its prefix length: the network is fd80::/64"),
        ("40.15.26.0/33", "'40.15.26.0/33': the prefix length must be a number from 0 to 32"),
        ("40.15.26.0/", "'40.15.26.0/': the prefix length must be a number from 0 to 32"),
        ("40.15.26.0/-1", "'40.15.26.0/-1': the prefix length must be a number from 0 to 32"),
        ("40.15.26.0/255.255.255.0", "the prefix length must be a number from 0 to 32"),
        ("fd80::/129", "'fd80::/129': the prefix length must be a number from 0 to 128"),
        ("40.15.26/24", "'40.15.26' is not an IP address"),
    ],
)
def test_network_typos(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        packed_network(text)
    assert problem in str(error.value)


def test_interface() -> None:
    assert network_text(*packed_interface("192.168.1.68/24")) == "192.168.1.68/24"
    assert network_text(*packed_interface("FD80::68/64")) == "fd80::68/64"


@pytest.mark.parametrize("text", ["192.168.1.68", "192.168.1.68/33", "192.168.1.68/", "fd80::1/129"])
def test_interface_typos(text: str) -> None:
    with pytest.raises(ValueError, match="write an address with its prefix length, as 192.168.1.68/24"):
        packed_interface(text)


def test_a_stable_mac_is_of_one_device_and_of_no_vendor():
    assert stable_mac("192.168.1.68 1") == stable_mac("192.168.1.68 1") == "26:7f:9f:b1:69:c6"
    for number in range(256):
        assert packed_mac(stable_mac(str(number)))[0] & 0x03 == 0x02
