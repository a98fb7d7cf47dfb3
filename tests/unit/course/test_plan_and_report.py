# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks are told of a lesson, and what they say of what somebody has built."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.container_network.lab.plugins.filter.course import lesson_report
from ansible_collections.container_network.lab.plugins.module_utils.course.lesson import Lesson, lesson_from
from ansible_collections.container_network.lab.plugins.module_utils.course.page import Page, Typed
from ansible_collections.container_network.lab.plugins.module_utils.course.plan import (
    lesson_checks,
    lesson_plan,
    wanted_problems,
)
from ansible_collections.container_network.lab.plugins.module_utils.course.report import lesson_table, verdicts
from ansible_collections.container_network.lab.plugins.module_utils.course.reset import (
    driver,
    lesson_containers,
    networks_by_hand,
)

BOTH = {"en": "one", "zh": "一"}
DEFINITION: dict[str, Any] = {
    "lab": "two_hosts",
    "hosts": ["host1", "host2"],
    "network": "calico",
    "variables": {"calico_networks": []},
    "reset": [{"command": "true"}, {"on": "host1", "command": "false"}],
    "tasks": [
        {
            "name": "net",
            "step": 1,
            "on": ["host1", "host2"],
            "title": BOTH,
            "command": "docker network ls --format '{{.Name}} {{.Driver}}'",
            "expect": ["net calico"],
            "hint": {"en": "look again", "zh": "再看看"},
            "wrong_turns": [
                {"on": "host1", "command": "a b", "expect": ["c"], "hint": {"en": "wrong driver", "zh": "驱动不对"}}
            ],
        },
        {"name": "box", "step": 2, "on": "host2", "title": BOTH, "container": "box", "command": "true", "hint": BOTH},
    ],
    "faults": [{"name": "hop", "commands": [{"on": "host2", "command": "break it"}], "breaks": ["box"]}],
}


def a_page() -> Page:
    run = Typed("host2", "docker run -itd --name box busybox", ("0b80dd524c92",))
    return Page({1: [Typed("host1", "docker network create net")], 2: [run]}, {"hop": [Typed("host2", "mend it")]})


def a_lesson(**changed: Any) -> Lesson:
    return lesson_from("lesson_1", {**DEFINITION, **changed}, a_page())


def asked(**given: Any) -> dict[str, Any]:
    return {"lesson": "lesson_1", "stage": None, "fault": None, "lang": "en", **given}


@pytest.mark.parametrize(
    ("wanted", "hosts", "problem"),
    [
        (
            asked(stage=3),
            ["host1", "host2"],
            "stage is '3', and must be a step of lesson lesson_1, 1 to 2, or 0, its start",
        ),
        (
            asked(stage="one"),
            ["host1", "host2"],
            "stage is 'one', and must be a step of lesson lesson_1, 1 to 2, or 0, its start",
        ),
        (asked(fault="hops"), ["host1", "host2"], "fault is 'hops', and must be one of: hop"),
        (asked(lang="de"), ["host1", "host2"], "lang is 'de', and must be one of: en, zh"),
        (
            asked(),
            ["node-1", "host2"],
            "lesson lesson_1 needs the hosts host1, host2, and the inventory has no host1: run with "
            "-i inventories/two_hosts; for hosts with other names set lesson_host",
        ),
    ],
)
def test_what_is_asked_for_is_checked_in_words(wanted: dict, hosts: list[str], problem: str) -> None:
    assert wanted_problems(wanted, ["lesson_1"], a_lesson(), hosts) == [problem]


def test_an_unknown_lesson_is_answered_with_those_that_there_are() -> None:
    names = ["lesson_1", "lesson_2"]
    ends = "must be one of: lesson_1, lesson_2. Run with -e lesson=lesson_1"
    assert wanted_problems(asked(lesson="x"), names, None, []) == [f"lesson is 'x', and {ends}"]
    assert wanted_problems(asked(lesson=None), names, None, []) == [f"lesson is not given, and {ends}"]


def test_all_that_is_wrong_is_told_together() -> None:
    wanted = asked(stage=9, fault="x", lang="de")
    assert len(wanted_problems(wanted, ["lesson_1"], a_lesson(), [])) == 4


def test_a_stage_types_the_steps_until_there_and_a_fault_comes_last() -> None:
    lesson = a_lesson()
    assert lesson_plan(lesson, 0, None, [lesson])["runs"] == []
    step_1 = {"host": "host1", "commands": [{"command": "docker network create net", "output": []}]}
    assert lesson_plan(lesson, 1, None, [lesson])["runs"] == [step_1]
    run = {"command": "docker run -itd --name box busybox", "output": ["0b80dd524c92"]}
    plan = lesson_plan(lesson, 2, "hop", [lesson])
    on_host2 = {"host": "host2", "commands": [run, {"command": "break it", "output": []}]}
    assert plan["runs"] == [step_1, on_host2]
    assert plan["containers"] == ["box"]
    assert plan["variables"] == {"cni": "calico", "workloads": [], "calico_networks": []}
    assert [(run["host"], [c["command"] for c in run["commands"]]) for run in plan["reset"]] == [
        ("host1", ["true"]),
        ("host2", ["true"]),
        ("host1", ["false"]),
    ]


def test_what_another_lesson_of_the_lab_left_is_taken_back_too() -> None:
    page = Page({1: [Typed("host1", "docker run --name crate busybox")]})
    reset = [{"on": "host1", "command": "false"}, {"on": "host2", "command": "take back"}]
    other = lesson_from("lesson_2", {**DEFINITION, "reset": reset}, page)
    plan = lesson_plan(a_lesson(), 0, None, [a_lesson(), other])
    assert plan["containers"] == ["box", "crate"]
    assert plan["reset"][-1] == {"host": "host2", "commands": [{"command": "take back", "output": []}]}
    commands = [(run["host"], typed["command"]) for run in plan["reset"] for typed in run["commands"]]
    assert commands.count(("host1", "false")) == 1, "what both ask for is typed once"


def test_a_lesson_may_begin_with_hosts_without_a_network() -> None:
    definition = {name: value for name, value in DEFINITION.items() if name not in ("network", "variables")}
    lesson = lesson_from("lesson_1", definition, a_page())
    plan = lesson_plan(lesson, 0, None, [lesson])
    assert (plan["network"], plan["variables"]) == (None, {"workloads": []})
    assert lesson.problems() == []


def test_checks_of_later_steps_and_of_other_hosts_are_not_made() -> None:
    for_hints = ["containers of the host", "networks of the host"]
    names = {host: [check["name"] for check in checks] for host, checks in lesson_checks(a_lesson(), 1).items()}
    turns = ["net of host1, wrong turn 1", "net of host2, wrong turn 1"]
    assert names == {"host1": [*for_hints, "net", *turns], "host2": [*for_hints, "net"]}
    assert [check["name"] for check in lesson_checks(a_lesson(), 2)["host2"]] == [*for_hints, "net", "box"]


def test_files_that_do_not_fit_together_are_told() -> None:
    tasks = [*DEFINITION["tasks"], {**DEFINITION["tasks"][1], "step": 3, "on": "host3", "title": {"en": "x"}}]
    found = a_lesson(tasks=tasks, faults=[], hosts=["host1"]).problems()
    assert "lesson lesson_1: task box is of step 3, which its page does not have" in found
    assert "lesson lesson_1: task box is on host3, which is none of its hosts" in found
    assert "lesson lesson_1: a text of task box is missing in one of en, zh" in found
    assert "lesson lesson_1: its page has the faults ['hop'], its definition other ones" in found
    assert "lesson lesson_1: 'mend it' is typed on host2, and its hosts are host1" in found
    assert a_lesson().problems() == []


def test_a_text_that_a_comma_cuts_off_is_told() -> None:
    cut_off = {"en": "As bbox1", "with another name.": None, "zh": "一"}
    assert a_lesson(tasks=[DEFINITION["tasks"][0], {**DEFINITION["tasks"][1], "hint": cut_off}]).problems() == [
        "lesson lesson_1: a text of task box has the key 'with another name.': a text has the keys en, zh only; "
        "one with a comma stands on a line of its own"
    ]


def seen(net: bool, turn: bool, box: bool) -> dict[str, list[dict[str, Any]]]:
    def result(name: str, passed: bool) -> dict[str, Any]:
        return {"name": name, "command": "look", "passed": passed, "expected": ["this"], "found": ["that"]}

    host1 = [result("net", net), result("net of host1, wrong turn 1", turn)]
    return {"host1": host1, "host2": [result("net", net), result("box", box)]}


def test_a_known_wrong_turn_has_its_own_hint() -> None:
    found = verdicts(a_lesson(), seen(net=False, turn=True, box=False), "en", 2)
    assert [(task["host"], task["task"], task["hint"]) for task in found] == [
        ("host1", "net", "wrong driver"),
        ("host2", "net", "look again"),
        ("host2", "box", "one"),
    ]
    assert "hint" not in verdicts(a_lesson(), seen(net=True, turn=True, box=True), "en", 2)[0]


def test_a_host_without_results_has_nothing_done() -> None:
    found = verdicts(a_lesson(), {"host1": seen(True, False, True)["host1"]}, "en", 2)
    assert [task["passed"] for task in found] == [True, False, False]
    assert found[1]["found"] == ["(the host gave no results)"]


def test_one_student_sees_each_task_and_why_it_is_not_done() -> None:
    table = lesson_table({"": verdicts(a_lesson(), seen(net=True, turn=False, box=False), "en", 2)}, "en")
    assert table.splitlines() == [
        "STEP  HOST   TASK  RESULT",
        "1     host1  one   pass",
        "1     host2  one   pass",
        "2     host2  one   FAIL",
        "",
        "2 of 3 tasks are done",
        "",
        "Step 2, host2: one",
        "  looked at  look",
        "  expected   this",
        "  found      that",
        "  hint       one",
    ]


def test_chinese_columns_stand_below_each_other() -> None:
    lines = lesson_table({"": verdicts(a_lesson(), seen(net=True, turn=False, box=True), "zh", 2)}, "zh").splitlines()
    assert lines[:2] == ["步骤  主机   任务  结果", "1     host1  一    通过"]


def test_a_class_has_a_line_for_each_student() -> None:
    students = {
        "anna": verdicts(a_lesson(), seen(net=True, turn=False, box=True), "en", 2),
        "bo": verdicts(a_lesson(), seen(net=True, turn=False, box=False), "en", 2),
        "cy": verdicts(a_lesson(), {"host1": seen(net=True, turn=False, box=False)["host1"]}, "en", 2),
    }
    assert lesson_table(students, "en").splitlines() == [
        "STUDENT  STEP 1  STEP 2  DONE  NEXT",
        "anna     2/2     1/1     3/3   -",
        "bo       2/2     0/1     2/3   host2: one",
        "cy       1/2     0/1     1/3   host2: (the host gave no results)",
    ]


def test_machines_read_json_and_junit() -> None:
    students = {"anna": verdicts(a_lesson(), seen(net=False, turn=True, box=True), "en", 2)}
    document = json.loads(lesson_report(students, "lesson_1", "json", "en"))
    assert document["lesson"] == "lesson_1"
    assert [task["passed"] for task in document["students"]["anna"]] == [False, False, True]
    root = ElementTree.fromstring(lesson_report(students, "lesson_1", "junit", "en"))
    assert {suite.get("name"): suite.get("failures") for suite in root} == {"anna host1": "1", "anna host2": "1"}
    assert "HINT: wrong driver" in (root.findtext("testsuite/testcase/failure") or "")


def test_a_network_that_its_swarm_could_not_allocate_is_one_of_its_overlays() -> None:
    assert driver({"Driver": "", "Scope": "swarm"}) == "overlay"
    assert driver({"Driver": "", "Scope": "local"}) == ""
    assert driver({"Driver": "calico", "Scope": "local"}) == "calico"


def test_a_reset_takes_the_lessons_containers_and_what_was_made_by_hand() -> None:
    networks = [
        {"Id": "1", "Name": "cal_net1", "Labels": {}},
        {"Id": "2", "Name": "ours", "Labels": {"container_network.lab.spec": "{}"}},
        {"Id": "3", "Name": "ingress", "Labels": None, "Ingress": True},
    ]
    assert networks_by_hand(networks, manages=False) == {"1": "network cal_net1"}
    of_swarm = {"Id": "4", "Name": "overlay", "Labels": {}, "Scope": "swarm"}
    assert networks_by_hand([of_swarm], manages=False) == {}
    assert networks_by_hand([of_swarm], manages=True) == {"4": "network overlay"}

    def container(name: str, network: str) -> dict[str, Any]:
        endpoint = {"NetworkID": network}
        return {"Id": name, "Names": [f"/{name}"], "NetworkSettings": {"Networks": {"some": endpoint}}}

    containers = [container("box", "9"), container("misspelt", "1"), container("web", "9")]
    assert lesson_containers(containers, ["box", "gone"], networks) == {
        "box": "container box",
        "misspelt": "container misspelt",
    }
