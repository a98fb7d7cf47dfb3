# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of commands' output with what is expected, and the table of results."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.filter.check_table import check_table
from ansible_collections.container_network.lab.plugins.module_utils.checks.check import Check, has_fragment, tokens

DOCUMENTED = (
    "vxlan id 1 local 192.168.1.68 dev eth0 srcport 0 0 dstport 8472 nolearning ttl inherit ageing 300 "
    "udpcsum noudp6zerocsumtx noudp6zerocsumrx"
)
DEBIAN_12 = DOCUMENTED.replace("ttl inherit", "ttl auto") + " addrgenmode eui64 numtxqueues 1"
DEBIAN_13 = (  # iproute2 6.15, ip -d -d link show
    "    vxlan id 1 local 192.168.1.68 dev eth0 srcport 0 0 dstport 8472 ttl auto ageing 300 "
    "reserved_bits 0xf7ffffff000000ff noexternal nolearning noproxy norsc nol2miss nol3miss udp_csum "
    "noudp_zero_csum6_tx noudp_zero_csum6_rx noremcsum_tx noremcsum_rx localbypass addrgenmode eui64 numtxqueues 1"
)


@pytest.mark.parametrize(
    ("line", "fragment", "expected"),
    [
        ("default via 192.168.1.1 dev eth0  proto dhcp", "via 192.168.1.1 dev eth0 proto", True),
        ("default via 192.168.1.1 dev eth01", "dev eth0", False),
        ("40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink", "40.15.26.0/24 dev flannel.1", False),
        ("10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 linkdown", "scope link src 10.0.0.1", True),
        ("10.0.0.0/24 dev eth0 linkdown proto kernel", "dev eth0 proto kernel", True),
        ("fd00::/64 dev eth0 metric 256 pref medium expires 9sec", "metric 256 expires 9sec", True),
        ("1 packets transmitted, 1 packets received, 0% packet loss", "0% packet loss", True),
        ("1 packets transmitted, 1 received, 0% packet loss, time 0ms", "0% packet loss", True),
        ("1 packets transmitted, 0 received, 100% packet loss, time 0ms", "0% packet loss", False),
        ("preferred medium", "medium", True),
        ("192.168.119.0 dev cali6285d775657 scope link", "dev cali… scope link", True),
        ("192.168.119.0 dev docker0 scope link", "dev cali… scope link", False),
        ("192.168.119.0 dev cali6285d775657 proto static scope link", "dev cali… scope link", False),
        (DEBIAN_12, DOCUMENTED, True),
        (DEBIAN_13, DOCUMENTED, True),
        (DEBIAN_13.replace("nolearning", "learning"), DOCUMENTED, False),
        (DEBIAN_13.replace("noproxy", "proxy"), DOCUMENTED, False),
        (DEBIAN_13.replace("nolearning", "learning"), DOCUMENTED.replace("nolearning ", ""), True),
        ("bridge_slave learning on flood on", "learning on flood", True),
        ("bridge_slave learning off flood on", "learning on flood", False),
        (
            DEBIAN_13.replace("noproxy norsc nol2miss nol3miss", "proxy norsc l2miss l3miss"),
            "nolearning proxy l2miss",
            True,
        ),
    ],
)
def test_fragments_are_compared_by_whole_words(line, fragment, expected):
    assert has_fragment(line, fragment) is expected


def test_noise_at_the_end_of_a_line():
    assert tokens("dev eth0 pref") == ("dev", "eth0", "pref")
    assert tokens("ttl") == ("ttl",)
    assert tokens("") == ()


def verdict(output: str, exit_status: int = 0, **options) -> tuple:
    return Check("check", ("ip", "route"), **options).verdict(output, exit_status)


def test_all_expected_fragments_must_be_there():
    output = "10.0.0.0/24 dev a\nother line\n10.0.1.0/24 dev b\n"
    assert verdict(output, expect=("dev a", "dev b")) == (True, ["10.0.0.0/24 dev a", "10.0.1.0/24 dev b"])
    assert verdict(output, expect=("dev a", "dev c"))[0] is False


def test_of_some_fragments_one_is_enough():
    output = "10.0.0.0/24 dev a\nother line\n"
    assert verdict(output, expect_any=("dev b", "dev a")) == (True, ["10.0.0.0/24 dev a"])
    assert verdict(output, expect_any=("dev b", "dev c"))[0] is False
    assert verdict(output, expect=("other",), expect_any=("dev b", "dev a"))[0] is True
    assert verdict(output, expect=("another",), expect_any=("dev b", "dev a"))[0] is False
    assert verdict("", 0, expect_any=("dev b",))[0] is False


def test_expected_fragments_outweigh_the_exit_status():
    assert verdict("100% packet loss", 1, expect=("100% packet loss",))[0] is True


def test_without_expected_fragments_the_command_must_succeed():
    assert verdict("some text") == (True, ["some text"])
    assert verdict("no such device", 1) == (False, ["no such device", "exit status 1"])
    assert verdict("", 4, unexpected=("flannel.1",)) == (False, ["exit status 4"])
    assert verdict("", None)[0] is False


def test_unexpected_fragments_are_shown():
    output = "a MASQUERADE\nb ACCEPT\n"
    assert verdict(output, expect=("b ACCEPT",), unexpected=("MASQUERADE",)) == (False, ["a MASQUERADE"])
    assert verdict(output, unexpected=("MASQUERADE2",))[0] is True


def test_the_nearest_lines_of_a_long_output_are_shown():
    lines = [f"10.0.{number}.0/24 via 10.9.9.9 dev eth1" for number in range(100)]
    lines[50] = "40.15.26.0/24 via 10.0.0.1 dev eth0"
    passed, found = verdict("\n".join(lines), expect=("40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink",))
    assert not passed
    assert lines[50] in found
    assert found[-1] == "… and 88 lines more"
    assert len(found) == 13
    assert verdict("", expect=("x",)) == (False, ["no output"])


def test_what_is_expected_in_words():
    check = Check("c", ("true",), expect=("a",), unexpected=("b",))
    assert check.expected() == ["a", "no line with: b"]
    assert Check("c", ("true",), expect_any=("a", "b")).expected() == ["a or b"]
    assert Check("c", ("true",)).expected() == ["exit status 0"]


def test_checks_that_could_not_fail_are_refused():
    problems = Check("c", (), expect=("linkdown",), timeout=0).problems("checks: entry 3")
    assert len(problems) == 3
    assert all(problem.startswith("checks: entry 3: ") for problem in problems)
    assert len(Check("c", ("true",), expect_any=("a", "")).problems("x")) == 1
    assert Check("c", ("true",), expect=("a",)).problems("x") == []


def test_the_network_only_of_no_container_is_refused():
    assert Check("c", ("true",), network_only=True).problems("checks: entry 3") == [
        "checks: entry 3: network_only of 'c' needs container: whose network it is"
    ]
    assert Check("c", ("true",), "busybox", network_only=True).problems("x") == []


def test_the_table_says_whose_network_a_program_of_the_host_had():
    bad = Check("ping", ("ping", "10.0.0.1"), "busybox", True, ("0% packet loss",)).result(False, ["x"])
    table = check_table({"node-1": [bad]}).splitlines()
    assert "  on node-1, in the network of container busybox: ping 10.0.0.1" in table


def test_the_table_shows_failures_side_by_side():
    good = Check("route", ("ip", "route"), expect=("a",)).result(True, ["a"])
    bad = Check("ping", ("ping", "10.0.0.1"), "busybox", expect=("0% packet loss",)).result(False, ["x", "100% loss"])
    assert check_table({"node-1": [good], "node-10": [good, bad], "node-2": []}).splitlines() == [
        "HOST     CHECK                       RESULT",
        "node-1   route                       pass",
        "node-10  route                       pass",
        "node-10  ping                        FAIL",
        "node-2   (the host gave no results)  FAIL",
        "",
        "4 checks on 3 hosts: 2 passed, 2 failed",
        "",
        "FAIL node-10: ping",
        "  on container busybox of node-10: ping 10.0.0.1",
        "  EXPECTED       | FOUND",
        "  0% packet loss | x",
        "                 | 100% loss",
    ]
