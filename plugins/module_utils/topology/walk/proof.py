# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Computed and seen, side by side: where they differ, and where a packet was lost and by which rule. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .packet import Header
from .seen import Met, Observations, Seen
from .steps import DELIVERED, DROPPED, Sight, Step, Walk, Way


@dataclass(frozen=True)
class ProvenSight:
    """A device that the packet should pass, and what was seen there."""

    computed: Sight
    seen: Seen | None
    differences: tuple[str, ...] = ()
    after: float | None = None  # seconds behind the first sight of the walk, on the same kernel

    def data(self) -> dict[str, Any]:
        """As plain data."""
        seen: dict[str, Any] = {"seen": self.seen is not None}
        if self.after is not None:
            seen["after_ms"] = round(self.after * 1000, 3)
        if self.differences:
            seen["differences"] = list(self.differences)
        return {**self.computed.data(), **seen}


@dataclass(frozen=True)
class ProvenStep:
    """A step, with what was seen of it."""

    step: Step
    sights: tuple[ProvenSight, ...]
    confirmed: tuple[str, ...] = ()  # computed rules that the kernel has told, too
    unconfirmed: tuple[str, ...] = ()  # computed rules that it has not told, where it could
    further: tuple[str, ...] = ()  # rules that decided something, and were not computed

    def data(self) -> dict[str, Any]:
        """As plain data."""
        rules = {
            "confirmed": list(self.confirmed),
            "unconfirmed": list(self.unconfirmed),
            "further": list(self.further),
        }
        return {**self.step.data(), "passes": [sight.data() for sight in self.sights], "rules": rules}


@dataclass(frozen=True)
class ProvenWay:
    """A way, with what was seen of it."""

    way: Way
    steps: tuple[ProvenStep, ...]
    agrees: bool
    says: str  # what came out
    lost: tuple[str, ...] = ()  # where it was lost, and by what

    @property
    def sights(self) -> list[ProvenSight]:
        """All devices that it should pass."""
        return [sight for step in self.steps for sight in step.sights]

    def data(self) -> dict[str, Any]:
        """As plain data."""
        steps = [step.data() for step in self.steps]
        return {**self.way.data(), "steps": steps, "agrees": self.agrees, "says": self.says, "lost": list(self.lost)}


@dataclass(frozen=True)
class Proof:
    """A walk, with what was seen of it."""

    walk: Walk
    way: ProvenWay
    back: ProvenWay | None
    elsewhere: tuple[Seen, ...]
    notes: tuple[str, ...]
    answered: bool = False
    answer: str = ""  # what came back, as echo reply

    @property
    def agrees(self) -> bool:
        """Whether all was seen as it was computed."""
        return self.way.agrees and (self.back is None or self.back.agrees)

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "from": self.walk.source,
            "to": self.walk.destination,
            "agrees": self.agrees,
            "answered": self.answered,
            "answer": self.answer,
            "way": self.way.data(),
            "back": self.back.data() if self.back else None,
            "elsewhere": [seen.sight.data() for seen in self.elsewhere],
            "notes": list(self.notes),
        }


def prove(walk: Walk, observed: Observations) -> Proof:
    """Compare a walk with what was seen."""
    observed = replace(observed, met=tuple(_whole(walk, met) for met in observed.met))
    left = list(observed.seen)
    first = min((seen.at for seen in left), default=0)
    kernel = next((_kernel(seen.sight.namespace) for seen in left if seen.at == first), "")
    way = _prove_way(walk.way, left, observed, (first, kernel))
    back = _prove_way(walk.back, left, observed, (first, kernel)) if walk.back else None
    notes = [f"The packet could not be sent: {observed.problem}"] if observed.problem else []
    notes += [f"The kernel was not asked for rules: {why}" for why in dict.fromkeys(observed.untraced.values())]
    notes += [f"{observed.missed} packets came too fast to be looked at, so some may have been missed."] * bool(
        observed.missed
    )
    answered = observed.answered_after is not None
    return Proof(walk, way, back, tuple(left), tuple(notes), answered, observed.answer if answered else "")


def _whole(walk: Walk, met: Met) -> Met:
    """What the kernel met, with the whole rule where only its chain was told and one computed rule of it fits."""
    if met.whole:
        return met
    steps = [*walk.way.steps, *(walk.back.steps if walk.back else ())]
    lines = {reason.line for step in steps if step.namespace == met.namespace for reason in step.reasons}
    verdict = f" -j {met.verdict}"
    fitting = [line for line in lines if line.startswith(f"{met.line} ") and verdict in line]
    return replace(met, line=fitting[0]) if len(fitting) == 1 else met


def _kernel(namespace: str) -> str:
    """What namespaces of one kernel have in common: its boot."""
    return namespace.partition("/")[0]


def _prove_way(way: Way, left: list[Seen], observed: Observations, first: tuple[int, str]) -> ProvenWay:
    steps = []
    for step in way.steps:
        sights = []
        for sight in step.sights:
            seen = _take(left, sight, way.content)
            differences = tuple(_differences(sight.headers, seen.sight.headers)) if seen else ()
            same_clock = seen is not None and _kernel(sight.namespace) == first[1]
            after = (seen.at - first[0]) / 1e9 if seen is not None and same_clock else None
            sights.append(ProvenSight(sight, seen, differences, after))
        prove_one = _prove_name if step.kind == "name" else _prove_step
        steps.append(prove_one(step, tuple(sights), observed))
    proven = _conclude(way, tuple(steps), left, observed)
    wrong_name = any(each.step.kind == "name" and each.unconfirmed for each in proven.steps)
    if wrong_name:
        says = f"{proven.says} The name is answered otherwise than computed."
        return replace(proven, agrees=False, says=says)
    return proven


def _take(left: list[Seen], sight: Sight, content: str) -> Seen | None:
    for seen in left:
        there = seen.sight
        same = (there.namespace, there.device, there.outgoing) == (sight.namespace, sight.device, sight.outgoing)
        if same and seen.content == content:
            left.remove(seen)
            return seen
    return None


def _differences(computed: Sequence[Header], seen: Sequence[Header]) -> Iterable[str]:
    names = [[header.name for header in headers] for headers in (computed, seen)]
    if names[0] != names[1]:
        yield f"computed are the headers {', '.join(names[0])}, seen are {', '.join(names[1]) or 'none'}"
        return
    for header, there in zip(computed, seen):
        for key, value in header.fields:
            if there.get(key) != value:
                yield f"{header.name} {key}: computed {value}, seen {there.get(key)}"


def _prove_step(step: Step, sights: tuple[ProvenSight, ...], observed: Observations) -> ProvenStep:
    computed = [reason.line for reason in step.reasons if reason.what.startswith("rule ")]
    ends = _ends_of(step)
    told = [met for met in observed.met if met.namespace == step.namespace and (met.source, met.destination) in ends]
    lines = {_plain(met.line) for met in told}
    confirmed = tuple(line for line in computed if _plain(line) in lines)
    traced = observed.traced(step.namespace) and told
    unconfirmed = tuple(line for line in computed if _plain(line) not in lines) if traced else ()
    known = {_plain(line) for line in computed}
    further = tuple(dict.fromkeys(met.line for met in told if met.drops and _plain(met.line) not in known))
    return ProvenStep(step, sights, confirmed, unconfirmed, further)


def _prove_name(step: Step, sights: tuple[ProvenSight, ...], observed: Observations) -> ProvenStep:
    """The question for a name: whether who is asked answers as computed."""
    asked = observed.asked
    if asked is None:  # a file has it, or there is nobody to ask
        return ProvenStep(step, sights)
    computed = step.reasons[-1].line
    address = computed.rpartition(": ")[2]
    if address in asked.addresses or (address == "no address" and not asked.addresses):
        return ProvenStep(step, sights, confirmed=(computed,))
    said = f"{asked.server} says: {', '.join(asked.addresses) or asked.problem or 'no address'}"
    return ProvenStep(step, sights, unconfirmed=(computed,), further=(said,))


def _ends_of(step: Step) -> set[tuple[str, str]]:
    """The addresses that packets of the step have, outer and inner ones."""
    return set(step.packets)


def _plain(line: str) -> str:
    """A rule's words without quotes and counters, which programs write differently."""
    return " ".join(line.partition(" [")[0].replace('"', "").split())


def _conclude(way: Way, steps: tuple[ProvenStep, ...], left: Sequence[Seen], observed: Observations) -> ProvenWay:
    sights = [sight for step in steps for sight in step.sights]
    seen = [sight for sight in sights if sight.seen]
    missing = [sight for sight in sights if not sight.seen]
    different = [sight for sight in seen if sight.differences]
    arrived = bool(sights) and sights[-1].seen is not None and way.end == DELIVERED
    beyond = [each for each in left if each.content == way.content]
    if not sights and way.end == DROPPED and not beyond:
        return ProvenWay(way, steps, True, "Proven: nothing leaves.", _computed_why(way, steps, None, observed))
    if not seen:
        return ProvenWay(way, steps, False, "It was seen nowhere.", tuple(_why(steps, None, observed)))
    last = max(n for n, sight in enumerate(sights) if sight.seen)
    if way.end == DELIVERED and not arrived:
        where, unseen = sights[last].computed.label, sights[last + 1].computed.label
        says = f"It was lost: last seen on {where}, and not on {unseen} any more."
        return ProvenWay(way, steps, False, says, tuple(_why(steps, sights[last], observed)))
    if missing or different:
        says = f"Seen on {len(seen)} of {len(sights)} devices"
        says += f", and otherwise than computed on {len(different)} of them." if different else "."
        return ProvenWay(way, steps, False, says)
    if way.end == DELIVERED:
        return ProvenWay(way, steps, True, f"Proven: seen on all {len(sights)} devices, as computed.")
    if way.end == DROPPED and not beyond:
        lost = _computed_why(way, steps, sights[last], observed)
        return ProvenWay(way, steps, True, "Proven: it comes as far as computed, and no further.", lost)
    if beyond:
        places = list(dict.fromkeys(each.sight.label for each in beyond))
        where = " and ".join(filter(None, [", ".join(places[:3]), f"{len(places) - 3} more" if places[3:] else ""]))
        return ProvenWay(way, steps, False, f"It goes on where no way was computed: seen on {where}.")
    return ProvenWay(way, steps, False, "It comes as far as could be computed, and was not seen beyond.")


def _computed_why(
    way: Way, steps: Sequence[ProvenStep], last: ProvenSight | None, observed: Observations
) -> tuple[str, ...]:
    """The same of a loss that was computed: where no rule is the reason, first what is."""
    told = tuple(_why(steps, last, observed))
    if " by the rule: " in way.because:
        return told
    place = steps[-1].step.place
    return (way.because if place in way.because else f"{place}: {way.because}", *told)


def _why(steps: Sequence[ProvenStep], last: ProvenSight | None, observed: Observations) -> Iterable[str]:
    """What the kernels say of the loss, where it was seen last and where it should be next: rules, else counters."""
    namespaces = [step.step.namespace for step in steps]
    if last is not None:
        start = namespaces.index(last.computed.namespace) if last.computed.namespace in namespaces else 0
        namespaces = [last.computed.namespace, *namespaces[start : start + 2]]
    ends = {packet for step in steps for packet in step.step.packets}
    labels = {step.step.namespace: step.step.place for step in steps}
    found = False
    for namespace in dict.fromkeys(namespaces):
        for met in _dropping(observed.met, namespace, ends):
            found = True
            yield f"{labels.get(namespace, namespace)} dropped it by the rule: {met.line}"
    if found:
        return
    for namespace in dict.fromkeys(namespaces):
        for hint in observed.hints.get(namespace, ()):
            yield f"{labels.get(namespace, namespace)}: {hint}"


def _dropping(met: Iterable[Met], namespace: str, ends: set[tuple[str, str]]) -> list[Met]:
    return [
        each for each in met if each.namespace == namespace and each.drops and (each.source, each.destination) in ends
    ]
