# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of which ansible-core 2.18 and older would make something else: "make core-2.17" runs this with one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def assert_holds(folder: Path, role: str, variables: dict[str, object], condition: str) -> None:
    """The condition holds in a play that has the variables of a role's vars/main.yml, and these."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROOT / "roles" / role / "vars/main.yml")],
        "tasks": [{"ansible.builtin.assert": {"that": condition}}],
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", folder / "play.yml", "-e", json.dumps(variables)],
        check=False,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_drivers_configuration_is_sent_as_it_is_written(tmp_path: Path) -> None:
    given = {"_network_driver_config": {"networks": {}}}
    files = "[{'content': _network_driver_config_text}]"
    assert_holds(tmp_path, "network_driver", given, f"({files} | first).content is string")


def test_the_options_of_weaves_driver_keep_their_types(tmp_path: Path) -> None:
    given = {"weave_mtu": "1410", "weave_datapath": "bridge", "weave_checksum_offload": "false"}
    passed = {"options": {"weavemesh": "{{ _weave_driver_options }}"}}
    wanted = "options.weavemesh.mtu == 1410 and options.weavemesh.checksum_offload is false"
    assert_holds(tmp_path, "weave", {**given, **passed}, wanted)
