# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a seed draws, and how names are compared."""

from __future__ import annotations

from tests.soak.actions import DRIVER, FAULTS, Action, Subject, draw, lanes
from tests.support.driver_network import Connection, names_unlike

SUBJECT = Subject(("host1", "host2"), "host1", ("cal_net1",), (DRIVER, "docker", "bird"), ("soak-a", "soak-b"))
MENDED_BY = {"stop_service": "start_service", "stop_host": "start_hosts", "cut_line": "heal_line"}


def _of_a_long_round() -> list[Action]:
    return draw(1, SUBJECT, 3000)


def test_a_seed_draws_the_same_actions_again() -> None:
    assert draw(7, SUBJECT, 60) == draw(7, SUBJECT, 60)
    assert draw(7, SUBJECT, 60) != draw(8, SUBJECT, 60)


def test_a_longer_round_has_all_kinds_of_actions() -> None:
    """Also by hosts: what is killed, stopped and cut."""
    actions = _of_a_long_round()
    users = {action.verb for action in actions if action.lane != FAULTS}
    assert users == {
        *("run", "run_many", "remove_many", "start", "stop", "kill", "restart", "remove", "rename"),
        *("connect", "disconnect", "create_network", "remove_network"),
    }
    faults = {(action.host, action.verb, *action.words) for action in actions if action.lane == FAULTS}
    for host in SUBJECT.hosts:
        assert {(host, "kill_service", service) for service in SUBJECT.services} < faults
        assert {(host, "stop_host"), (host, "cut_line"), (host, "stop_service", DRIVER)} < faults
    assert ("host1", "stop_service", "etcd") in faults
    assert ("host2", "stop_service", "etcd") not in faults


def test_what_was_not_broken_is_not_mended() -> None:
    broken = set()
    for action in lanes(_of_a_long_round())[FAULTS]:
        if action.verb in MENDED_BY:
            broken.add((action.host, MENDED_BY[action.verb], *action.words))
        elif action.verb in MENDED_BY.values():
            assert (action.host, action.verb, *action.words) in broken


def test_nothing_is_done_to_a_container_that_nobody_started() -> None:
    for host in SUBJECT.hosts:
        known: set[str] = set()
        for action in lanes(_of_a_long_round())[host]:
            if action.verb == "run":
                known.add(action.words[1])
            elif action.verb == "rename":
                old, new = action.words
                known = known - {old} | {new}
            elif action.verb in ("start", "stop", "kill", "restart", "remove", "connect", "disconnect"):
                assert action.words[-1] in known
                known -= {action.words[-1]} if action.verb == "remove" else set()


def test_a_network_without_extra_networks_has_none() -> None:
    plain = Subject(("host1",), "host1", ("bridge",), (DRIVER, "docker"))
    assert {word for action in draw(1, plain, 3000) if "run" in action.verb for word in action.words[:1]} == {"bridge"}
    assert not any("_network" in action.verb for action in draw(1, plain, 3000))


RUNNING = [Connection("web", "a", "10.0.0.1", "e1"), Connection("web", "b", "10.0.1.1", "e2")]
FULL = [("web.a.container", "10.0.0.1"), ("web.b.container", "10.0.1.1")]


def _unlike(names: list[tuple[str, ...]]) -> list[str]:
    return names_unlike("host1", {"name": names}, RUNNING, "NETWORK.container")


def test_a_container_of_two_networks_has_its_short_name_in_one() -> None:
    assert _unlike([*FULL, ("web", "10.0.0.1")]) == []
    assert _unlike([*FULL, ("web", "10.0.1.1")]) == []


def test_names_that_are_missing_or_left_over_are_told() -> None:
    assert _unlike(FULL) == ["names on host1: [] too many, ['web'] missing"]
    assert _unlike([*FULL[:1], ("web", "10.0.0.1")])[0].startswith("full names on host1: [] too many")
    assert _unlike([*FULL, ("web", "10.0.0.9")]) == ["names on host1: [('web', '10.0.0.9')] are nobody's"]
