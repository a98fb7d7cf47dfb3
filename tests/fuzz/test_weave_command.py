# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is typed after ``weave`` is done, or answered by one line."""

from __future__ import annotations

import contextlib
import io

from hypothesis import assume, given, strategies

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.weave import command, verbs
from ansible_collections.container_network.lab.plugins.module_utils.weave.names import checked_name
from tests.support.fuzzing import fuzzed

OPTIONS = ["-h", "-hweb", "-h=", "--", "--h", "--no-multicast-route=1", "net:default", "10.0.0.1/24", "c1", "a b", "%s"]
KNOWN = [*verbs.SERVED, *(word for typed in verbs.ANSWERED for word in typed.split()), *OPTIONS]
WORDS = strategies.one_of(strategies.sampled_from(KNOWN), strategies.text())


@given(strategies.lists(WORDS, max_size=5))
@fuzzed
def test_any_command_line_is_answered_in_one_line(typed: list[str]) -> None:
    assume(typed[:1] not in (["help"], ["--help"], ["-h"]))
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        assert command.main(["/nowhere/driver.json", *typed]) == 1
    assert len(f"{output.getvalue()}{errors.getvalue()}".splitlines()) == 1


@given(strategies.text())
@fuzzed
def test_a_name_that_is_taken_stands_alone_in_a_hosts_file(typed: str) -> None:
    try:
        name = checked_name(typed)
    except LabError:
        return
    assert name.isascii()
    assert name.split() == [name]
    assert not set(name) & set("#/")
