# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module name_lookup against a real server in a namespace of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.kernel_view import ip
from tests.support.module_runner import ModuleFailed, run_module

SERVER = "10.9.8.2"


@pytest.fixture
def asking(netns_factory: Callable[[], str], tmp_path: Path) -> Iterator[str]:
    """A namespace that reaches a dnsmasq in another one, which knows two names and forwards nothing."""
    here, there = netns_factory(), netns_factory()
    ip(here, f"link add va type veth peer name vb netns {there}")
    ip(here, "addr add 10.9.8.1/24 dev va")
    ip(there, f"addr add {SERVER}/24 dev vb")
    ip(here, "link set va up")
    ip(there, "link set vb up")
    ip(here, "link set lo up")
    hosts = tmp_path / "hosts"
    hosts.write_text("10.1.1.1 web web.net1.container\n10.1.1.2 web\nfd00::1 web\n")
    command = [
        "ip", "netns", "exec", there, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts",
        f"--addn-hosts={hosts}", "--no-resolv", f"--pid-file={tmp_path}/pid", f"--listen-address={SERVER}",
        "--bind-interfaces", "--user=root",
    ]  # fmt: skip
    with subprocess.Popen(command) as server:
        try:
            deadline = time.monotonic() + 30
            while problem := run_module("name_lookup", name="web", server=SERVER, netns=here, seconds=0.3)["problem"]:
                assert time.monotonic() < deadline, problem
            yield here
        finally:
            server.terminate()


def test_all_addresses_of_a_name(asking):
    found = run_module("name_lookup", name="web", server=SERVER, netns=asking)
    assert (sorted(found["addresses"][:2]), found["addresses"][2:]) == (["10.1.1.1", "10.1.1.2"], ["fd00::1"])
    assert (found["problem"], found["server"]) == ("", SERVER)
    full = run_module("name_lookup", name="Web.net1.container.", server=SERVER, netns=asking)
    assert full["addresses"] == ["10.1.1.1"]


def test_what_nobody_answers_is_said(asking):
    unknown = run_module("name_lookup", name="nobody", server=SERVER, netns=asking)
    assert unknown["addresses"] == []
    assert unknown["problem"] in ("it refuses", "there is no such name")  # by the version of dnsmasq
    silent = run_module("name_lookup", name="web", server="10.9.8.99", netns=asking, seconds=0.2)
    assert silent["problem"] in ("it gives no answer", "No route to host")
    assert run_module("name_lookup", name="web", server="10.9.8.1", netns=asking)["problem"] == "Connection refused"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "a..b", "server": SERVER}, "name: 'a..b' is none that DNS can have"),
        ({"name": "web", "server": "docker"}, "server: 'docker' must be an address"),
    ],
)
def test_what_cannot_be_is_said(options, words):
    with pytest.raises(ModuleFailed) as failure:
        run_module("name_lookup", **options)
    assert words in str(failure.value)
