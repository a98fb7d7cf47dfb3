# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured of several networks on the same hosts, side by side, with the documents' own comparison. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .spread import Spread, number

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Quantity:
    """Something that has a number. ``key`` is its name for machines."""

    key: str
    title: str
    unit: str
    more_is_better: bool = False
    beside: str = "hosts"  # what was measured in turns with it; empty for nothing


LATENCY = Quantity("latency", "Round trip, same segment", "ms")
LATENCY_ACROSS = Quantity("latency_across", "Round trip, across the router", "ms")
THROUGHPUT = Quantity("throughput", "Throughput, default MTU", "Gbit/s", True)
THROUGHPUT_EQUAL = Quantity("throughput_equal", "Throughput, equal MTU", "Gbit/s", True)
THROUGHPUT_ACROSS = Quantity("throughput_across", "Throughput, across the router", "Gbit/s", True)
PROCESSOR = Quantity("processor", "Processor, default MTU", "s/Gbit")
PROCESSOR_EQUAL = Quantity("processor_equal", "Processor, equal MTU", "s/Gbit")
START = Quantity("start", "docker run to the first answer", "s", beside="a container without a network")
CONVERGE = Quantity("converge", "First site.yml, with its checks", "s", beside="")
QUANTITIES = (
    LATENCY,
    LATENCY_ACROSS,
    THROUGHPUT,
    THROUGHPUT_EQUAL,
    THROUGHPUT_ACROSS,
    PROCESSOR,
    PROCESSOR_EQUAL,
    START,
    CONVERGE,
)


@dataclass(frozen=True)
class Measured:
    """A quantity of a network, and of what was measured in turns with it."""

    value: Spread
    beside: Spread | None = None

    @property
    def ratio(self) -> float | None:
        """How often the median of what was beside it."""
        return self.value.median / self.beside.median if self.beside and self.beside.median else None


@dataclass(frozen=True)
class Fact:
    """What a network does, beside what the documents say of it."""

    title: str
    here: str
    documented: str = ""


@dataclass(frozen=True)
class Compared:
    """One network, or one of its variants. Of one that could not be measured there is but the reason, ``problem``."""

    name: str
    numbers: Mapping[str, Measured]  # by the key of the quantity
    facts: Mapping[str, Fact]
    problem: str = ""
    source: str = ""  # where the documents tell of it
    notes: tuple[str, ...] = ()  # what went wrong in parts

    @classmethod
    def from_data(cls, data: Data) -> Compared:
        """From a document of compare.yml."""
        measured, documented = data.get("measured"), data.get("documented") or {}
        if not measured:
            why = data.get("problem") or "it was not measured"
            return cls(data["name"], {}, {}, why, documented.get("source", ""))
        return cls(
            name=data["name"],
            numbers=_numbers(measured, data.get("converge")),
            facts={key: Fact(title, say(measured), documented.get(key, "")) for key, (title, say) in _FACTS.items()},
            source=documented.get("source", ""),
            notes=tuple(_notes(measured)),
        )


def compared(comparison: Data) -> list[Compared]:
    """All networks of a comparison."""
    return [Compared.from_data(variant) for variant in comparison["variants"]]


def _peer(measured: Data, across: bool) -> Data | None:
    return next((peer for peer in measured["peers"] if peer["across"] == across), None)


def _numbers(measured: Data, converge: float | None) -> dict[str, Measured]:
    near, far = _peer(measured, False), _peer(measured, True)
    rows: list[tuple[Quantity, Sequence[float | None], Sequence[float | None]]] = [
        (LATENCY, *_latency(near)),
        (LATENCY_ACROSS, *_latency(far)),
        (THROUGHPUT, *_rates(near, "default")),
        (THROUGHPUT_EQUAL, *_rates(near, "equal")),
        (THROUGHPUT_ACROSS, *_rates(far, "default")),
        (PROCESSOR, *_of_runs(near, "default", ("processor",))),
        (PROCESSOR_EQUAL, *_of_runs(near, "equal", ("processor",))),
        (START, [run["answer"] for run in measured["starts"]], [run["bare"] for run in measured["starts"]]),
        (CONVERGE, [converge], []),
    ]
    spreads = {quantity.key: (Spread.of(values), Spread.of(beside)) for quantity, values, beside in rows}
    return {key: Measured(value, beside) for key, (value, beside) in spreads.items() if value}


def _latency(peer: Data | None) -> tuple[Sequence[float], Sequence[float]]:
    return (peer["latency"]["container"], peer["latency"]["host"]) if peer else ((), ())


def _rates(peer: Data | None, size: str) -> tuple[Sequence[float], Sequence[float]]:
    """Both directions together."""
    return _of_runs(peer, size, ("sent", "received"))


def _of_runs(peer: Data | None, size: str, keys: Sequence[str]) -> tuple[Sequence[float], Sequence[float]]:
    found = (peer or {}).get("throughput", {}).get(size) or {"container": (), "host": ()}
    container, host = ([run[key] for run in found[end] for key in keys] for end in ("container", "host"))
    return container, host


def _mtu(measured: Data) -> str:
    near = measured["peers"][0]
    passes = {True: "", False: ", which does not pass", None: ""}[near["full_size"]]
    return f"{measured['mtu']} of {measured['underlay_mtu']}{passes}"


def _carried(measured: Data) -> str:
    """On the wire to the same segment, and to another one if that differs."""
    found = []
    for peer in measured["peers"]:
        if peer["wire"] and peer["wire"]["by"]:
            overhead = peer["wire"]["overhead"]
            more = "" if overhead is None else f", {overhead:+d} bytes" if overhead else ""
            found.append(f"{peer['wire']['by']}{more}")
    if len(set(found)) > 1:
        return f"{found[0]}; across the router {found[1]}"
    return found[0] if found else "not seen"


def _subnets(measured: Data) -> str:
    peer = _peer(measured, True)
    if peer is not None:
        return "yes" if peer["reached"] else "no"
    outside = measured.get("outside") or []
    return f"no: {', '.join(outside)} takes no part" if outside else "no host behind a router"


def _isolation(measured: Data) -> str:
    isolated = measured["isolation"]["isolated"]
    return "one network only" if isolated is None else "yes" if isolated else "no"


def _names(measured: Data) -> str:
    return {True: "yes", False: "no", None: "not known"}[measured["names"]]


def _encryption(measured: Data) -> str:
    readable = [peer["wire"]["readable"] for peer in measured["peers"] if peer["wire"]]
    return "no" if True in readable else "yes" if readable and None not in readable else "not known"


def _speed(measured: Data) -> str:
    numbers = _numbers(measured, None)
    told = [
        f"{word} {number(ratio)} times that of hosts"
        for key, word in ((LATENCY.key, "round trip"), (THROUGHPUT.key, "throughput"))
        if key in numbers and (ratio := numbers[key].ratio)
    ]
    return ", ".join(told)


_FACTS: dict[str, tuple[str, Callable[[Data], str]]] = {
    "mtu": ("MTU", _mtu),
    "carried": ("On the wire", _carried),
    "subnets": ("Across the router", _subnets),
    "isolation": ("Second network kept apart", _isolation),
    "names": ("Names", _names),
    "encryption": ("Encrypted", _encryption),
    "speed": ("Speed", _speed),
}


def _notes(measured: Data) -> list[str]:
    problems = [run["problem"] for peer in measured["peers"] for run in peer["throughput"].values()]
    problems += [
        f"{peer['to']}: no answer came from its container" for peer in measured["peers"] if not peer["reached"]
    ]
    if measured["isolation"]["problem"]:
        problems.append(f"a second network: {measured['isolation']['problem']}")
    return list(dict.fromkeys(filter(None, problems)))
