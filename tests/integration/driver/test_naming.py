# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network with names whose Docker driver is another program, in the service of a host that follows a real etcd."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import EtcdSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.driver.config import Config
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_forwarding import Forwarding
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_names import AllNames, NamesFiles
from ansible_collections.container_network.lab.plugins.module_utils.driver.docker_view import Docker
from ansible_collections.container_network.lab.plugins.module_utils.driver.naming import Naming
from tests.support import etcd_process
from tests.support.kernel_view import ip
from tests.support.named_network import NamedNetwork


def test_names_that_cannot_be_written_stop_nothing_else(
    host: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ip(host, "link set lo up")
    converged = threading.Semaphore(0)

    class Network(NamedNetwork):
        longest_resync = 0.1

        def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
            converged.release()

    no_folder = tmp_path / "file"
    no_folder.write_text("")
    names = AllNames(NamesFiles(no_folder / "hosts", None, Forwarding(["container"], tmp_path / "upstream")))
    docker = Docker(str(tmp_path / "docker.sock"), tmp_path / "docker.pid")
    with etcd_process.running_etcd(tmp_path) as endpoint:
        naming = Naming(Network, {}, Config("host1", {}, {"endpoints": [endpoint]}), docker, names)
        naming.start()
        try:
            for _round in range(3):
                assert converged.acquire(timeout=20)
        finally:
            naming.stop()
    said = [line for line in caplog.messages if "the names of containers cannot be served" in line]
    assert len(said) == 1, caplog.messages
