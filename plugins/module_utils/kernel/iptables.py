# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of iptables (or ip6tables) that are wholly ours, and the rules that jump to them from chains that are not.

A jump never stands where no packet comes: it is in front of a rule of others that ends the way of all packets, as the
REJECT at the end of many a FORWARD chain. A chain of others that is not there yet, as DOCKER-USER before Docker
first starts, is made, and left to them.

All tables change in one run of iptables-restore(8) without flushing: either everything is there or nothing is, and
rules that others made are not touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import LabError, raise_if_any
from ..outcome import Outcome
from .command import CommandFailed, run, script
from .namespaces import inside, inside_empty

TABLES = ("filter", "nat", "mangle", "raw")
KERNEL_CHAINS = ("INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING")
CHAIN_NAME_LENGTH = 28  # characters; XT_EXTENSION_MAXNAMELEN of the kernel less one
PROGRAMS = {"ipv4": "iptables", "ipv6": "ip6tables"}
LOCK_SECONDS = "10"  # how long to wait for another program that changes rules
_ENDING_TARGETS = ("ACCEPT", "DROP", "REJECT", "MASQUERADE", "SNAT", "DNAT", "REDIRECT")
_STOPPING_TARGETS = ("DROP", "REJECT")
_FOR_ALL_PACKETS = re.compile(r'(?:-m comment --comment (?:"[^"]*"|\S+) )?-([jg]) (\S+)')
_TARGET = re.compile(r"(?:^| )-j (\S+)")

Chains = Mapping[tuple[str, str], Sequence[str]]  # the rules by (table, chain)


@dataclass(frozen=True)
class ChainSet:
    """Our chains with their rules, and the jumps to them; both by table."""

    chains: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # (table, chain): rules
    jumps: list[tuple[str, str, str]] = field(default_factory=list)  # table, chain, rule
    netns: str | None = None
    top: list[tuple[str, str, str]] = field(default_factory=list)  # jumps before all other rules of their chain
    ip_version: str = "ipv4"
    unstopped: list[tuple[str, str, str]] = field(default_factory=list)  # jumps before what drops or rejects any packet

    @property
    def all_jumps(self) -> list[tuple[str, str, str]]:
        """The jumps, wherever they stand."""
        return [*self.jumps, *self.top, *self.unstopped]


def parse(params: dict[str, Any], removing: bool) -> ChainSet:
    """The task's chains; InvalidInput names everything that is wrong with them, by index."""
    problems: list[str] = []
    chains = _parse_chains(params.get("chains") or [], problems)
    jumps: dict[tuple[str, str, str], int] = {}
    top = []
    for index, options in enumerate(params.get("jumps") or []):
        table, chain, rule = jump = options.get("table") or "filter", options["chain"], options["rule"]
        problems += [f"jumps[{index}]: {problem}" for problem in _rule_problems(rule)]
        if not removing and (table, chain) in chains:
            problems.append(f"jumps[{index}]: chain {chain} is listed in 'chains': put the rule there")
        first = jumps.setdefault(jump, index)
        if first != index:
            problems.append(
                f"jumps[{index}]: '{rule}' of chain {chain} in table {table} is given twice, "
                f"in entries {first} and {index}: drop one"
            )
        top += [jump] if options.get("insert") else []
    raise_if_any(problems)
    appended = [jump for jump in jumps if jump not in top]
    return ChainSet(chains, appended, params.get("netns"), top, params.get("ip_version") or "ipv4")


def _parse_chains(entries: list[dict[str, Any]], problems: list[str]) -> dict[tuple[str, str], list[str]]:
    chains: dict[tuple[str, str], list[str]] = {}
    positions: dict[tuple[str, str], int] = {}
    for index, options in enumerate(entries):
        table, name = key = options.get("table") or "filter", options["name"]
        if not 0 < len(name) <= CHAIN_NAME_LENGTH or any(c.isspace() for c in name):
            problems.append(
                f"chains[{index}]: '{name}' is not a chain name: 1 to {CHAIN_NAME_LENGTH} characters, no blank"
            )
        if name in KERNEL_CHAINS:
            problems.append(
                f"chains[{index}]: {name} of table {table} is a chain of the kernel, which others use too: "
                "list its rules in 'jumps'"
            )
        first = positions.setdefault(key, index)
        if first != index:
            problems.append(
                f"chains[{index}]: {name} of table {table} is given twice, in entries {first} and {index}: "
                "join their rules"
            )
        chains[key] = options.get("rules") or []
        problems += [
            f"chains[{index}].rules[{n}]: {p}" for n, rule in enumerate(chains[key]) for p in _rule_problems(rule)
        ]
    return chains


def _rule_problems(rule: str) -> list[str]:
    """A rule is one line, from behind the chain's name."""
    if "\n" in rule or rule.startswith(("-A ", "-I ", "-D ", ":", "*")):
        shown = rule.replace("\n", "\\n")
        return [f"'{shown}' must be one rule as iptables-save prints it, without '-A CHAIN'"]
    return []


def parse_saved(text: str) -> dict[tuple[str, str], list[str]]:
    """The chains of all tables from the output of iptables-save(8)."""
    chains: dict[tuple[str, str], list[str]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            chains[(table, line[1:].split(" ", 1)[0])] = []
        elif line.startswith("-A "):
            _append, chain, *rule = line.split(" ", 2)
            chains[(table, chain)].append(rule[0] if rule else "")
    return chains


@dataclass(frozen=True)
class ChainPlan:
    """What must change."""

    filled: dict[tuple[str, str], list[str]]  # our chains whose rules differ, or that are missing
    added: list[tuple[str, str, str]]  # jumps to append
    removed: list[tuple[str, str, str]]  # jumps to take away
    deleted: list[tuple[str, str]]  # our former chains
    inserted: list[tuple[str, str, str]] = field(default_factory=list)  # jumps to put before all other rules
    placed: list[tuple[str, str, str, int]] = field(default_factory=list)  # jumps to put where a rule stands, from 1 on
    provided: list[tuple[str, str]] = field(default_factory=list)  # chains of others that are missing

    def __bool__(self) -> bool:
        return any((self.filled, self.added, self.removed, self.deleted, self.inserted, self.placed))

    def applied_to(self, current: Chains) -> dict[tuple[str, str], list[str]]:
        """The chains as they are once the changes are made; those that do not change are those of ``current``."""
        chains = {**current, **self.filled}
        for key in self.deleted:
            chains.pop(key, None)
        removed = [jump for jump in self.removed if jump[:2] in chains]
        for key in {jump[:2] for jump in (*removed, *self.added, *self.placed, *self.inserted)}:
            chains[key] = list(chains.get(key, ()))
        for table, chain, rule in removed:
            chains[(table, chain)].remove(rule)
        for table, chain, rule in self.added:
            chains[(table, chain)].append(rule)
        for table, chain, rule, place in reversed(self.placed):
            chains[(table, chain)].insert(place - 1, rule)
        for table, chain, rule in reversed(self.inserted):
            chains[(table, chain)].insert(0, rule)
        return chains

    def script(self) -> str:
        """The input of iptables-restore(8) --noflush."""
        lines = []
        for table in TABLES:
            filled = {chain: rules for (of, chain), rules in self.filled.items() if of == table}
            deleted = [chain for of, chain in self.deleted if of == table]
            provided = [chain for of, chain in self.provided if of == table]
            body = [f":{chain} - [0:0]" for chain in [*filled, *deleted, *provided]]
            body += [f"-D {chain} {rule}" for of, chain, rule in self.removed if of == table]
            body += [f"-A {chain} {rule}" for chain, rules in filled.items() for rule in rules]
            body += [f"-A {chain} {rule}" for of, chain, rule in self.added if of == table]
            body += [f"-I {chain} {n} {rule}" for of, chain, rule, n in reversed(self.placed) if of == table]
            body += [f"-I {chain} {rule}" for of, chain, rule in reversed(self.inserted) if of == table]
            body += [f"-X {chain}" for chain in deleted]
            if body:
                lines += [f"*{table}", *body, "COMMIT"]
        return script(lines)


def plan(wanted: ChainSet, obsolete: Sequence[ChainSet], current: dict[tuple[str, str], list[str]]) -> ChainPlan:
    """Compare with what the kernel has. A jump that is found where it must not stand is moved."""
    inserted = _displaced(wanted, current)
    kept = wanted.all_jumps
    leaving = dict.fromkeys(jump for chains in obsolete for jump in chains.all_jumps if jump not in kept)
    former = dict.fromkeys(key for chains in obsolete for key in chains.chains if key not in wanted.chains)
    staying = _without([*leaving, *inserted], current)
    behind: list[tuple[str, str, str]] = []
    added: list[tuple[str, str, str]] = []
    placed: list[tuple[str, str, str, int]] = []
    for jump, any_stop in [*((jump, False) for jump in wanted.jumps), *((jump, True) for jump in wanted.unstopped)]:
        table, chain, rule = jump
        rules = staying.get((table, chain), [])
        place = _obstacle(staying, table, chain, any_stop)
        if rule in rules[:place]:
            continue
        behind += [jump] if rule in rules else []
        if place < len(rules):
            placed.append((table, chain, rule, place + 1))
        else:
            added.append(jump)
    placed.sort(key=lambda jump: jump[3])
    used = dict.fromkeys(jump[:2] for jump in kept)
    return ChainPlan(
        filled={key: rules for key, rules in wanted.chains.items() if current.get(key) != rules},
        added=added,
        removed=[found for jump in [*leaving, *inserted, *behind] for found in _all_of(jump, current)],
        deleted=[key for key in former if key in current],
        inserted=inserted,
        placed=placed,
        provided=[
            key for key in used if key not in current and key not in wanted.chains and key[1] not in KERNEL_CHAINS
        ],
    )


def _all_of(jump: tuple[str, str, str], current: Chains) -> list[tuple[str, str, str]]:
    """A jump as often as it is there: its chain cannot go while one is left."""
    return [jump] * current.get(jump[:2], []).count(jump[2])


def _without(jumps: Sequence[tuple[str, str, str]], current: Chains) -> Chains:
    touched = {jump[:2] for jump in jumps} & current.keys()
    return {**current, **{key: [rule for rule in current[key] if (*key, rule) not in jumps] for key in touched}}


def _obstacle(chains: Chains, table: str, chain: str, any_stop: bool) -> int:
    """The index of the rule of a chain before which a jump must stand; the number of its rules if there is none.

    It is the first one that lets no packet by; in a chain that a program or a person made also one that sends some
    packets back. With ``any_stop`` it is one that drops or rejects some packets, too.
    """
    rules = chains.get((table, chain), ())
    own_targets = (*(_STOPPING_TARGETS if any_stop else ()), *(() if chain in KERNEL_CHAINS else ("RETURN",)))
    for index, rule in enumerate(rules):
        target = _TARGET.search(rule)
        if (target and target.group(1) in own_targets) or _ends(chains, table, rule, {chain}):
            return index
    return len(rules)


def _ends(chains: Chains, table: str, rule: str, on_the_way: set[str]) -> bool:
    """Whether no packet comes behind a rule, be it by a chain that it jumps to."""
    target = _FOR_ALL_PACKETS.match(rule)
    if target is None:
        return False
    verb, name = target.groups()
    if verb == "g" or name in _ENDING_TARGETS:
        return True
    for inner in () if name in on_the_way else chains.get((table, name), ()):
        found = _TARGET.search(inner)
        if found and found.group(1) == "RETURN":
            return False  # some packets come back
        if _ends(chains, table, inner, {*on_the_way, name}):
            return True
    return False


def _displaced(wanted: ChainSet, current: dict[tuple[str, str], list[str]]) -> list[tuple[str, str, str]]:
    """The jumps of the chains whose first rules are not the wanted ones."""
    tops: dict[tuple[str, str], list[str]] = {}
    for table, chain, rule in wanted.top:
        tops.setdefault((table, chain), []).append(rule)
    astray = {key for key, rules in tops.items() if current.get(key, [])[: len(rules)] != rules}
    return [jump for jump in wanted.top if jump[:2] in astray]


def converge_chains(wanted: ChainSet, obsolete: Sequence[ChainSet], check_mode: bool) -> Outcome:
    """Bring the wanted chains and jumps about and remove the obsolete ones, which may be of another IP version."""
    before: list[str] = []
    after: list[str] = []
    with inside(wanted.netns):
        for ip_version in dict.fromkeys([*(each.ip_version for each in obsolete), wanted.ip_version]):
            of_version = wanted if ip_version == wanted.ip_version else ChainSet(ip_version=ip_version)
            current = read(ip_version)
            of_version = in_words_of_iptables(of_version, current)
            former = [in_words_of_iptables(each, current) for each in obsolete if each.ip_version == ip_version]
            steps = plan(of_version, former, current)
            before += shown(current, steps, wanted=False)
            after += shown(current, steps, wanted=True)
            if steps and check_mode:
                restore(ip_version, steps, only_try=True)
            elif steps:
                restore(ip_version, steps)
                _check_texts(of_version, read(ip_version))
    return Outcome({"rules": before}, {"rules": after})


def in_words_of_iptables(chains: ChainSet, current: dict[tuple[str, str], list[str]]) -> ChainSet:
    """The rules as iptables-save prints them, however they are written: "-p tcp --dport 80" has a "-m tcp" there.

    What the kernel has as it is written needs no look. All else is tried in an empty network namespace, and stays as it
    is written if iptables cannot be tried there, as with a set that only this one has.
    """
    written = [(key, rule) for key, rules in chains.chains.items() for rule in rules]
    written += [((table, chain), rule) for table, chain, rule in chains.all_jumps]
    if all(rule in current.get(key, ()) for key, rule in written):
        return chains
    by_chain: dict[tuple[str, str], list[str]] = {key: [] for key in chains.chains}
    for key, rule in written:
        by_chain.setdefault(key, []).append(rule)
    others = {key: [] for key in current if key not in by_chain and key[1] not in KERNEL_CHAINS}
    printed = _tried(chains.ip_version, {**others, **by_chain})
    words = {(key, rule): rule for key, rule in written}
    for key, rules in by_chain.items():
        if len(printed.get(key, ())) == len(rules):  # "-s A,B" is two rules for the kernel: that stays as it is written
            words.update(zip([(key, rule) for rule in rules], printed[key]))
    return replace(
        chains,
        chains={key: [words[(key, rule)] for rule in rules] for key, rules in chains.chains.items()},
        jumps=[(table, chain, words[((table, chain), rule)]) for table, chain, rule in chains.jumps],
        top=[(table, chain, words[((table, chain), rule)]) for table, chain, rule in chains.top],
    )


def _tried(ip_version: str, chains: dict[tuple[str, str], list[str]]) -> dict[tuple[str, str], list[str]]:
    """The chains as iptables prints them again; empty if it does not take them."""
    own = {key: rules for key, rules in chains.items() if key[1] not in KERNEL_CHAINS}
    of_kernel = [(*key, rule) for key, rules in chains.items() if key[1] in KERNEL_CHAINS for rule in rules]
    try:
        with inside_empty():
            restore(ip_version, ChainPlan(filled=own, added=of_kernel, removed=[], deleted=[]))
            return read(ip_version)
    except LabError:
        return {}


def read(ip_version: str) -> dict[tuple[str, str], list[str]]:
    """The chains of all tables of this network namespace."""
    return parse_saved(run([f"{PROGRAMS[ip_version]}-save"], package="iptables"))


def restore(ip_version: str, steps: ChainPlan, only_try: bool = False) -> None:
    """Make the planned changes in one step; LabError if iptables refuses them. ``only_try``: see whether it would.

    A jump to a chain that there is not, which somebody may be about to make, is refused in earnest only.
    """
    script = steps.script()
    options = ["--noflush", "--wait", LOCK_SECONDS, *(["--test"] if only_try else [])]
    try:
        run([f"{PROGRAMS[ip_version]}-restore", *options], script, package="iptables")
    except CommandFailed as error:
        raise LabError(f"{error} The input was:\n{script}") from error


def shown(current: dict[tuple[str, str], list[str]], steps: ChainPlan, wanted: bool) -> list[str]:
    """The lines that differ, in the form of iptables-save(8); a jump at the top as it is inserted."""
    lines = []
    chains = (
        steps.filled if wanted else {key: current[key] for key in [*steps.filled, *steps.deleted] if key in current}
    )
    for (table, chain), rules in chains.items():
        lines += [f"{table}: -N {chain}"] + [f"{table}: -A {chain} {rule}" for rule in rules]
    lines += [f"{table}: -A {chain} {rule}" for table, chain, rule in (steps.added if wanted else steps.removed)]
    lines += [f"{table}: -I {chain} {place} {rule}" for table, chain, rule, place in (steps.placed if wanted else ())]
    return lines + [f"{table}: -I {chain} 1 {rule}" for table, chain, rule in (steps.inserted if wanted else ())]


def _check_texts(wanted: ChainSet, current: dict[tuple[str, str], list[str]]) -> None:
    """A rule that iptables prints in other words would look like a change in every run."""
    problems = []
    for (table, chain), rules in wanted.chains.items():
        printed = current.get((table, chain), [])
        problems += [
            f"table {table}, chain {chain}: '{rule}' is printed by iptables-save as '{shown}': write it so"
            for rule, shown in zip(rules, printed)
            if rule != shown
        ]
    for table, chain, rule in wanted.all_jumps:
        if rule not in current.get((table, chain), []):
            problems.append(
                f"table {table}, chain {chain}: '{rule}' is printed by iptables-save in other words: write it so; "
                f"the chain has {current.get((table, chain), [])}"
            )
    raise_if_any(problems)
