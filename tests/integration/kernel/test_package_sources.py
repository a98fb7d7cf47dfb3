# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether packages are to be had: asked of the real apt, with a mirror of its own, and of a Python index."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel import package_sources
from ansible_collections.container_network.lab.plugins.module_utils.kernel.package_sources import (
    pip_index,
    unavailable_packages,
    unavailable_python_packages,
)
from ansible_collections.container_network.lab.plugins.module_utils.validation import package_problems

ROOT = Path(__file__).parents[3]


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror with one package that this machine does not know, whose apt has no lists of its own."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    package = "Package: only-in-the-mirror\nVersion: 1.0\nArchitecture: all\nFilename: ./one.deb\nSize: 1\nSHA256: 00\n"
    (folder / "Packages").write_text(f"{package}Description: a test\nMaintainer: nobody <nobody@example.org>\n\n")
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{folder} ./\n")
    (tmp_path / "lists/partial").mkdir(parents=True)
    configuration = tmp_path / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::SourceList "{tmp_path}/sources.list";\nDir::Etc::SourceParts "-";\n'
        f'Dir::State::Lists "{tmp_path}/lists";\nAPT::Sandbox::User "root";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    return tmp_path


def test_what_apt_finds_in_its_mirrors_is_available_and_no_list_of_the_host_changes(mirror: Path) -> None:
    assert unavailable_packages(["only-in-the-mirror"]) == []
    assert list((mirror / "lists").iterdir()) == [mirror / "lists/partial"]


def test_what_no_mirror_has_is_named(mirror: Path) -> None:
    assert unavailable_packages(["only-in-the-mirror", "nowhere-at-all"]) == ["nowhere-at-all"]
    (mirror / "sources.list").write_text("")
    assert unavailable_packages(["only-in-the-mirror"]) == ["only-in-the-mirror"]


def test_what_the_lists_have_needs_no_mirror(monkeypatch: pytest.MonkeyPatch, mirror: Path) -> None:
    (mirror / "sources.list").write_text("")
    assert unavailable_packages(["dpkg"]) == []  # it is installed
    assert unavailable_packages([]) == []


def test_a_role_whose_packages_cannot_be_installed_says_so_in_words(mirror: Path) -> None:
    role = {"name": "container_network.lab.packages"}
    task = {"ansible.builtin.include_role": role, "vars": {"packages_names": ["nowhere-at-all", "dpkg"]}}
    playbook = mirror / "playbook.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [task]}]))
    python = "ansible_python_interpreter=/usr/bin/python3"  # of which Debian's python3-apt is
    done = subprocess.run(
        ["ansible-playbook", "-i", "node-1,", "-e", python, str(playbook)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )
    assert done.returncode == 2
    text = " ".join(done.stdout.split())
    assert "node-1 lacks nowhere-at-all dpkg, and the installation fails (" in text
    assert "let the host reach a mirror of its distribution" in text


@pytest.fixture
def plain_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's own configuration of pip does not count."""
    monkeypatch.setattr(package_sources, "PIP_FILES", ())
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """An index of Python packages."""
    (tmp_path / "kuryr-lib").mkdir()
    (tmp_path / "kuryr-lib/index.html").write_text('<a href="/kuryr_lib-3.5.0-py3-none-any.whl">a wheel</a>')
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("plain_pip")
def test_of_python_packages_the_version_counts(index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{index}/")
    wanted = ["kuryr-lib==3.5.0", "kuryr-lib==9.9", "kuryr-libnetwork==18.0.0"]
    assert unavailable_python_packages(wanted) == wanted[1:]


@pytest.mark.usefixtures("plain_pip")
def test_an_index_that_does_not_answer_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9")
    assert unavailable_python_packages(["kuryr-lib==3.5.0"]) == ["kuryr-lib==3.5.0"]


def test_where_pip_looks(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    assert pip_index([file], {}) is None
    file.write_text("[global]\nindex-url = https://pypi.example.org/simple/\n")
    assert pip_index([file], {}) == "https://pypi.example.org/simple"
    assert pip_index([file], {"PIP_INDEX_URL": "https://other.example.org"}) == "https://other.example.org"
    assert pip_index([file], {"PIP_EXTRA_INDEX_URL": "https://other.example.org"}) is None
    file.write_text("[install]\nno-index = true\nfind-links = /srv/wheels\n")
    assert pip_index([file], {}) is None
    file.write_text("no section")
    assert pip_index([file], {}) is None


def test_hosts_and_the_way_out_are_named() -> None:
    seen = {"unavailable_packages": ["neutron-server"], "unavailable_python_packages": ["kuryr-lib==3.5.0"]}
    first, second = package_problems({"node-1": seen, "node-2": {}})
    assert first.startswith("node-1: apt does not find what has to be installed (neutron-server)")
    assert "'apt-get install neutron-server'" in first
    assert second.startswith("node-1: pip does not find what has to be installed (kuryr-lib==3.5.0)")
