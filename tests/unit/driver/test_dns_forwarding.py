# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which queries stay on the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.driver import dns_names
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_forwarding import Forwarding
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_names import (
    AllNames,
    ContainerName,
    NamesFiles,
)

DOMAINS = ["weave.local", "container", "container"]


@pytest.fixture
def resolver(tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text("search example\nnameserver 192.0.2.53\n")
    return path


def test_names_and_domains_of_the_networks_stay_and_what_is_below_a_name_does_not(resolver: Path) -> None:
    names = ["web.net1.container", "web", "App", "x.weave.local", "web", "db.front"]
    assert Forwarding(DOMAINS, resolver).text(names).splitlines() == [
        "server=/container/",
        "server=/weave.local/",
        "server=/app/",
        "server=/*.app/#",
        "server=/db.front/",
        "server=/*.db.front/#",
        "server=/web/",
        "server=/*.web/#",
    ]


@pytest.mark.parametrize("text", ["# nameserver 192.0.2.53\n", "", None])
def test_nothing_is_forwarded_where_nobody_could_be_asked(resolver: Path, text: str | None) -> None:
    resolver.unlink() if text is None else resolver.write_text(text)
    expected = "server=/#/\nserver=/container/\nserver=/weave.local/\n"
    assert Forwarding(DOMAINS, resolver).text(["web"]) == expected
    assert Forwarding(DOMAINS).text([]) == expected


def test_dnsmasq_reads_its_files_again_when_one_changes(
    tmp_path: Path, resolver: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reloaded: list[str] = []
    monkeypatch.setattr(dns_names, "reload_dnsmasq", lambda pid_file: reloaded.append(pid_file.name))
    hosts, servers = tmp_path / "hosts", tmp_path / "hosts.servers"

    def served() -> AllNames:
        names = AllNames(NamesFiles(hosts, tmp_path / "pid", Forwarding(["container"], resolver)))
        names.begin()
        return names

    known = [ContainerName("web", "net1", ("10.0.0.1",))]
    names = served()
    assert servers.read_text() == "server=/container/\n"
    assert [names.update("calico", known) for _repeated in range(2)] == [True, False]
    assert hosts.read_text() == "10.0.0.1 web.net1.container web\n"
    assert servers.read_text() == "server=/container/\nserver=/web/\nserver=/*.web/#\n"
    served()  # the service starts again: what is answered stays until the datastore answers
    assert "web" in servers.read_text()
    resolver.write_text("")
    assert names.update("calico", known)
    assert servers.read_text() == "server=/#/\nserver=/container/\n"
    assert reloaded == ["pid"] * 3
