# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands docker_netns and find_links, installed by host_commands, in real namespaces and with real containers."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.commands import install
from tests.support.engine_view import EngineView
from tests.support.kernel_view import ip, ip_lines
from tests.support.module_runner import assert_converges, assert_unchanged, run_module

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in the place of /usr/local."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "bin").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(install, "COMMANDS_FOLDER", folder / "bin")
        patch.setattr(install, "LIBRARY", folder / "lib/container-network-commands")
        yield folder


@pytest.fixture(scope="module")
def command(folder: Path) -> Command:
    """Runs a command that the module host_commands has installed."""
    run_module("host_commands")

    def run(name: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        line = [str(folder / "bin" / name), *arguments]
        return subprocess.run(line, check=False, capture_output=True, text=True, **options)

    return run


@pytest.fixture
def overlay(netns_factory: Callable[[], str]) -> tuple[str, str]:
    """The documents' picture: an overlay's namespace with a bridge and a veth, whose other end a container has."""
    overlay, container = netns_factory(), netns_factory()
    ip(overlay, "link add br0 type bridge")
    ip(overlay, f"link add veth0 index 4076 mtu 1450 master br0 type veth peer eth0 netns {container}")
    return overlay, container


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


# --- docker_netns ---------------------------------------------------------------------------------


def test_namespaces_are_listed(command: Command, overlay: tuple[str, str]) -> None:
    done = command("docker_netns")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == sorted(done.stdout.splitlines())
    assert {"default", *overlay} <= set(done.stdout.splitlines())


def test_a_command_runs_in_a_namespace(command: Command, overlay: tuple[str, str]) -> None:
    done = command("docker_netns", overlay[0], "ip", "link", "show", "veth0")
    assert (done.returncode, done.stderr) == (0, "")
    assert lines(done.stdout) == ip_lines(overlay[0], "link show veth0")


def test_sys_shows_the_devices_of_the_namespace(command: Command, overlay: tuple[str, str]) -> None:
    """brctl, which the documents use there, looks into it."""
    ours = os.listdir("/sys/class/net")
    assert command("docker_netns", overlay[0], "ls", "/sys/class/net").stdout.split() == ["br0", "lo", "veth0"]
    assert os.listdir("/sys/class/net") == ours


def test_default_is_the_hosts_own_namespace(command: Command) -> None:
    own = command("docker_netns", "default", "readlink", "/proc/self/ns/net").stdout.strip()
    assert own == os.readlink("/proc/self/ns/net")


def test_input_and_exit_status_are_those_of_the_command(command: Command, netns: str) -> None:
    assert command("docker_netns", netns, "cat", input="hello\n").stdout == "hello\n"
    assert command("docker_netns", netns, "sh", "-c", "exit 7").returncode == 7
    assert command("docker_netns", netns, "sh", "-c", "kill -TERM $$").returncode == -15


def test_arguments_are_passed_on_as_they_are(command: Command, netns: str) -> None:
    arguments = ["--help", "two words", "*", "$HOME", ""]
    done = command("docker_netns", netns, "printf", "%s|", *arguments)
    assert done.stdout == "--help|two words|*|$HOME||"


def test_the_commands_environment_is_the_users(command: Command, netns: str) -> None:
    environment = {**os.environ, "PYTHONPATH": "/nowhere", "MINE": "1"}
    shown = command("docker_netns", netns, "env", env=environment).stdout.splitlines()
    assert {line for line in shown if not line.startswith("_=")} >= {"PYTHONPATH=/nowhere", "MINE=1"}


def test_a_reader_that_has_seen_enough_is_no_error(folder: Path, command: Command, netns: str) -> None:
    line = f"{folder}/bin/docker_netns {netns} yes | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (128 + 13, "y\n", "")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["no-such"], 1, "Cannot open network namespace 'no-such': No such file or directory."),
        (["no-such", "true"], 1, "Container 'no-such' does not exist"),
        (["default"], 1, "No command specified: say what to run in 'default', as in 'docker_netns default ip addr'."),
        (["default", "no-such-program"], 127, "cannot run 'no-such-program': No such file or directory."),
        (["default", "/etc/passwd"], 126, "cannot run '/etc/passwd': Permission denied."),
    ],
)
@pytest.mark.usefixtures("docker_engine")
def test_errors_of_docker_netns(command: Command, arguments: list[str], status: int, words: str) -> None:
    done = command("docker_netns", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("docker_netns: ")
    assert words in done.stderr


def test_without_an_engine_namespaces_still_work(command: Command, netns: str) -> None:
    environment = {**os.environ, "DOCKER_HOST": "unix:///nowhere.sock"}
    assert command("docker_netns", netns, "true", env=environment).returncode == 0
    done = command("docker_netns", "busybox", "true", env=environment)
    assert done.returncode == 1
    assert "No Docker Engine answers" in done.stderr


@pytest.mark.parametrize("name", install.COMMANDS)
def test_help_and_the_need_of_root(command: Command, name: str) -> None:
    done = command(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {name} ")
    package = f"import sys; sys.path.append('{install.LIBRARY}'); from container_network.commands.{name} import main"
    program = f"{package}; import os; os.setuid(65534); sys.exit(main())"
    done = subprocess.run(["/usr/bin/python3", "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"{name}: network namespaces are root's: run it as root, or with sudo.\n"


# --- containers -----------------------------------------------------------------------------------


@pytest.fixture
def container_ids(busybox_image: str, no_containers: None) -> dict[str, str]:
    """Containers of which two have ids with the same first digit, and one is stopped."""
    ids: dict[str, str] = {}
    while len({identifier[0] for identifier in ids.values()}) == len(ids):
        name = f"busybox-{len(ids)}"
        run_module("docker_containers", containers=[{"name": name, "image": "busybox", "network": "none", "tty": True}])
        ids[name] = EngineView().container(name)["Id"]
    return ids


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_containers_by_name_and_by_id(command: Command, container_ids: dict[str, str]) -> None:
    for name, identifier in container_ids.items():
        pid = EngineView().container(name)["State"]["Pid"]
        for word in (name, identifier, identifier[:12]):
            inside = command("docker_netns", word, "readlink", "/proc/self/ns/net")
            assert inside.stdout.strip() == os.readlink(f"/proc/{pid}/ns/net")


def test_an_ambiguous_id_is_an_error_that_names_the_containers(command: Command, container_ids: dict[str, str]) -> None:
    digits = [identifier[0] for identifier in container_ids.values()]
    digit = next(digit for digit in digits if digits.count(digit) > 1)
    done = command("docker_netns", digit, "true")
    assert done.returncode == 1
    assert f"'{digit}' is the beginning of several containers' ids" in done.stderr
    named = [name for name, identifier in container_ids.items() if identifier[0] == digit]
    assert all(f"{name} ({container_ids[name][:12]})" in done.stderr for name in named)


def test_a_stopped_container_has_no_namespace(command: Command, container_ids: dict[str, str]) -> None:
    name = next(iter(container_ids))
    docker("stop", "--time", "0", name)
    done = command("docker_netns", name, "true")
    assert done.returncode == 1
    assert f"'docker start {name}' starts it." in done.stderr


# --- find_links -----------------------------------------------------------------------------------


def test_the_other_end_is_found_by_its_index(command: Command, overlay: tuple[str, str]) -> None:
    (eth0,) = [line for line in ip_lines(overlay[1], "-o link") if "eth0@" in line]
    assert re.search(r"eth0@if4076:", eth0)
    done = command("find_links", "4076")
    assert (done.returncode, done.stderr) == (0, "")
    heading, shown, empty = done.stdout.split("\n")[:3]
    assert heading == f"{overlay[0]}:"
    assert " ".join(shown.split()) == ip_lines(overlay[0], "-o link show veth0")[0]
    assert "master br0" in shown
    assert empty == ""


def test_without_an_index_all_links_are_shown(command: Command, overlay: tuple[str, str]) -> None:
    done = command("find_links")
    assert (done.returncode, done.stderr) == (0, "")
    sections = {part.split("\n")[0]: lines(part)[1:] for part in done.stdout.strip().split("\n\n")}
    for name in overlay:
        assert sections[f"{name}:"] == ip_lines(name, "-o link")
    assert "default:" in sections


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["4077"], "no network namespace that docker_netns lists has a link with index 4077."),
        (["eth0"], "'eth0' is not an interface index: give the number"),
        (["1", "2"], "'1 2' is not an interface index: give the number"),
    ],
)
def test_errors_of_find_links(command: Command, arguments: list[str], words: str) -> None:
    done = command("find_links", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


def test_missing_ip_is_named(command: Command) -> None:
    done = command("find_links", "1", env={"PATH": "/nowhere"})
    assert done.returncode == 1
    assert "install iproute2" in done.stderr


# --- the module -----------------------------------------------------------------------------------


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another one, without the commands."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    monkeypatch.setattr(install, "COMMANDS_FOLDER", tmp_path / "bin")
    monkeypatch.setattr(install, "LIBRARY", tmp_path / "lib/container-network-commands")
    return tmp_path


def test_commands_are_installed_updated_and_removed_to_the_byte(empty_folder: Path) -> None:
    assert_converges("host_commands")
    installed = empty_folder / "bin/docker_netns"
    assert installed.stat().st_mode & 0o777 == 0o755
    subprocess.run([installed], check=True, capture_output=True)  # Python keeps what it compiles
    assert_unchanged("host_commands")
    installed.write_text(installed.read_text().replace("-IS", "-I"))
    result = assert_converges("host_commands")
    assert result["diff"]["before"] == {"outdated": [str(installed)]}
    installed.chmod(0o644)
    assert_converges("host_commands")
    assert_converges("host_commands", state="absent")
    assert files(empty_folder) == {"bin", "lib"}


def test_check_mode_installs_nothing(empty_folder: Path) -> None:
    run_module("host_commands", _check=True)
    assert files(empty_folder) == {"bin", "lib"}


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_foreign_command_is_left_alone(empty_folder: Path, kind: str) -> None:
    foreign = empty_folder / "bin/find_links"
    if kind == "file":
        foreign.write_text("#!/bin/sh\necho mine\n")
    else:
        foreign.symlink_to("/opt/mine")
    result = run_module("host_commands")
    assert f"{foreign} on {os.uname().nodename} is not ours and is left as it is" in str(result["warnings"])
    assert_unchanged("host_commands")
    assert_converges("host_commands", state="absent")
    assert files(empty_folder) == {"bin", "lib", "bin/find_links"}
    assert os.path.lexists(foreign)
