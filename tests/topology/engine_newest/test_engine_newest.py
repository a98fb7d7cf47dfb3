# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All networks on the newest Docker Engine that Debian has, one in the place of the other."""

from __future__ import annotations

import pytest

from tests.support.lab_runs import PAIR, PAIR_INVENTORY, Lab, await_success, on_host
from tests.support.networks import FLANNEL, NETWORKS, LabNetwork

LAB = Lab(PAIR_INVENTORY)
SERVED = "<p>from left</p>"
# It ends at once when Docker does.
SERVER = (
    *("docker", "run", "--detach", "--name", "web", "--publish", "8080:80", "--stop-signal", "KILL", "busybox"),
    *("sh", "-c", f"mkdir /www && echo '{SERVED}' > /www/index.html && exec httpd -f -p 80 -h /www"),
)


@pytest.mark.parametrize("host", PAIR)
def test_the_engine_is_the_one_that_was_asked_for(host: str) -> None:
    version = on_host(host, "docker", "version", "--format", "{{.Server.Version}}")
    assert int(version.partition(".")[0]) >= 28
    assert "VERSION_CODENAME=trixie" in on_host(host, "cat", "/etc/os-release")


def address_of(host: str, container: str) -> str:
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return on_host(host, "docker", "inspect", "--format", template, container).strip()


def assert_served() -> None:
    """A container on one host reaches the web server of the other by its own address, and by the port of its host."""
    for address in (f"{address_of('left', 'web')}:80", "172.21.5.11:8080"):
        page = await_success(
            "right", "docker", "exec", "bbox2", "wget", "-q", "-T", "2", "-O", "-", f"http://{address}", seconds=10
        )
        assert page.strip() == SERVED
    on_host("right", "ping", "-c", "1", "-W", "1", address_of("left", "web"))


@pytest.mark.parametrize("backend", ["host-gw", "vxlan"])  # the latter is what the next test begins with
def test_flannel_reaches_what_is_started_later_and_after_a_restart_of_docker(backend: str) -> None:
    variables = (*FLANNEL.variables, f"flannel_backend={backend}")
    LAB.play("site.yml", *variables)
    on_host("left", *SERVER)
    try:
        assert_served()
        on_host("left", "systemctl", "restart", "docker.service")
        on_host("left", "docker", "rm", "--force", "web")
        on_host("left", *SERVER)
        assert_served()
        assert LAB.play("site.yml", *variables).changed["right"] == 0
    finally:
        on_host("left", "docker", "rm", "--force", "web")


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_a_network_is_made_and_verified_and_a_second_run_changes_nothing(network: LabNetwork) -> None:
    LAB.play("site.yml", *network.variables)
    assert LAB.play("site.yml", *network.variables).changed_in_all == 0
