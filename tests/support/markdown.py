# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests read in a Markdown page: its headings and their anchors, its links, its commands."""

from __future__ import annotations

import re

FENCED = re.compile(r"^( *)(`{3,}|~{3,})([^\n]*)\n(.*?)(?:^\1\2`*~* *$|\Z)", re.MULTILINE | re.DOTALL)
# Lines that begin with four spaces, behind an empty line.
INDENTED = re.compile(r"(?:(?<=\n\n)|\A)(?: {4}[^\n]*\n|\n(?= {4}))+")
CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
HEADING = re.compile(r"^(#{1,6}) +(.*?)(?: +#+)? *$", re.MULTILINE)
LINK = re.compile(r"(!?)\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
SOURCE = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"")
NAMED = re.compile(r"<[a-z]+\b[^>]*?\b(?:id|name)=\"([^\"]+)\"")


def prose(text: str) -> str:
    """The page without its blocks of code."""
    return INDENTED.sub("\n", FENCED.sub("", text))


def blocks(text: str) -> list[str]:
    """The page's blocks of code in their order, without their indentation."""
    found: list[tuple[int, str]] = []
    for match in FENCED.finditer(text):
        lines = [line.removeprefix(match[1]) for line in match[4].splitlines()]
        found.append((match.start(), "\n".join(lines).strip("\n")))
    blank = FENCED.sub(lambda match: re.sub(r"[^\n]", "x", match[0]), text)
    for match in INDENTED.finditer(blank):
        lines = [line[4:] for line in text[match.start() : match.end()].splitlines()]
        found.append((match.start(), "\n".join(lines).strip("\n")))
    return [block for _place, block in sorted(found)]


def headings(text: str) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    return [(len(match[1]), match[2]) for match in HEADING.finditer(prose(text))]


def anchors(text: str) -> set[str]:
    """What ``#…`` may name in the page: GitHub's rule for headings, and what HTML names."""
    found: list[str] = []
    for _level, heading in headings(text):
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        before = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other) is not None for other in found)
        found.append(f"{slug}-{before}" if before else slug)
    return {*found, *NAMED.findall(prose(text))}


def code_spans(text: str) -> set[str]:
    """What stands as code within sentences and tables."""
    return {" ".join(match[0].strip("`").split()) for match in CODE_SPAN.finditer(prose(text))}


def table_sizes(text: str) -> list[tuple[int, int]]:
    """Rows and columns of each table."""
    tables = re.findall(r"(?:^\|[^\n]*\n)+", prose(text), re.MULTILINE)
    return [(table.count("\n"), table.partition("\n")[0].count("|") - 1) for table in tables]


def links(text: str) -> list[str]:
    """The targets of the page's links and pictures."""
    shown = CODE_SPAN.sub(lambda match: "`" * len(match[0]), prose(text))
    return [match[2] for match in LINK.finditer(shown)] + DEFINITION.findall(shown) + SOURCE.findall(shown)
