# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's selectors: which endpoints, nodes or namespaces are meant, by their labels. Pure.

    selector   = conjunction { "||" conjunction }
    conjunction = term { "&&" term }
    term       = "!" term | "(" selector ")" | "all()" | "global()" | "has(" label ")" | label comparison
    comparison = "==" text | "!=" text | "in" set | "not in" set
               | "contains" text | "starts with" text | "ends with" text
    set        = "{" [ text { "," text } ] "}"

A text is in single or double quotes. `Selector` prints itself in the one form from which Felix names its sets
(libcalico-go, lib/selector; Calico's reference, "Selectors").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

Labels = Mapping[str, str]

DEEPEST = 50  # parentheses and negations in each other; nobody writes so many, and each takes a stack frame
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"[^"]*"|'[^']*')
      | (?P<operator>\|\||&&|==|!=|[!(){},])
      | (?P<word>[A-Za-z0-9_./-]+)
    )""",
    re.VERBOSE,
)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?")
_KINDS = ("text", "operator", "word")


@dataclass(frozen=True)
class Selector:
    """One that has been read."""

    text: str
    """In Felix's form."""
    selects: Callable[[Labels], bool]

    def __and__(self, other: Selector) -> Selector:
        """What both select."""
        return _joined("&&", all, [self, other])


class SelectorError(ValueError):
    """Why a selector cannot be read."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Selector:
    """Read a selector; an empty one selects everything. SelectorError if it is none."""
    if not text.strip():
        return _ALL
    reader = _Reader(text)
    selector = reader.selector()
    if reader.token:
        raise SelectorError(f"'{reader.token}' is one word too many")
    return selector


def selector_problem(selector: str) -> str | None:
    """Why a selector cannot be followed; None if it can."""
    try:
        parse(selector)
    except SelectorError as error:
        return (
            f"the selector '{selector}' is none, {error}: write it from all(), has(label), label == 'value', "
            "label in {'a', 'b'}, &&, ||, ! and parentheses"
        )
    return None


def selects(selector: str, labels: Labels) -> bool:
    """Whether a selector without a problem selects what has these labels."""
    return parse(selector).selects(labels)


_ALL = Selector("all()", lambda _labels: True)
_GLOBAL = Selector("global()", lambda _labels: False)  # what has no namespace: no endpoint is so


def _joined(operator: str, decide: Callable[[Iterable[bool]], bool], parts: list[Selector]) -> Selector:
    """Several selectors as one; ``decide`` is `all` or `any`."""
    if len(parts) == 1:
        return parts[0]
    text = f" {operator} ".join(part.text for part in parts)
    return Selector(f"({text})", lambda labels: decide(part.selects(labels) for part in parts))


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'


class _Reader:
    """Reads one selector, a token after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._depth = 0
        self.token = ""
        """The one that is looked at, "" at the end."""
        self._kind = ""
        self._advance()

    def _advance(self) -> str:
        """The token that was looked at; the next one is looked at now."""
        passed = self.token
        rest = self._text[self._place :]
        if not rest.strip():
            self.token, self._kind = "", ""
            return passed
        found = _TOKEN.match(rest)
        if not found:
            raise SelectorError(f"'{rest.strip()[:20]}' cannot be read")
        self._kind = next(kind for kind in _KINDS if found[kind] is not None)
        self.token = found[self._kind]
        self._place += found.end()
        return passed

    def _expect(self, *tokens: str) -> None:
        for token in tokens:
            if self.token != token or self._kind == "text":
                raise SelectorError(f"'{token}' is missing before '{self.token or 'the end'}'")
            self._advance()

    def _takes(self, token: str) -> bool:
        """Whether this token is next; then it is passed."""
        if self.token != token or self._kind == "text":
            return False
        self._advance()
        return True

    def selector(self) -> Selector:
        """All up to the end, or to a closing parenthesis."""
        parts = [self._conjunction()]
        while self._takes("||"):
            parts.append(self._conjunction())
        return _joined("||", any, parts)

    def _conjunction(self) -> Selector:
        parts = [self._term()]
        while self._takes("&&"):
            parts.append(self._term())
        return _joined("&&", all, parts)

    def _term(self) -> Selector:
        self._depth += 1
        if self._depth > DEEPEST:
            raise SelectorError(f"more than {DEEPEST} parentheses and negations are in each other")
        try:
            return self._plain_term()
        finally:
            self._depth -= 1

    def _plain_term(self) -> Selector:
        if self._takes("!"):
            negated = self._term()
            return Selector(f"!{negated.text}", lambda labels: not negated.selects(labels))
        if self._takes("("):
            inner = self.selector()
            self._expect(")")
            return inner
        if self._kind != "word":
            raise SelectorError(f"a label is missing before '{self.token or 'the end'}'")
        word = self._advance()
        if word in ("all", "global") and self._takes("("):
            self._expect(")")
            return _ALL if word == "all" else _GLOBAL
        if word == "has" and self._takes("("):
            label = self._label(self._advance())
            self._expect(")")
            return Selector(f"has({label})", lambda labels: label in labels)
        return self._comparison(self._label(word))

    def _label(self, word: str) -> str:
        if not _LABEL.fullmatch(word):
            raise SelectorError(f"'{word or 'the end'}' is no label")
        return word

    def _comparison(self, label: str) -> Selector:
        operator = self._operator()
        if operator in ("in", "not in"):
            values = self._set()
            shown = f"{label} {operator} {{{', '.join(map(_quoted, values))}}}"
            # As in Calico, what does not have the label is not in the set.
            wanted = operator == "in"
            return Selector(shown, lambda labels: (labels.get(label) in values) is wanted)
        value = self._value()
        return Selector(f"{label} {operator} {_quoted(value)}", _COMPARISONS[operator](label, value))

    def _operator(self) -> str:
        operator = self._advance()
        second = {"not": "in", "starts": "with", "ends": "with"}.get(operator)
        if second:
            self._expect(second)
            return f"{operator} {second}"
        if operator not in (*_COMPARISONS, "in"):
            raise SelectorError(f"'{operator or 'the end'}' is no comparison")
        return operator

    def _value(self) -> str:
        if self._kind != "text":
            raise SelectorError(f"a text in quotes is missing before '{self.token or 'the end'}'")
        return self._advance()[1:-1]

    def _set(self) -> tuple[str, ...]:
        self._expect("{")
        values: set[str] = set()
        while not self._takes("}"):
            if values:
                self._expect(",")
            values.add(self._value())
        return tuple(sorted(values))


def _having(test: Callable[[str, str], bool]) -> Callable[[str, str], Callable[[Labels], bool]]:
    """A comparison that nothing passes which does not have the label."""
    return lambda label, value: lambda labels: label in labels and test(labels[label], value)


_COMPARISONS: Mapping[str, Callable[[str, str], Callable[[Labels], bool]]] = {
    "==": _having(lambda found, value: found == value),
    "!=": lambda label, value: lambda labels: labels.get(label) != value,
    "contains": _having(lambda found, value: value in found),
    "starts with": _having(str.startswith),
    "ends with": _having(str.endswith),
}
