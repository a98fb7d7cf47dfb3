# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison for the terminal, and for spreadsheets. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from ..topology.columns import columns_text
from .comparison import (
    CONVERGE,
    LATENCY,
    LATENCY_ACROSS,
    PROCESSOR,
    PROCESSOR_EQUAL,
    QUANTITIES,
    START,
    THROUGHPUT,
    THROUGHPUT_ACROSS,
    THROUGHPUT_EQUAL,
    Compared,
    Quantity,
)
from .spread import number

_TABLES: Sequence[Sequence[tuple[str, Quantity]]] = (
    (("ROUND TRIP ms", LATENCY), ("ACROSS ROUTER ms", LATENCY_ACROSS), ("START s", START), ("SITE.YML s", CONVERGE)),
    (("GBIT/S", THROUGHPUT), ("AT EQUAL MTU", THROUGHPUT_EQUAL), ("ACROSS ROUTER", THROUGHPUT_ACROSS)),
    (("PROCESSOR s/Gbit", PROCESSOR), ("AT EQUAL MTU", PROCESSOR_EQUAL)),
)
_FACTS = ("mtu", "carried", "subnets", "isolation", "names", "encryption")


def comparison_text(networks: Sequence[Compared]) -> str:
    """All of it as tables: medians, least and most, and the ratio to what was measured beside."""
    whole = [network for network in networks if not network.problem]
    parts = [_number_table(columns, whole) for columns in _TABLES]
    titles = ["MTU", "ON THE WIRE", "ACROSS ROUTER", "KEPT APART", "NAMES", "ENCRYPTED"]
    parts.append(columns_text(["NETWORK", *titles], [[n.name, *(n.facts[key].here for key in _FACTS)] for n in whole]))
    parts.append(columns_text(["NETWORK", "", "THE DOCUMENTS SAY", "HERE"], _beside_documents(whole)))
    failed = [f"{network.name}: {network.problem}" for network in networks if network.problem]
    parts += ["\n".join(["NOT MEASURED", *failed])] if failed else []
    notes = [f"{network.name}: {note}" for network in whole for note in network.notes]
    parts += ["\n".join(["NOTES", *notes])] if notes else []
    legend = (
        "Median (least-most), x its ratio: to what the hosts themselves have, for START to a container without network."
    )
    return "\n\n".join([*filter(None, parts), *([legend] if whole else [])])


def _number_table(columns: Sequence[tuple[str, Quantity]], networks: Sequence[Compared]) -> str:
    shown = [(title, q) for title, q in columns if any(q.key in network.numbers for network in networks)]
    if not shown:
        return ""
    return columns_text(
        ["NETWORK", *(title for title, _q in shown)],
        [[network.name, *(_cell(network, q) for _title, q in shown)] for network in networks],
    )


def _cell(network: Compared, quantity: Quantity) -> str:
    measured = network.numbers.get(quantity.key)
    if measured is None:
        return ""
    return measured.value.describe() + ("" if measured.ratio is None else f" x{number(measured.ratio)}")


def _beside_documents(networks: Sequence[Compared]) -> Iterator[tuple[str, str, str, str]]:
    for network in networks:
        for fact in network.facts.values():
            if fact.documented:
                yield network.name, fact.title, fact.documented, fact.here


def comparison_csv(networks: Sequence[Compared]) -> str:
    """A line for each quantity and each fact of each network."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "network",
            "quantity",
            "unit",
            "least",
            "median",
            "most",
            "runs",
            "beside_median",
            "ratio",
            "text",
            "documented",
        ]
    )
    for network in networks:
        for quantity in QUANTITIES:
            measured = network.numbers.get(quantity.key)
            if measured:
                value, beside = measured.value, measured.beside
                numbers = [value.least, value.median, value.most, value.count, beside and beside.median, measured.ratio]
                writer.writerow([network.name, quantity.key, quantity.unit, *map(_plain, numbers), "", ""])
        for key, fact in network.facts.items():
            writer.writerow([network.name, key, *[""] * 7, fact.here, fact.documented])
        if network.problem:
            writer.writerow([network.name, "problem", *[""] * 7, network.problem, ""])
    return text.getvalue()


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
