# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that wait for the same get it together; nobody gets what is another's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.driver.done_together import DoneTogether
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from tests.support.lab_runs import await_condition

MOST = 4


class Numbers:
    """Gives numbers of a range, lowest first, while there are any; notes how many it was asked for at once."""

    def __init__(self, count: int, fewer: int = 0) -> None:
        self.left = list(range(count))
        self.fewer = fewer
        self.calls: list[tuple[str, int]] = []

    def give(self, kind: str, count: int) -> Sequence[int]:
        self.calls.append((kind, count))
        if count > len(self.left):
            raise LabError(f"{len(self.left)} are left")
        return [self.left.pop(0) for _number in range(max(1, count - self.fewer))]


def ask_at_once(work: Callable[[str, int], Sequence[int]], kinds: Sequence[str]) -> list[Future[int]]:
    """All wait before the first one is served."""
    lock = threading.Lock()
    together = DoneTogether(lock, work, MOST)
    executor = ThreadPoolExecutor(len(kinds))
    with lock:
        asking = [executor.submit(together.one, kind) for kind in kinds]
        waiting = together._waiting
        await_condition(lambda: sum(map(len, waiting.values())) == len(kinds), 10)
    executor.shutdown()
    assert together._waiting == {}
    return asking


def test_those_who_wait_get_theirs_in_few_calls() -> None:
    numbers = Numbers(10)
    given = [one.result() for one in ask_at_once(numbers.give, ["a"] * 10)]
    assert sorted(given) == list(range(10))
    assert numbers.calls == [("a", 4), ("a", 4), ("a", 2)]


def test_each_kind_has_calls_of_its_own() -> None:
    numbers = Numbers(5)
    assert len({one.result() for one in ask_at_once(numbers.give, ["a", "b", "a", "b", "a"])}) == 5
    assert sorted(numbers.calls) == [("a", 3), ("b", 2)]


def test_a_call_that_gives_fewer_is_followed_by_another() -> None:
    numbers = Numbers(4, fewer=1)
    assert sorted(one.result() for one in ask_at_once(numbers.give, ["a"] * 4)) == list(range(4))
    assert numbers.calls == [("a", 4), ("a", 1)]


def test_what_is_left_is_given_and_the_others_are_refused() -> None:
    asking = ask_at_once(Numbers(2).give, ["a"] * 6)
    assert sorted(one.result() for one in asking if not one.exception()) == [0, 1]
    assert [str(one.exception()) for one in asking if one.exception()] == ["0 are left"] * 4


def test_an_unknown_error_is_everybodys_at_once() -> None:
    calls = []

    def fail(_kind: str, count: int) -> Sequence[int]:
        calls.append(count)
        raise OSError("broken")

    for one in ask_at_once(fail, ["a"] * 6):
        with pytest.raises(OSError, match="broken"):
            one.result()
    assert calls == [4]
