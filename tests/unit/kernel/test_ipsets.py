# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for sets of ipset(8)."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.kernel.ipsets import IpSet, parse_saved, plan

SAVED = """create cali4-s:one hash:ip family inet hashsize 1024 maxelem 1048576 bucketsize 12 initval 0xdc8bd2db
add cali4-s:one 197.19.38.139
add cali4-s:one 197.19.26.7
create foreign hash:net family inet6 hashsize 1024 maxelem 65536
add foreign fd00::/64 comment "mine"
"""


def owned(name: str) -> bool:
    return name.startswith("cali")


def test_reading() -> None:
    one, foreign = parse_saved(SAVED).values()
    assert one == IpSet("cali4-s:one", "hash:ip", "inet", frozenset({"197.19.38.139", "197.19.26.7"}))
    assert (foreign.type, foreign.family, foreign.members) == ("hash:net", "inet6", {"fd00::/64"})


def test_members_come_and_go_one_by_one() -> None:
    wanted = IpSet("cali4-s:one", "hash:ip", "inet", frozenset({"197.19.38.139", "197.19.26.8"}))
    steps = plan([wanted], parse_saved(SAVED), owned)
    assert steps.lines == ("add cali4-s:one 197.19.26.8", "del cali4-s:one 197.19.26.7")
    assert steps.destroyed == ()


def test_only_own_sets_are_destroyed() -> None:
    assert plan([], parse_saved(SAVED), owned).destroyed == ("cali4-s:one",)


def test_another_type_is_swapped_in() -> None:
    wanted = IpSet("cali4-s:one", "hash:net", "inet", frozenset({"10.0.0.0/8"}))
    assert plan([wanted], parse_saved(SAVED), owned).lines == (
        "create cali4-s:one~ hash:net family inet maxelem 1048576",
        "flush cali4-s:one~",
        "add cali4-s:one~ 10.0.0.0/8",
        "swap cali4-s:one~ cali4-s:one",
        "destroy cali4-s:one~",
    )


def test_what_a_killed_replacement_left_is_destroyed() -> None:
    left = SAVED.replace("cali4-s:one", "cali4-s:one~")
    assert plan([], parse_saved(SAVED + left), owned).destroyed == ("cali4-s:one", "cali4-s:one~")
