# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose watch of a real etcd brings nothing any more: it notices, and goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ansible_collections.container_network.lab.plugins.module_utils.datastore import mirror_check
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import EtcdSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.driver import following
from ansible_collections.container_network.lab.plugins.module_utils.driver.config import Config
from ansible_collections.container_network.lab.plugins.module_utils.driver.docker_view import Docker
from ansible_collections.container_network.lab.plugins.module_utils.driver.follower import Follower
from tests.support import etcd_process
from tests.support.between import between
from tests.support.driver_hosts import eventually


class Watcher(Follower):
    """A network that only looks."""

    driver = "watcher"
    watched = ("/watched/",)

    def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """It has nothing on the host."""

    @classmethod
    def clean_host(cls) -> None:
        """Nothing."""


class Looking(following.Following):
    """Without a host, which a thorough convergence would mend."""

    def _work(self) -> tuple[Callable[[], None], ...]:
        return self._follow, self._check_copy

    def sees(self, key: str) -> bool:
        return self._mirror.copy().get(key) is not None


def test_a_copy_that_falls_behind_is_read_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(following, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(mirror_check, "GRACE_SECONDS", 0.5)
    caplog.set_level(logging.WARNING)
    with etcd_process.running_etcd(tmp_path) as endpoint, between(endpoint) as gateway:
        etcd = Etcd([endpoint])
        config = Config("host", {}, {"endpoints": [gateway.endpoint]})
        host = Looking(Watcher, {}, config, Docker(str(tmp_path / "docker.sock"), tmp_path / "docker.pid"))
        host.start()
        try:
            etcd.put("/watched/first", "1")
            eventually(lambda: host.sees("/watched/first"))
            # Of all that etcd says, only what the watch has to tell is lost.
            gateway.answered = lambda data: b"" if b'"events"' in data else data
            etcd.put("/watched/second", "1")
            eventually(lambda: host.sees("/watched/second"))
            assert caplog.messages == ["the watch of etcd has missed changes of /watched/; reading everything again"]
        finally:
            host.stop()
