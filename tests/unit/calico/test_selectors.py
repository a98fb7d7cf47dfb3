# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's selectors."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.selectors import (
    DEEPEST,
    SelectorError,
    parse,
    selector_problem,
    selects,
)

WEB = {"role": "web", "tier": "front", "has": "it", "projectcalico.org/namespace": "libnetwork"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", True),
        ("  ", True),
        ("all()", True),
        ("global()", False),
        ("has(role)", True),
        ("has(none)", False),
        ("!has(none)", True),
        ("! ! has(role)", True),
        ("role == 'web'", True),
        ('role=="web"', True),
        ("role != 'web'", False),
        ("none != 'web'", True),
        ("none == ''", False),
        ("role in {'db', \"web\"}", True),
        ("role in {}", False),
        ("none not in {'db'}", True),
        ("role not in {'web'}", False),
        ("role contains 'e'", True),
        ("role starts with 'we'", True),
        ("role ends with 'we'", False),
        ("none contains ''", False),
        ("has(role) && has(none)", False),
        ("has(role) && has(none) || has(tier)", True),
        ("has(role) && (has(none) || has(tier))", True),
        ("!(has(role) && has(tier))", False),
        ("!has(none) && role == 'web' && tier == 'front'", True),
        ("has == 'it'", True),
        ("projectcalico.org/namespace == 'libnetwork'", True),
    ],
)
def test_what_is_selected(selector: str, selected: bool) -> None:
    assert selector_problem(selector) is None
    assert selects(selector, WEB) is selected


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ("", "all()"),
        ("has( calico-net-1 )", "has(calico-net-1)"),
        ("role=='web'", 'role == "web"'),
        ("role == 'say \"hi\"'", "role == 'say \"hi\"'"),
        ("role in {'b','a','b'}", 'role in {"a", "b"}'),
        ("! (has(a)&&has(b))", "!(has(a) && has(b))"),
        ("((has(a)))", "has(a)"),
        ("has(a) && has(b) && has(c) || has(d)", "((has(a) && has(b) && has(c)) || has(d))"),
        ("a starts  with 'x'", 'a starts with "x"'),
    ],
)
def test_it_prints_itself_in_one_form_which_means_the_same(selector: str, text: str) -> None:
    """From this form Felix makes the name of a selector's set."""
    assert parse(selector).text == text
    assert parse(text).text == text


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("has(", "'the end' is no label"),
        ("has(a", "')' is missing before 'the end'"),
        ("has()", "')' is no label"),
        ("has('a')", "is no label"),
        ("a", "'the end' is no comparison"),
        ("a = 'b'", "cannot be read"),
        ("a == b", "a text in quotes is missing before 'b'"),
        ("a == 'b", "cannot be read"),
        ("a == 'b' c", "'c' is one word too many"),
        ("a && has(b)", "'&&' is no comparison"),
        ("&& has(a)", "a label is missing before '&&'"),
        ("has(a) &&", "a label is missing before 'the end'"),
        ("a in 'b'", "'{' is missing"),
        ("a in {'b' 'c'}", "',' is missing"),
        ("a not 'b'", "'in' is missing"),
        ("all() all()", "one word too many"),
        ("(has(a)", "')' is missing"),
        ("a == 'b'\nhas(c)", "one word too many"),
        ("x -j ACCEPT", "is no comparison"),
        ("网络 == 'a'", "cannot be read"),
        ("!" * 10000 + "has(a)", "in each other"),
        ("(" * 10000, "in each other"),
    ],
)
def test_what_is_no_selector_is_refused_in_words(selector: str, words: str) -> None:
    assert words in (selector_problem(selector) or "")
    with pytest.raises(SelectorError):
        parse(selector)


def test_as_many_parentheses_as_anybody_writes() -> None:
    assert parse("(" * (DEEPEST - 1) + "has(a)" + ")" * (DEEPEST - 1)).text == "has(a)"
