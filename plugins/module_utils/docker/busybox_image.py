# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container image made of one statically linked BusyBox program, without any registry."""

# pylint: disable=ansible-bad-function # also part of programs, which have no module's run_command

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ..errors import LabError
from ..outcome import Outcome
from .containers import GROUP_LABEL
from .engine import Engine, EngineNotRunning, engine_is_installed

IMAGE_LABEL = "container_network.lab.busybox"  # holds the fingerprint of what the image was built from
_LAYOUT = "1"  # changed together with the files below, so that images of an older layout are built again
_FOLDERS = {"bin": 0o755, "etc": 0o755, "home": 0o755, "root": 0o700, "tmp": 0o1777, "usr": 0o755, "var": 0o755}
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    "etc/group": "root:x:0:\nnobody:x:65534:\n",
}
_ELF_INTERPRETER = 3  # PT_INTERP of elf(5): the program header that names the dynamic loader


def read_program(path: str) -> bytes:
    """The BusyBox program; LabError when it is missing or needs shared libraries, which the image has not."""
    remedy = "install the package busybox-static on it, or name another program in 'busybox_path'."
    host = os.uname().nodename
    try:
        program = Path(path).read_bytes()
    except OSError as error:
        raise LabError(f"{host} has no BusyBox at {path} ({error.strerror}): {remedy}") from error
    if not is_static(program):
        raise LabError(f"{path} on {host} is not a statically linked program: {remedy}")
    return program


def is_static(program: bytes) -> bool:
    """Whether it is an ELF program without a dynamic loader (elf(5))."""
    if program[:4] != b"\x7fELF" or len(program) < 64:
        return False
    order = "<" if program[5] == 1 else ">"
    if program[4] == 2:
        (offset,), (size, count) = (
            struct.unpack_from(order + "Q", program, 32),
            struct.unpack_from(order + "HH", program, 54),
        )
    else:
        (offset,), (size, count) = (
            struct.unpack_from(order + "I", program, 28),
            struct.unpack_from(order + "HH", program, 42),
        )
    kinds = [struct.unpack_from(order + "I", program, offset + size * index)[0] for index in range(count)]
    return _ELF_INTERPRETER not in kinds


def read_applets(path: str, entering: Sequence[str] = ()) -> list[str]:
    """The names of the commands that the program holds; ``entering`` are the words that run a command where it is."""
    listing = subprocess.run([*entering, path, "--list"], capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        raise LabError(f"'{path} --list' failed on {os.uname().nodename}: {listing.stderr.strip()}.")
    return sorted(set(listing.stdout.split()) - {"busybox"})


def fingerprint(program: bytes, applets: Sequence[str]) -> str:
    """A short text that differs whenever the image's content would."""
    digest = hashlib.sha256(program)
    digest.update("\n".join([_LAYOUT, *applets]).encode())
    return digest.hexdigest()[:16]


def archive(program: bytes, applets: Sequence[str]) -> bytes:
    """The file system of the image as a tar archive: the program, a link for each of its commands, a few files."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for folder, mode in _FOLDERS.items():
            _add(tar, folder, tarfile.DIRTYPE, mode)
        _add(tar, "bin/busybox", tarfile.REGTYPE, 0o755, program)
        for applet in applets:
            _add(tar, f"bin/{applet}", tarfile.SYMTYPE, 0o777, link="busybox")
        for name, content in _FILES.items():
            _add(tar, name, tarfile.REGTYPE, 0o644, content.encode())
    return output.getvalue()


def _add(tar: tarfile.TarFile, name: str, kind: bytes, mode: int, content: bytes = b"", link: str = "") -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(content), link
    tar.addfile(entry, io.BytesIO(content))


def with_tag(name: str) -> str:
    """An image name with its tag, ``latest`` by default, as the engine lists it."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def converge_present(engine: Engine, name: str, path: str, check: bool) -> Outcome:
    """Build the image unless the engine has it; a foreign image of that name is used as it is."""
    name = with_tag(name)
    try:
        found = engine.find(f"/images/{quote(name)}/json")
    except EngineNotRunning as error:
        if not check:
            raise
        return Outcome({}, {name: {}}, {"image_id": None}, [f"Predicted without an engine. {error}"])
    labels = (found and found["Config"] and found["Config"]["Labels"]) or {}
    if found is not None and IMAGE_LABEL not in labels:
        return Outcome({}, {}, {"image_id": found["Id"]})
    if check and found is None and not os.path.exists(path):
        # A task before this one installs the program.
        return Outcome({}, {name: {}}, {"image_id": None})
    program, applets = read_program(path), read_applets(path)
    content = fingerprint(program, applets)
    before = {} if found is None else {name: {"content": labels[IMAGE_LABEL]}}
    after = {name: {"content": content}}
    image_id = found["Id"] if found is not None else None
    if before != after and not check:
        build(engine, name, program, applets, f"{IMAGE_LABEL}={content}")
        image_id = engine.get(f"/images/{quote(name)}/json")["Id"]
    return Outcome(before, after, {"image_id": image_id})


def build(engine: Engine, name: str, program: bytes, applets: Sequence[str], label: str) -> None:
    """Make the image of this name, which has its tag, with a label ``KEY=VALUE``."""
    repository, _colon, tag = name.rpartition(":")
    changes = [("changes", 'CMD ["sh"]'), ("changes", f"LABEL {label}")]
    query = [("fromSrc", "-"), ("repo", repository), ("tag", tag), *changes]
    engine.upload("/images/create", archive(program, applets), query)


def converge_absent(engine: Engine, name: str, removed_group: str | None, check: bool) -> Outcome:
    """Remove the image if we built it, and what earlier builds left without a name. Images in use are kept.

    ``removed_group`` is a group of containers that are gone when this is done, and in check mode still there.
    """
    name = with_tag(name)
    try:
        ours = engine.get("/images/json", filters=json.dumps({"label": [IMAGE_LABEL]}))
        listed = engine.get("/containers/json", all="1")
    except EngineNotRunning as error:
        if not check and engine_is_installed():
            raise
        return Outcome({}, {}, {"image_id": None}, [f"There is nothing to look at. {error}"] if check else [])
    gone = removed_group if check else None
    containers = [one for one in listed if gone is None or one["Labels"].get(GROUP_LABEL) != gone]
    before, warnings = {}, []
    for image in ours:
        tags = [tag for tag in image["RepoTags"] or [] if tag != "<none>:<none>"]
        users = sorted(
            container["Names"][0].lstrip("/") for container in containers if container["ImageID"] == image["Id"]
        )
        if tags and name not in tags:
            continue
        if users:
            warnings.append(
                f"Image '{name}' on {os.uname().nodename} is kept, because containers use it: "
                f"{', '.join(users)}. Remove them and run again."
            )
            continue
        before[name if tags else image["Id"]] = {"content": image["Labels"][IMAGE_LABEL]}
    if not check:
        for key in before:
            engine.delete(f"/images/{quote(key)}")
    return Outcome(before, {}, {"image_id": None}, warnings)
