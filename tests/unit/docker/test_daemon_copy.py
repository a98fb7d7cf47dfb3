# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy of daemon.json that dockerd reads, and the servers that the host's DNS server asks in its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker import daemon_copy
from ansible_collections.container_network.lab.plugins.module_utils.docker.daemon_copy import (
    split,
    write_copy,
    write_upstream,
)


def test_all_but_the_servers_is_in_the_copy() -> None:
    document = {"dns": ["8.8.8.8", "2001:db8::1"], "dns-search": ["example.org"], "proxies": {"http-proxy": "http://ü"}}
    kept, servers = split(json.dumps(document).encode())
    assert servers == ["8.8.8.8", "2001:db8::1"]
    assert json.loads(kept) == {key: value for key, value in document.items() if key != "dns"}


@pytest.mark.parametrize("text", ["", "  \n", "{}", '{"dns": []}', '{"dns": null}'])
def test_a_file_without_servers(text: str) -> None:
    assert split(text.encode()) == (b"{}\n", [])


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", '{"dns": "8.8.8.8"}', '{"dns": ["8.8.8.8\\nnameserver 6.6.6.6"]}', '{"dns": 7}', "\xff{}"]
)
def test_what_dockerd_will_complain_of_is_left_to_it(text: str) -> None:
    assert split(text.encode("latin-1")) == (text.encode("latin-1"), [])


def test_the_copy_is_for_root_and_the_upstream_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("nameserver 192.168.1.1\n")
    monkeypatch.setattr(daemon_copy, "RESOLV_CONF", resolv_conf)
    file, copy, upstream = tmp_path / "daemon.json", tmp_path / "run/docker.json", tmp_path / "run/upstream"
    for text, asked in (
        (None, "nameserver 192.168.1.1\n"),
        ('{"dns": ["8.8.8.8"], "mtu": 1450}', "nameserver 8.8.8.8\n"),
        ('{"dns": ["9.9.9.9", "8.8.8.8"]}', "nameserver 9.9.9.9\nnameserver 8.8.8.8\n"),
        ("{}", "nameserver 192.168.1.1\n"),
    ):
        if text is not None:
            file.write_text(text)
        write_upstream(upstream, write_copy(file, copy))
        assert upstream.read_text() == asked
        assert copy.stat().st_mode & 0o777 == 0o600
        assert "dns" not in json.loads(copy.read_text())
