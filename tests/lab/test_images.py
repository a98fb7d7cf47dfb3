# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that lab hosts have from the beginning."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab_runs import HOSTS, Lab, on_host

NAME = "container-network-lab-test/tool:1"


@pytest.fixture
def image() -> Iterator[str]:
    """An image of this machine that holds nothing but the machine's BusyBox; afterwards nobody has it."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        program, *_other = [path for path in ("/usr/bin/busybox", "/bin/busybox") if Path(path).exists()]
        archive.add(Path(program).resolve(), "busybox")
    subprocess.run(["docker", "import", "-", NAME], input=output.getvalue(), check=True, capture_output=True)
    yield NAME
    subprocess.run(["docker", "image", "rm", NAME], check=True, capture_output=True)
    for host in HOSTS:
        on_host(host, "docker", "image", "rm", NAME)


def test_a_bare_host_has_busybox(bare: Lab) -> None:
    for host in HOSTS:
        assert on_host(host, "docker", "run", "--rm", "busybox", "echo", "runs") == "runs\n"


def test_images_of_the_machine_come_to_all_hosts(fresh_lab: Lab, image: str) -> None:
    wanted = json.dumps({"lab_images": [image]})
    assert fresh_lab.play("lab_up.yml", wanted).changed["localhost"] == 1
    for host in HOSTS:
        assert on_host(host, "docker", "run", "--rm", image, "/busybox", "echo", "runs") == "runs\n"
    assert fresh_lab.play("lab_up.yml", wanted).changed["localhost"] == 0


def test_all_images_that_the_machine_lacks_are_named_before_the_first_change(fresh_lab: Lab) -> None:
    text = fresh_lab.fail(
        "lab_up.yml", json.dumps({"lab_images": ["lacking:1", "of one/bad name", "busybox@sha256:ab"]})
    )
    assert "has no image 'lacking:1': get it ('docker pull lacking:1'), or leave it out" in text
    assert "lab_images: 'of one/bad name:latest' is no name of an image" in text
    assert "lab_images: 'busybox@sha256:ab' is no name of an image" in text
    assert "changed=0" in text
