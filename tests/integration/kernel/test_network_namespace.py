# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module network_namespace."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from pyroute2 import netns

from tests.support.kernel_view import command, has_link, ip
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module


@pytest.fixture
def names() -> Iterator[list[str]]:
    """Names of two namespaces that do not exist, and are removed after the test."""
    unused = [f"test-{secrets.token_hex(4)}" for _number in range(2)]
    yield unused
    for name in unused:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def listed() -> list[str]:
    return netns.listnetns()


def sysctl(namespace: str, key: str) -> str:
    return command("nsenter", f"--net=/run/netns/{namespace}", "cat", "/proc/sys/" + key.replace(".", "/")).strip()


def test_namespaces_are_made_with_their_parameters(names: list[str]) -> None:
    first = {"name": names[0], "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.icmp_ratelimit": "0"}}
    result = assert_converges("network_namespace", namespaces=[first, {"name": names[1]}])
    assert sysctl(names[0], "net.ipv4.ip_forward") == "1"
    assert sysctl(names[0], "net.ipv4.icmp_ratelimit") == "0"
    assert result["diff"] == {
        "before": {"namespaces": {names[0]: None, names[1]: None}},
        "after": {
            "namespaces": {
                names[0]: {"sysctls": {"net.ipv4.ip_forward": "1", "net.ipv4.icmp_ratelimit": "0"}},
                names[1]: {"sysctls": {}},
            }
        },
    }


def test_a_parameter_changes_in_the_living_namespace(names: list[str]) -> None:
    # Said, as a new namespace has what the machine has, where Docker may have turned it on.
    run_module("network_namespace", namespaces=[{"name": names[0], "sysctls": {"net.ipv4.ip_forward": "0"}}])
    ip(names[0], "link add br0 type bridge")
    sysctls = {"net.ipv4.ip_forward": "1", "net.ipv4.tcp_rmem": "4096  87380 6291456"}
    result = assert_converges("network_namespace", namespaces=[{"name": names[0], "sysctls": sysctls}])
    assert result["diff"]["before"]["namespaces"][names[0]]["sysctls"]["net.ipv4.ip_forward"] == "0"
    assert has_link(names[0], "br0")


def test_check_mode_makes_nothing(names: list[str]) -> None:
    run_module("network_namespace", _check=True, namespaces=[{"name": names[0]}])
    assert names[0] not in listed()


def test_absent_removes_only_the_listed_ones(names: list[str]) -> None:
    run_module("network_namespace", namespaces=[{"name": name} for name in names])
    assert_converges("network_namespace", namespaces=[{"name": names[0]}], state="absent")
    assert names[0] not in listed()
    assert names[1] in listed()


def test_a_file_left_by_a_killed_run_is_no_namespace(names: list[str]) -> None:
    """`ip netns add` makes a file and mounts the namespace on it; killed between the two, it leaves the file."""
    command("touch", f"/run/netns/{names[0]}")
    assert_converges("network_namespace", namespaces=[{"name": names[0]}])
    assert has_link(names[0], "lo")
    run_module("network_namespace", namespaces=[{"name": names[0]}], state="absent")
    command("touch", f"/run/netns/{names[0]}")
    run_module("network_namespace", namespaces=[{"name": names[0]}], state="absent")
    assert_unchanged("network_namespace", namespaces=[{"name": names[0]}], state="absent")


def failing(namespaces: list[dict[str, Any]]) -> str:
    with pytest.raises(ModuleFailed) as failure:
        run_module("network_namespace", namespaces=namespaces)
    return str(failure.value)


def test_wrong_input_is_reported_all_together_and_changes_nothing(names: list[str]) -> None:
    namespaces = [
        {"name": names[0], "sysctls": {"vm.swappiness": 1, "net.ipv4.ip_forward": True}},
        {"name": "a b"},
        {"name": names[0]},
        {"name": ".."},
        {"name": "7"},
    ]
    name_rule = "use letters, digits, '_', '.' and '-', beginning with a letter or digit, not digits alone"
    assert failing(namespaces).splitlines() == [
        "namespaces[0]: sysctl 'vm.swappiness' is none of a network namespace: their names begin with 'net.'",
        "namespaces[0]: sysctl 'net.ipv4.ip_forward' is given as true: write the number, such as 1",
        f"namespaces[1]: 'a b' is not a name: {name_rule}",
        f"namespaces[2]: {names[0]} is given twice, in entries 0 and 2: drop one",
        f"namespaces[3]: '..' is not a name: {name_rule}",
        f"namespaces[4]: '7' is not a name: {name_rule}",
    ]
    assert names[0] not in listed()


def test_an_unknown_parameter_is_named(names: list[str]) -> None:
    assert failing([{"name": names[0], "sysctls": {"net.ipv4.no_such": "1"}}]) == (
        f"namespace {names[0]}: sysctl net.ipv4.no_such cannot be read: No such file or directory. Check the name."
    )
    assert failing([{"name": names[0], "sysctls": {"net.ipv4.ip_forward": "x"}}]) == (
        f"namespace {names[0]}: sysctl net.ipv4.ip_forward cannot be set to 'x': Invalid argument."
    )
