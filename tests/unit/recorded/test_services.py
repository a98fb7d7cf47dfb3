# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services and their files: what a task may say."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput
from ansible_collections.container_network.lab.plugins.module_utils.recorded.services import Service, parse_services


def test_services_are_started_or_restarted() -> None:
    given = [{"name": "bird.service", "state": "started"}, {"name": "etcd.service", "state": "restarted"}]
    assert parse_services(given) == [Service("bird.service", False), Service("etcd.service", True)]


@pytest.mark.parametrize(
    "name", ["bird", "", "--now.service", "a b.service", "bird.socket", "x\n.service", "../x.service"]
)
def test_a_name_that_is_no_services_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^services\[0\]: name '"):
        parse_services([{"name": name, "state": "started"}])


def test_all_that_is_wrong_is_told_at_once() -> None:
    names = ["bird.service", "etcd", "bird.service"]
    with pytest.raises(InvalidInput) as refused:
        parse_services([{"name": name, "state": "started"} for name in names])
    assert [problem.partition(":")[0] for problem in refused.value.problems] == ["services[1]", "services[2]"]
