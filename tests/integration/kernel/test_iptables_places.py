# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module iptables_chains: jumps before all other rules, and ip6tables."""

from __future__ import annotations

from typing import Any

from tests.support.kernel_view import command, rules
from tests.support.module_runner import assert_converges, assert_unchanged, run_module

JUMPS = [
    {"chain": "FORWARD", "rule": "-j MINE-1", "insert": True},
    {"chain": "FORWARD", "rule": "-j MINE-2", "insert": True},
    {"chain": "FORWARD", "rule": "-j MINE-3"},
]
CHAINS = [{"name": f"MINE-{number}", "rules": ["-j RETURN"]} for number in (1, 2, 3)]


def forward(netns: str) -> list[str]:
    return [rule for rule in rules(netns) if rule.startswith("-A FORWARD")]


def iptables(netns: str, program: str, *arguments: str) -> str:
    return command("nsenter", f"--net=/run/netns/{netns}", program, *arguments)


def test_jumps_stand_before_all_other_rules_in_their_order(netns: str) -> None:
    iptables(netns, "iptables", "-A", "FORWARD", "-i", "docker0", "-j", "ACCEPT")
    assert_converges("iptables_chains", netns=netns, chains=CHAINS, jumps=JUMPS)
    documented = [
        "-A FORWARD -j MINE-1",
        "-A FORWARD -j MINE-2",
        "-A FORWARD -i docker0 -j ACCEPT",
        "-A FORWARD -j MINE-3",
    ]
    assert forward(netns) == documented


def test_a_displaced_jump_is_moved_back(netns: str) -> None:
    arguments: dict[str, Any] = {"netns": netns, "chains": CHAINS, "jumps": JUMPS}
    run_module("iptables_chains", **arguments)
    iptables(netns, "iptables", "-I", "FORWARD", "-i", "docker0", "-j", "ACCEPT")
    moved = assert_converges("iptables_chains", **arguments)
    assert "filter: -I FORWARD 1 -j MINE-1" in moved["diff"]["after"]["rules"]
    assert forward(netns)[:2] == ["-A FORWARD -j MINE-1", "-A FORWARD -j MINE-2"]
    assert len(forward(netns)) == 4
    run_module("iptables_chains", state="absent", **arguments)
    assert forward(netns) == ["-A FORWARD -i docker0 -j ACCEPT"]


def test_ip6tables_has_chains_of_its_own(netns: str) -> None:
    chains = [{"name": "MINE-6", "rules": ["-s fd00::/8 -j DROP"]}]
    jumps = [{"chain": "FORWARD", "rule": "-j MINE-6", "insert": True}]
    arguments: dict[str, Any] = {"netns": netns, "chains": chains, "jumps": jumps, "ip_version": "ipv6"}
    assert_converges("iptables_chains", **arguments)
    assert "-A MINE-6 -s fd00::/8 -j DROP" in iptables(netns, "ip6tables", "-S")
    assert "MINE-6" not in iptables(netns, "iptables", "-S")
    run_module("iptables_chains", state="absent", **arguments)
    assert "MINE-6" not in iptables(netns, "ip6tables", "-S")
    assert_unchanged("iptables_chains", state="absent", **arguments)
