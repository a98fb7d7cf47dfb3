# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of ipset(8): read in one command, planned as data, changed in one command.

A set that only gains and loses members is changed in place, so that the rules which name it never see it empty. A set
that must become another one (of another type) is filled under a temporary name and swapped in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .command import run, script

LARGEST_SET = 1048576  # members
NAME_LENGTH = 31  # characters; IPSET_MAXNAMELEN of linux/netfilter/ipset/ip_set.h less the terminating zero


@dataclass(frozen=True)
class IpSet:
    """One set: ``hash:ip`` or ``hash:net``, of family ``inet`` or ``inet6``, with members as ipset prints them."""

    name: str
    type: str
    family: str
    members: frozenset[str] = field(default=frozenset())

    def creation(self, name: str | None = None) -> str:
        """The line that makes the set."""
        return f"create {name or self.name} {self.type} family {self.family} maxelem {LARGEST_SET}"

    def same_kind(self, other: IpSet) -> bool:
        """Whether one can become the other by its members alone."""
        return (self.type, self.family) == (other.type, other.family)


@dataclass(frozen=True)
class SetPlan:
    """What must change, as lines for ``ipset restore``: before rules are changed, and after."""

    lines: tuple[str, ...]
    destroyed: tuple[str, ...]


def parse_saved(text: str) -> dict[str, IpSet]:
    """The sets from the output of ``ipset save``."""
    heads: dict[str, tuple[str, str]] = {}
    members: dict[str, set[str]] = {}
    for line in text.splitlines():
        words = line.split(" ")
        if words[0] == "create":
            options = dict(zip(words[3::2], words[4::2]))
            heads[words[1]] = (words[2], options.get("family", ""))
            members[words[1]] = set()
        elif words[0] == "add":
            members[words[1]].add(words[2])
    return {name: IpSet(name, *head, frozenset(members[name])) for name, head in heads.items()}


def plan(wanted: Iterable[IpSet], current: Mapping[str, IpSet], owned: Callable[[str], bool]) -> SetPlan:
    """Compare. A set that is not wanted is destroyed only if it is ``owned`` by its name."""
    lines: list[str] = []
    wanted = list(wanted)
    for each in wanted:
        found = current.get(each.name)
        if found is None:
            lines.append(each.creation())
            lines += [f"add {each.name} {member}" for member in sorted(each.members)]
        elif not each.same_kind(found):
            lines += _replacement(each)
        else:
            lines += [f"add {each.name} {member}" for member in sorted(each.members - found.members)]
            lines += [f"del {each.name} {member}" for member in sorted(found.members - each.members)]
    kept = {each.name for each in wanted}
    return SetPlan(tuple(lines), tuple(sorted(name for name in current if owned(name) and name not in kept)))


def _replacement(wanted: IpSet) -> list[str]:
    # It begins as the set does, so that what a killed run leaves is destroyed as one of its owner's sets.
    temporary = wanted.name[: NAME_LENGTH - 1] + "~"
    return [
        wanted.creation(temporary),
        f"flush {temporary}",
        *(f"add {temporary} {member}" for member in sorted(wanted.members)),
        f"swap {temporary} {wanted.name}",
        f"destroy {temporary}",
    ]


def read() -> dict[str, IpSet]:
    """All sets of this network namespace."""
    return parse_saved(run(["ipset", "save"], package="ipset"))


def restore(lines: Sequence[str]) -> None:
    """Run lines as one command; ``-exist`` makes a member that is already there, or already gone, no error."""
    if lines:
        run(["ipset", "-exist", "restore"], script(lines), package="ipset")


def destroy(names: Iterable[str]) -> None:
    """Remove sets that no rule names any more."""
    restore([f"destroy {name}" for name in names])
