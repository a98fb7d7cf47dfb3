# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk as text for a terminal: each step with what decides it, the devices, and the headers on them. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from .packet import Header
from .proof import Proof, ProvenSight, ProvenStep, ProvenWay
from .steps import DELIVERED, DROPPED, Sight, Step, Walk, Way

_WIDTH = 110
_SIGN = {"drop": "✖", "unknown": "?", "deliver": "●"}
_CARRYING = ("VXLAN",)


def walk_text(walk: Walk, proof: Proof | None) -> str:
    """The walk; with what was seen of it, if it was sent."""
    ends = f"{walk.source} ({walk.way.source}) to {walk.destination} ({walk.way.destination})"
    lines = [f"A packet from {ends}", ""]
    lines += _way("THE WAY", walk.way, proof.way if proof else None)
    if walk.back is not None:
        lines += ["", *_way("AND BACK", walk.back, proof.back if proof else None)]
    if proof is not None:
        lines += _rest(proof)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def outcome(walk: Walk, proof: Proof | None) -> str:
    """How it ends: delivered, if its answer comes, too. Where it was sent, what was seen counts."""
    if proof is not None:
        unanswered = walk.back is None and walk.way.end == DELIVERED  # nobody knows what a program answers
        return DELIVERED if proof.answered or (unanswered and proof.way.agrees) else DROPPED
    if walk.back is None and walk.way.end == DELIVERED:
        return DELIVERED
    if walk.way.end != DELIVERED or walk.back is None:
        return walk.way.end
    return walk.back.end


def summary(walk: Walk, proof: Proof | None) -> str:
    """What came out, in one line."""
    way = walk.way
    computed = "it arrives" if way.end == DELIVERED else f"it is {way.end}: {way.because}"
    if walk.back is not None and walk.back.end != DELIVERED:
        computed += f"; the answer is {walk.back.end}: {walk.back.because}"
    if proof is None:
        return f"Computed: {computed}."
    agrees = "seen as computed" if proof.agrees else "seen otherwise than computed"
    return f"Computed: {computed}. Sent, and {agrees}."


def _way(title: str, way: Way, proven: ProvenWay | None) -> Iterator[str]:
    said = proven.says if proven else {DELIVERED: "It arrives."}.get(way.end, f"It is {way.end}: {way.because}.")
    yield f"{title}   {said}"
    for lost in proven.lost if proven else ():
        yield from _wrapped(lost, "          ✖ ", "            ")
    for number, step in enumerate(way.steps, 1):
        yield ""
        yield from _step(number, step, proven.steps[number - 1] if proven else None)


def _step(number: int, step: Step, proven: ProvenStep | None) -> Iterator[str]:
    sign = _SIGN.get(step.kind, " ")
    yield from _wrapped(f"{step.place}: {step.says}", f"{number:>3} {sign} ", "      ")
    for reason in step.reasons:
        sign = _rule_sign(reason.line, proven)
        yield from _wrapped(reason.line, f"      {sign} {reason.what:<17} ", " " * 26)
    if step.mark:
        yield f"        {'mark':<17} {step.mark:#x}"
    for line in proven.further if proven else ():
        what = "rule" if step.kind != "name" else "answer"
        yield from _wrapped(line, f"      ! {f'{what}, not computed':<17} ", " " * 26)
    for doubt in step.doubts:
        yield from _wrapped(doubt, "      ? ", "        ")
    sights = proven.sights if proven else [ProvenSight(sight, None) for sight in step.sights]
    for group in _groups(sights):
        yield "        " + " → ".join(_sight(sight, proven is not None) for sight in group)
        for sight in group:
            for difference in sight.differences:
                yield f"          ! {sight.computed.label}: {difference}"
        yield from (f"          │ {line}" for line in header_lines(group[0].computed.headers))


def _rule_sign(line: str, proven: ProvenStep | None) -> str:
    if proven is None:
        return " "
    return "✔" if line in proven.confirmed else "!" if line in proven.unconfirmed else " "


def _groups(sights: Sequence[ProvenSight]) -> list[list[ProvenSight]]:
    """Devices one after the other on which the packet is the same."""
    groups: list[list[ProvenSight]] = []
    for sight in sights:
        if groups and groups[-1][-1].computed.headers == sight.computed.headers:
            groups[-1].append(sight)
        else:
            groups.append([sight])
    return groups


def _sight(sight: ProvenSight, proven: bool) -> str:
    if not proven:
        return _label(sight.computed)
    if sight.seen is None:
        return f"✖ {_label(sight.computed)}"
    after = f" +{sight.after * 1000:.3f} ms" if sight.after is not None else ""
    return f"{'!' if sight.differences else '✔'} {_label(sight.computed)}{after}"


def _label(sight: Sight) -> str:
    return sight.label


def header_lines(headers: Sequence[Header]) -> Iterator[str]:
    """Headers, those of what is inside a tunnel further to the right."""
    indent = ""
    for number, header in enumerate(headers):
        inner_ip = number and header.name.startswith("IPv") and headers[number - 1].name.startswith("IPv")
        if inner_ip:
            indent += "  "
        yield f"{indent}{header.name:<9} {header.describe()}"
        if header.name in _CARRYING:
            indent += "  "


def _rest(proof: Proof) -> Iterator[str]:
    if proof.elsewhere:
        yield ""
        yield "SEEN ELSEWHERE, where it was not computed"
        for group in _groups([ProvenSight(seen.sight, seen) for seen in proof.elsewhere]):
            yield from _wrapped(" → ".join(sight.computed.label for sight in group), "      ! ", "          ")
            yield from (f"          │ {line}" for line in header_lines(group[0].computed.headers))
    if proof.notes:
        yield ""
        for note in proof.notes:
            yield from _wrapped(note, "      ", "      ")


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
