# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is typed after ``weave``: all of Weave's commands are served, or answered by a sentence."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.weave import command, verbs
from ansible_collections.container_network.lab.plugins.module_utils.weave.address_request import leading_addresses
from ansible_collections.container_network.lab.plugins.module_utils.weave.command import Weave
from ansible_collections.container_network.lab.plugins.module_utils.weave.names import checked_name, split_targets

OF_WEAVE_1_AND_2 = (
    "attach config connect detach dns-add dns-args dns-lookup dns-remove env expose forget hide launch launch-plugin "
    "launch-proxy launch-router prime proxy-config proxy-env ps report reset restart rmpeer run setup start status "
    "stop stop-plugin stop-proxy stop-router version"
)


def main(*arguments: str) -> int:
    """The command on a host whose configuration cannot be read."""
    return command.main(["/nowhere/driver.json", *arguments])


def test_all_commands_of_weave_are_known() -> None:
    assert sorted([*verbs.SERVED, *(typed for typed in verbs.ANSWERED if " " not in typed)]) == OF_WEAVE_1_AND_2.split()
    assert [verb for verb in verbs.SERVED if not callable(getattr(Weave, verb.replace("-", "_"), None))] == []


@pytest.mark.parametrize("typed", set(verbs.ANSWERED) - set(verbs.EVALUATED))
def test_what_is_not_done_here_is_said_in_one_sentence(typed: str, capsys: pytest.CaptureFixture) -> None:
    assert main(*typed.split(), "192.168.1.254") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"weave {typed}: ")
    assert printed.err.endswith(".\n")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("verb", verbs.EVALUATED)
@pytest.mark.parametrize("typed", ["eval $(cat)", 'eval "$(cat)"'])
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_that_runs_the_output_says_the_sentence_and_fails(
    verb: str, typed: str, shell: str, capsys: pytest.CaptureFixture
) -> None:
    assert main(verb) == 1
    text = capsys.readouterr().out
    done = subprocess.run([shell, "-c", typed], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"weave {verb}: {verbs.ANSWERED[verb]}\n"
    assert done.stdout == ""


@pytest.mark.parametrize("typed", ["help", "--help", "-h"])
def test_help_is_for_those_who_ask_for_it(typed: str, capsys: pytest.CaptureFixture) -> None:
    assert main(typed) == 0
    shown = capsys.readouterr().out
    assert all(f"  weave {verb}" in shown for verb in verbs.SERVED)
    assert main() == 1
    assert capsys.readouterr().err == "weave needs a command: 'weave --help' lists them.\n"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("fly", "weave has no command 'fly' here: 'weave --help' lists those that it has."),
        ("status weather", "weave status: argument part: invalid choice: 'weather' (choose from "),
        ("attach", "weave attach: the following arguments are required: CONTAINER. Write: weave attach [--no-multi"),
        ("attach --fast c1", "weave attach: unrecognized arguments: --fast. Write: weave attach"),
        ("expose -h", "weave expose: argument -h: expected one argument. Write: weave expose [ADDRESS ...] [-h NAME]"),
        ("ps c\udcff1", r"weave ps: the argument 'c\udcff1' is neither an address nor a name."),
        ("dns-lookup a\tb", r"weave dns-lookup: the argument 'a\tb' is neither an address nor a name."),
        ("ps", "/nowhere/driver.json cannot be read: No such file or directory."),
    ],
)
def test_wrong_words_are_answered_in_one_line(typed: str, words: str, capsys: pytest.CaptureFixture) -> None:
    assert main(*typed.split(" ")) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(words)
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_an_empty_argument_is_refused(capsys: pytest.CaptureFixture) -> None:
    assert main("attach", "") == 1
    assert "the argument '' is neither" in capsys.readouterr().err


@pytest.mark.parametrize("typed", ["-h web 172.111.222.5/24", "172.111.222.5/24 -h web"])
def test_a_name_may_be_typed_before_addresses_and_after_them(typed: str) -> None:
    parsed = verbs.parse("expose", typed.split())
    assert (parsed.name, parsed.addresses) == ("web", ["172.111.222.5/24"])


def test_arguments_of_docker_run_are_left_to_docker() -> None:
    typed = "net:default 10.2.1.5/24 -h --rewrite-hosts -e A=10.2.1.6/24 busybox weave status --help".split()
    assert verbs.answer("run", typed) is None
    assert leading_addresses(verbs.parse("run", typed).arguments) == (typed[:2], typed[2:])
    assert leading_addresses(["library/busybox"]) == ([], ["library/busybox"])


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("web", "web"),
        ("Web.weave.local", "web"),
        ("web.weave.local.", "web"),
        ("a.b.weave.local", "a.b"),
        ("my_web-1", "my_web-1"),
        ("a" * 63, "a" * 63),
    ],
)
def test_names_are_of_weaves_domain(typed: str, name: str) -> None:
    assert checked_name(typed) == name


@pytest.mark.parametrize(
    "typed",
    [
        *("", ".", "weave.local", ".weave.local", "web.example.com", "-web", "web-", "a b", "a..b.weave.local", "ü"),
        *("a\n10.0.0.1 b", "a/b", "web#", "a" * 64, ".".join(["a" * 63] * 4) + ".weave.local"),
    ],
)
def test_other_names_are_refused(typed: str) -> None:
    with pytest.raises(LabError, match=r"is not in weave\.local|cannot be one of DNS"):
        checked_name(typed)


def test_addresses_and_a_container_are_told_apart() -> None:
    assert [str(one) for one in split_targets(["172.111.222.5", "10.0.0.1"])[0]] == ["172.111.222.5", "10.0.0.1"]
    assert split_targets(["c1"]) == ([], "c1")
    with pytest.raises(LabError, match="'c1 c2' is more than one container"):
        split_targets(["c1", "c2"])
