# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that lab hosts have from the beginning: BusyBox, and those that the machine's Engine is to hand on.

A lab host has no registry. What is given to it is its own from then on: nothing that runs there removes it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from ..docker.busybox_image import build, read_applets, read_program, with_tag
from ..docker.engine import ContainerNotRunning, Engine, EngineError, EngineNotRunning, container_pid
from ..errors import raise_if_any
from ..outcome import Outcome
from .entry import entering

BUSYBOX, BUSYBOX_PROGRAM = "busybox:latest", "/usr/bin/busybox"  # of Debian's package busybox-static
_LABEL = "container_network.lab.host=busybox"


class Content(NamedTuple):
    """What makes an image the same one on two Engines; their ids for it may differ."""

    created: str
    layers: tuple[str, ...]


def converge(params: dict[str, Any], check: bool) -> Outcome:
    """Give the hosts what they lack; without hosts only look whether the machine has all images."""
    machine = Engine()
    names = list(dict.fromkeys(map(with_tag, params["images"])))
    try:
        wanted = _wanted(machine, names)
    except EngineNotRunning:
        if params["hosts"] and not check:
            raise
        wanted = {}  # the role starts it, and looks again then
    after: dict[str, list[str]] = {}
    warnings = []
    for host in params["hosts"]:
        try:
            after[host] = _give(machine, host, wanted, check)
        except ContainerNotRunning:
            if not check:
                raise
            after[host] = [*names, BUSYBOX]
        except EngineNotRunning:
            warnings.append(f"lab host {host} gets no images, as its Docker does not run: start it, and run again.")
    given = {host: names for host, names in after.items() if names}
    return Outcome({"images": {host: [] for host in given}}, {"images": given}, warnings=warnings)


def _wanted(machine: Engine, names: Sequence[str]) -> dict[str, Content]:
    """What the machine has; InvalidInput says which images it has not."""
    problems, found = [], {}
    for name in names:
        try:
            image = machine.find(f"/images/{quote(name)}/json")
        except EngineError as error:
            problems.append(f"lab_images: '{name}' is no name of an image, as httpd:2.4: {error.reason}")
            continue
        if image is None:
            problems.append(
                f"lab_images: the Docker Engine of this machine has no image '{name}': get it ('docker pull {name}'), "
                "or leave it out"
            )
        elif name not in (image["RepoTags"] or ()):
            tags = ", ".join(image["RepoTags"] or ["a tag that 'docker tag' gives it"])
            problems.append(f"lab_images: hosts would not know an image by '{name}': write {tags}")
        else:
            found[name] = _content(image)
    raise_if_any(problems)
    return found


def _give(machine: Engine, host: str, wanted: Mapping[str, Content], check: bool) -> list[str]:
    """Give one host what it lacks; returns that."""
    root = f"/proc/{container_pid(host, machine)}/root"
    engine = Engine(f"unix://{root}/run/docker.sock")
    lacking = [name for name, content in wanted.items() if _content_of(engine, name) != content]
    if not check:
        _copy(machine, engine, lacking)
    if BUSYBOX not in wanted and _content_of(engine, BUSYBOX) is None:
        lacking.append(BUSYBOX)
        if not check:
            applets = read_applets(BUSYBOX_PROGRAM, entering(host))
            build(engine, BUSYBOX, read_program(root + BUSYBOX_PROGRAM), applets, _LABEL)
    return lacking


def _copy(machine: Engine, engine: Engine, names: Sequence[str]) -> None:
    with tempfile.TemporaryFile() as archive:
        for name in names:
            archive.seek(0)
            archive.truncate()
            machine.download(f"/images/{quote(name)}/get", archive)
            archive.seek(0)
            engine.upload("/images/load", archive, [("quiet", "1")])


def _content_of(engine: Engine, name: str) -> Content | None:
    image = engine.find(f"/images/{quote(name)}/json")
    return None if image is None else _content(image)


def _content(image: dict[str, Any]) -> Content:
    return Content(image["Created"], tuple(image["RootFS"].get("Layers") or ()))
