# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrong turns that every container and network has, in the lessons as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.course.hints import hint
from ansible_collections.container_network.lab.plugins.module_utils.course.lesson import LANGUAGES, Lesson, Task
from ansible_collections.container_network.lab.plugins.module_utils.course.made import (
    MadeContainer,
    made_containers,
    made_networks,
)
from ansible_collections.container_network.lab.plugins.module_utils.course.page import Typed
from ansible_collections.container_network.lab.plugins.plugin_utils.lessons import lesson_names, read_lesson


def looked_at(
    lesson: Lesson, containers: Mapping[str, Iterable[str]], networks: Iterable[str] = (), **turns: bool
) -> dict[str, dict[str, Any]]:
    """What hosts say, with the wrong turns that show."""

    def answer(lines: Iterable[str]) -> dict[str, Any]:
        return {"passed": True, "found": [*lines, "answered"]}

    return {
        host: {
            "containers of the host": answer(f"container {line}" for line in containers.get(host, ())),
            "networks of the host": answer(f"network {line}" for line in networks),
            **{name: {"passed": passed} for name, passed in turns.items()},
        }
        for host in lesson.hosts
    }


def hint_of(name: str, task: str, checks: Mapping[str, Any], language: str = "en") -> str:
    lesson = read_lesson(name)
    return hint(lesson, next(one for one in lesson.tasks if one.name == task), checks, language)


ON_1 = "bbox1 is running on cal_net1"


@pytest.mark.parametrize(
    ("task", "containers", "told"),
    [
        ("bbox2", {}, "As step 2, on the other host"),
        ("bbox2", {"host1": ["bbox2 is running on cal_net1"]}, "bbox2 is on host1 and belongs on host2."),
        ("bbox2", {"host2": ["box2 is running on cal_net1"]}, "host2 has no bbox2, but box2. Is that a typing"),
        ("bbox2", {"host2": ["bbox2 is running on bridge"]}, "bbox2 runs, but on docker0."),
        ("bbox2", {"host2": ["bbox2 is running on cal_net2"]}, "bbox2 runs on the network cal_net2 and belongs on"),
        ("bbox2", {"host2": ["bbox2 is exited on cal_net1"]}, "bbox2 is there and does not run (exited)."),
        ("bbox2", {"host2": ["bbox2 is created on cal_net1"]}, "bbox2 was made and could not start"),
        ("bbox1 reaches bbox2", {"host1": [ON_1]}, "There is no bbox2 on host2 yet; step 3 makes it."),
        ("bbox1 reaches bbox2", {"host1": [ON_1], "host2": ["bbox2 is paused on cal_net1"]}, "bbox2 is there and does"),
        ("bbox1 reaches bbox2", {"host1": [ON_1], "host2": ["bbox2 is running on cal_net1"]}, "Follow the packet."),
    ],
)
def test_a_container_that_is_not_as_on_the_page_has_a_hint(task: str, containers: dict, told: str) -> None:
    assert hint_of("calico_68", task, looked_at(read_lesson("calico_68"), containers)).startswith(told)


@pytest.mark.parametrize(
    ("networks", "told"),
    [
        (["bridge driver bridge"], "Look at docker network ls."),
        (["cal_net1 driver bridge"], "There is a network cal_net1, but its driver is bridge."),
        (["cal_net driver calico"], "host1 has no cal_net1, but cal_net."),
    ],
)
def test_a_network_that_is_not_as_on_the_page_has_a_hint(networks: list[str], told: str) -> None:
    assert hint_of("calico_68", "network", looked_at(read_lesson("calico_68"), {}, networks)).startswith(told)


def test_a_name_that_several_hosts_have_belongs_on_each() -> None:
    lesson = read_lesson("flannel_host_gw")
    checks = looked_at(lesson, {"node-1": ["busybox is running on bridge"], "node-2": ["busybox is running on bridge"]})
    assert hint_of(lesson.name, "node-3 reaches node-1", checks).startswith("There is no busybox on node-3 yet")


def test_the_lessons_own_wrong_turn_comes_after_a_container_that_is_not_there() -> None:
    lesson = read_lesson("calico_68")
    turn = {"bbox1 reaches bbox2 of host1, wrong turn 1": True}
    both = {"host1": [ON_1], "host2": ["bbox2 is running on bridge"]}
    assert "a next hop that does not know it" in hint_of(
        lesson.name, "bbox1 reaches bbox2", looked_at(lesson, both, **turn)
    )
    assert "no bbox1 on host1 yet" in hint_of(lesson.name, "bbox1 reaches bbox2", looked_at(lesson, {}, **turn))


def test_of_a_host_without_docker_nothing_is_said() -> None:
    lesson = read_lesson("calico_68")
    dead = {"containers of the host": {"passed": False, "found": ["Cannot connect to the Docker daemon"]}}
    assert hint_of(lesson.name, "bbox2", {"host1": dead, "host2": dead}).startswith("As step 2")


def test_a_host_that_gave_no_results_is_named() -> None:
    assert hint_of("calico_68", "bbox2", {"host1": {}}).startswith("host2 gave no results.")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", lesson_names())
def test_each_container_of_a_lesson_has_them(name: str, language: str) -> None:
    lesson = read_lesson(name)
    for task in lesson.tasks:
        if task.check.container is None:
            continue
        made = next(one for one in lesson.made_containers if (one.name, one.host) == (task.check.container, task.host))

        def told(lines: list[str], task: Task = task, made: MadeContainer = made) -> str:
            """The hint, if all but this container is as on the page."""
            others = [one for one in lesson.made_containers if one != made]
            there: dict[str, list[str]] = {made.host: lines}
            for one in others:
                there.setdefault(one.host, []).append(f"{one.name} is running on {one.network}")
            return hint(lesson, task, looked_at(lesson, there), language)

        assert made.name in told([])
        assert f"{made.name}x" in told([f"{made.name}x is running on {made.network}"])
        assert f"docker start {made.name}" in told([f"{made.name} is exited on {made.network}"])


def test_options_are_read_in_all_their_forms() -> None:
    typed = [
        Typed("a", "docker run -d --name=box --net=weave busybox sleep 9"),
        Typed("a", "docker run -itd --name plain \\\n  busybox"),
        Typed("a", "docker run --rm busybox true"),
        Typed("a", "docker network create -d overlay --subnet 10.20.0.0/16 \\\n  overlay"),
        Typed("a", "docker network create own"),
    ]
    found = [(made.name, made.network, made.step) for made in made_containers({2: typed})]
    assert found == [("box", "weave", 2), ("plain", "bridge", 2)]
    assert [(made.name, made.driver) for made in made_networks({2: typed})] == [
        ("overlay", "overlay"),
        ("own", "bridge"),
    ]
