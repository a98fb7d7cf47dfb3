# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a container finds another by its name, by what an Engine says of the program that tries it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.engine import EngineError
from ansible_collections.container_network.lab.plugins.module_utils.measure.containers import finds_name


class OneAfterTheOther:
    """An Engine whose programs end with these statuses; what cannot be run is an error when it is started."""

    def __init__(self, *statuses: int | None) -> None:
        self._statuses = list(statuses)
        self._current: int | None = None
        self.started = 0

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "/containers/box/exec":
            assert body["Cmd"][0] == "ping"
            return {"Id": "e"}
        assert (path, body) == ("/exec/e/start", {"Detach": True})
        self.started += 1
        self._current = self._statuses.pop(0)
        if self._current in (126, 127, None):
            raise EngineError("refused", 400, "OCI runtime exec failed")
        return {}

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/exec/e/json"
        return {"Running": False, "ExitCode": self._current}


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        ((0,), True),
        ((1,), False),
        ((126, 0), True),
        ((126, None, 1), False),
        ((127, 127, 127), None),
    ],
    ids=str,
)
def test_a_program_that_runc_failed_to_start_is_tried_again(statuses: tuple[int | None, ...], found: object) -> None:
    engine = OneAfterTheOther(*statuses)
    assert finds_name(engine, "box", "other") is found
    assert engine.started == len(statuses)
