# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole lab for the tests in this folder: the two hosts of inventories/two_hosts, brought up once.

The tests run the playbooks as a user does and look at the hosts from outside. Each takes what it begins with from the
fixtures below.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.lab_runs import Lab
from tests.support.snapshot import host_state, machine_state


@pytest.fixture(scope="session")
def machine_before() -> dict[str, list[str]]:
    """What the machine looked like before there was a lab."""
    Lab("two_hosts").play("lab_down.yml")
    return machine_state()


@pytest.fixture(scope="session")
def fresh_lab(machine_before: dict[str, list[str]]) -> Iterator[Lab]:
    """The lab hosts, with nothing on them but what their image has."""
    lab = Lab("two_hosts")
    lab.play("lab_up.yml")
    yield lab
    lab.play("lab_down.yml")


@pytest.fixture(scope="module")
def hosts_before(fresh_lab: Lab) -> dict[str, dict[str, list[str]]]:
    """The state of the hosts without any network of ours."""
    fresh_lab.play("teardown.yml")
    return {host: host_state(host) for host in ("host1", "host2")}


@pytest.fixture
def flannel(fresh_lab: Lab) -> Lab:
    """The lab with Flannel converged and verified."""
    fresh_lab.play("site.yml", "cni=flannel")
    return fresh_lab


@pytest.fixture(scope="module")
def calico(fresh_lab: Lab) -> Lab:
    """The lab with Calico converged and verified; each test leaves it so."""
    fresh_lab.play("site.yml", "cni=calico")
    return fresh_lab
