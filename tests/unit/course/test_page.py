# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a page's commands are found, and how what they print is compared with it."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.course.output import prints_the_same
from ansible_collections.container_network.lab.plugins.module_utils.course.page import Typed, parse_page
from ansible_collections.container_network.lab.plugins.module_utils.course.runner import changes, run_typed
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError

PAGE = """
# A lesson

```sh
make lesson
```

## Step 1: one

<!-- step 1 -->

```console
host1# cat << END | tee file
> one
> END
one
host2# true
```

```text
host1# not run
```

## Step 2

<!-- step 2 -->

```console
host1# ip route
default via 10.0.0.1 dev eth0

> not a command
```

## Break it

<!-- fault next_hop -->

```console
host2# ip route del 10.0.0.0/8
```
"""


def test_commands_belong_to_steps_and_faults() -> None:
    page = parse_page(PAGE, "page")
    assert page.problems == []
    assert page.steps == {
        1: [Typed("host1", "cat << END | tee file\none\nEND", ("one",)), Typed("host2", "true")],
        2: [Typed("host1", "ip route", ("default via 10.0.0.1 dev eth0", "", "> not a command"))],
    }
    assert page.faults == {"next_hop": [Typed("host2", "ip route del 10.0.0.0/8")]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```console\nhost1# true\n```", "page, line 2: commands stand before the comment of a step or a fault"),
        (
            "<!-- step 1 -->\n```console\ntrue\n```",
            "page, line 3: the block begins with 'true', and not with a command, as host1# ip route",
        ),
        ("<!-- step 1 -->\n<!-- step 1 -->", "page, line 2: <!-- step 1 --> is there for the second time"),
        ("<!-- step 2 -->", "page: its steps are 2, and not 1, 2, 3 in order"),
        (
            "<!-- stage 1 -->",
            "page, line 1: '<!-- stage 1 -->' is neither <!-- step NUMBER --> nor <!-- fault NAME -->",
        ),
        (
            "<!-- step 1 -->\n## Questions\n```console\nhost1# true\n```",
            "page, line 4: commands stand before the comment of a step or a fault",
        ),
    ],
)
def test_what_is_wrong_with_a_page_is_told_with_its_line(text: str, problem: str) -> None:
    assert parse_page(text, "page").problems == [problem]


@pytest.mark.parametrize(
    ("page", "printed", "same"),
    [
        (["192.168.119.0 dev cali6285d775657 scope link"], ["192.168.119.0 dev cali0123456789a scope link "], True),
        (["192.168.119.0 dev cali6285d775657 scope link"], ["192.168.119.0 dev eth0 scope link"], False),
        (["5: cali0@if6: <UP> mtu 1500"], ["23: cali0@if24: <UP> mtu 1500"], True),
        (["5: cali0@if6: <UP> mtu 1500"], ["23: cali0@if24: <UP> mtu 1450"], False),
        (["link/ether 7a:e8:2c:89:50:1f brd"], ["link/ether 02:42:0a:14:00:03 brd"], False),
        (["link/ether 7a:e8:2c:89:50:1f brd"], ["link/ether d6:f5:86:9f:47:35 brd"], True),
        (["link/ether ee:ee:ee:ee:ee:ee"], ["link/ether d6:f5:86:9f:47:35"], False),
        (["link/ether 02:42:0a:14:00:03"], ["link/ether 02:42:0a:14:00:04"], False),
        (
            ["64 bytes from 10.0.0.1: seq=0 ttl=62 time=0.1 ms"],
            ["64 bytes from 10.0.0.1: seq=0 ttl=62 time=12 ms"],
            True,
        ),
        (
            ["64 bytes from 10.0.0.1: seq=0 ttl=62 time=0.1 ms"],
            ["64 bytes from 10.0.0.1: seq=0 ttl=63 time=0.1 ms"],
            False,
        ),
        (["round-trip min/avg/max = 0.093/0.118/0.143 ms"], ["round-trip min/avg/max = 1.5/2/3.75 ms"], True),
        ([" 2  10.10.10.0  0.005 ms"], [" 2  10.10.10.0  0.123 ms"], True),
        ([" 2  10.10.10.0  0.005 ms"], [" 2  10.10.10.1  0.005 ms"], False),
        (
            ["reply from 10.20.0.2 [02:42:0a:14:00:02] 0.007ms"],
            ["reply from 10.20.0.2 [02:42:0a:14:00:02] 1.2ms"],
            True,
        ),
        (["cf4014fdb6b7   cal_net1   calico"], ["0b80dd524c92   cal_net1   calico"], True),
        (["cf4014fdb6b7   cal_net1   calico"], ["0b80dd524c92   cal_net2   calico"], False),
        (["one", "…"], ["one"], True),
        (["one", "…"], ["one", "two", "three"], True),
        (["one", "…", "four"], ["one", "two", "three"], False),
        (["…", "two"], ["one", "two"], True),
        (["one"], ["one", "two"], False),
        (["one", "two"], ["two", "one"], False),
        (["up … Established"], ["up 03:02:40.517 Established"], True),
        (["up … Established"], ["up Established"], True),
        (["up … Established"], ["up 03:02:40.517 Idle"], False),
        (["cali…"], ["cali6285d775657"], True),
        (["17: tap4ff073a0-26@if16: master qbr4ff073a0-26"], ["5: tap00c1d2e3-f4@if4: master qbr00c1d2e3-f4"], True),
        (["tap4ff073a0-26"], ["qvo4ff073a0-26"], False),
        (["kuryr kuryr-net-37db4273"], ["kuryr kuryr-net-b33a1ee0"], True),
        (["kuryr kuryr-net-37db4273"], ["kuryr-net-b33a1ee0 kuryr"], False),
        (["qvo…"], ["qvo4ff073a0-26"], True),
        (
            ['"id": "4ff073a0-26b1-4c39-9d0e-4d6b4a3f6f0a"'],
            ['"id": "00c1d2e3-f4a5-4b67-8c9d-0123456789ab"'],
            True,
        ),
        (["a.c"], ["abc"], False),
        (["", "one"], ["one", ""], True),
        (["10.2.46.0/24 dev docker0 scope link"], ["10.2.46.0/24 dev docker0 scope link linkdown"], True),
    ],
)
def test_what_differs_from_run_to_run_is_compared_by_its_kind(page: list[str], printed: list[str], same: bool) -> None:
    assert prints_the_same(page, printed) is same


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("docker run -itd --name bbox1 busybox", True),
        ("docker network create --driver calico cal_net1", True),
        ("docker network ls", False),
        ("docker exec bbox1 ping -c 1 bbox2", False),
        ("ip route", False),
        ("ip address show dev cali0", False),
        ("ip -d link show vxlan0", False),
        ("ip route replace 10.0.0.0/8 via 10.0.0.1", True),
        ("bridge fdb append 00:00:00:00:00:00 dev vxlan0 dst 10.0.0.1", True),
        ("docker_netns 1-overlay ip neigh", False),
        ("docker_netns box ip address add 10.20.0.3/16 dev eth0", True),
        ("etcdctl get --prefix /calico", False),
        ("ovs-vsctl get Port qvo4ff073a0-26 tag", False),
        ("ovs-vsctl set Port qvo4ff073a0-26 tag=1", True),
        ("curl -s http://192.168.1.68:9696/v2.0/networks", False),
        ("curl -s -X PUT http://192.168.1.68:9696/v2.0/networks -d x", True),
        ("etcdctl put /calico/x y", True),
        ("cat << END | etcdctl put /calico/x\n{}\nEND", True),
    ],
)
def test_only_commands_that_change_nothing_are_given_again(command: str, expected: bool) -> None:
    assert changes(command) is expected


def test_a_command_that_prints_something_else_is_told_with_both() -> None:
    with pytest.raises(LabError) as failure:
        run_typed([{"command": "echo one", "output": ["one"]}, {"command": "cat <<< two; exit 3", "output": ["three"]}])
    assert str(failure.value).splitlines() == [
        "'cat <<< two; exit 3' printed something other than the lesson shows.",
        "  the lesson:",
        "    three",
        "  printed (exit status 3):",
        "    two",
    ]


def test_a_command_without_output_has_to_succeed() -> None:
    run_typed([{"command": "cat <<< two", "output": []}])
    with pytest.raises(LabError, match="exit status 0"):
        run_typed([{"command": "cat <<< two; exit 3", "output": []}])
