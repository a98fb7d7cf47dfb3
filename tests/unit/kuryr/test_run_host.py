# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What starts Neutron's agent waits for the new one, and not for what Neutron still believes of the one before."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "roles/kuryr/files/run_host.sh"
AGENT = "neutron-openvswitch-agent.service"
# As Neutron answers, one look after the other: the first is before the restart.
SAME, NEW = '{"agents": [{"started_at": "20:01"}]}', '{"agents": [{"started_at": "20:04"}]}'


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host whose commands note what they are asked, and on which br-tun is there from before."""
    for name, body in {
        "systemctl": 'echo "$@" >> "$HOST/asked"',
        "ovs-vsctl": "true",
        "neutron-get": 'echo look >> "$HOST/asked"; line=$(head -n 1 "$HOST/answers"); sed -i 1d "$HOST/answers"; '
        '[ -n "$line" ] && echo "$line"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(host: Path, answers: list[str], *units: str) -> list[str]:
    """What was asked of the host's commands when the script had ended."""
    (host / "answers").write_text("\n".join(answers))
    search = {"HOST": str(host), "PATH": f"{host}:{os.environ['PATH']}"}
    subprocess.run(["bash", str(SCRIPT), str(host), str(host), *units], check=True, env={**os.environ, **search})
    return (host / "asked").read_text().splitlines()


def test_a_restarted_agent_is_awaited_until_neutron_has_heard_of_it(host: Path) -> None:
    asked = run(host, [SAME, SAME, "", NEW, "never asked for"], AGENT)
    assert asked.index("look") < asked.index(f"restart {AGENT}")
    assert asked[asked.index(f"restart {AGENT}") + 1 :] == ["look"] * 3


def test_where_neutron_cannot_be_asked_yet_the_bridges_are_enough(host: Path) -> None:
    assert run(host, [""], AGENT)[-1] == f"restart {AGENT}"


def test_an_agent_that_goes_on_is_not_awaited(host: Path) -> None:
    assert "look" not in run(host, [SAME], "kuryr-libnetwork.service")
