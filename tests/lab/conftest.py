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

from tests.support.lab_runs import HOSTS, Lab
from tests.support.snapshot import assert_unchanged, brought_up, host_state


@pytest.fixture(scope="session")
def fresh_lab() -> Iterator[Lab]:
    """The lab."""
    with brought_up(Lab("two_hosts")) as lab:
        yield lab


@pytest.fixture(scope="session", autouse=True)
def hosts_before(fresh_lab: Lab) -> dict[str, dict[str, list[str]]]:
    """The state of the hosts with nothing on them but what their image has."""
    return {host: host_state(host) for host in HOSTS}


@pytest.fixture(scope="module")
def bare(fresh_lab: Lab) -> Lab:
    """The lab without any network of ours."""
    fresh_lab.play("teardown.yml")
    return fresh_lab


@pytest.fixture
def left_bare(fresh_lab: Lab, hosts_before: dict[str, dict[str, list[str]]]) -> Iterator[Lab]:
    """The lab without any network of ours, before the test and after it."""
    fresh_lab.play("teardown.yml")
    yield fresh_lab
    assert_unchanged(hosts_before)


@pytest.fixture(scope="module")
def flannel(fresh_lab: Lab) -> Lab:
    """The lab with Flannel converged and verified."""
    fresh_lab.play("site.yml", "cni=flannel")
    return fresh_lab


@pytest.fixture(scope="module")
def calico(fresh_lab: Lab) -> Lab:
    """The lab with Calico converged and verified; each test leaves it so."""
    fresh_lab.play("site.yml", "cni=calico")
    return fresh_lab
