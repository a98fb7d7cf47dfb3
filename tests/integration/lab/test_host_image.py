# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of lab hosts as several labs need it at once: by the real script and a real Docker Engine.

What fills the image is a stand-in, which takes its time.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
from pathlib import Path

import docker

from tests.support.lab_runs import ROOT

SCRIPT = ROOT / "roles/lab/files/build_host_image.sh"
FILLED = """#!/bin/sh
sleep 0.5
echo "$0" > "$2.content"
tar --create --file "$2" --directory "$(dirname "$2")" "$(basename "$2.content")"
"""


def test_of_several_labs_one_builds_the_image(docker_engine: str, tmp_path: Path) -> None:
    script = Path(shutil.copy(SCRIPT, tmp_path))
    filled = tmp_path / "root_filesystem.sh"
    filled.write_text(FILLED)
    filled.chmod(0o755)
    image = f"container-network-lab/host:test-{secrets.token_hex(4)}"
    lock = Path(f"/run/container-network-lab-image-{image.rpartition(':')[2]}.lock")
    try:
        labs = [
            subprocess.Popen([script, "bookworm", "bookworm", image], stdout=subprocess.PIPE, text=True)
            for _lab in range(3)
        ]
        printed = [lab.communicate(timeout=60)[0] for lab in labs]
        assert [lab.returncode for lab in labs] == [0, 0, 0]
        assert sorted(printed) == ["", "", "built\n"]
        with contextlib.closing(docker.DockerClient(base_url=docker_engine)) as client:
            assert client.images.get(image).tags == [image]
            client.images.remove(image)
    finally:
        lock.unlink(missing_ok=True)
