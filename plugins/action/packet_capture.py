# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the packets that module packet_capture captures on a host to this machine, as they come."""

from __future__ import annotations

import base64
import errno
import os
import re
import shlex
import stat
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.container_network.lab.plugins.module_utils.kernel.packet_capture import ARGUMENTS

display = Display()

MODULE = "container_network.lab.packet_capture"
CHUNK = 4 * 1024 * 1024  # bytes of a file that are fetched at a time
POLL_SECONDS = 0.25  # between two looks at files that had nothing new
GRACE_SECONDS = 15.0  # that a capture may take to end
READER_SECONDS = 120.0  # that a pipe waits for its reader
_HOST_OPTIONS = ("devices", "filter", "packets", "seconds")


class Target:
    """A capture of the host, and the file or pipe that its packets go to."""

    def __init__(self, path: Path, output: BinaryIO, is_new: bool) -> None:
        self.path = path
        self._output = output
        self._is_new = is_new
        self.source = ""
        self.pid = 0
        self.written = 0
        self.ended = False

    def begin(self) -> None:
        """What the file has of an earlier capture goes, now that there is a new one."""
        if self.path.is_file():
            self._output.truncate(0)

    def leave(self) -> None:
        """There is no capture: an earlier one stays, and a file that was made for this one goes."""
        if self._is_new:
            self.path.unlink(missing_ok=True)

    def fetch_command(self) -> str:
        """A shell command that prints, in two lines, whether the capture goes on, and what is new in it."""
        source = shlex.quote(self.source)
        return (
            f"[ -d /proc/{self.pid} ] && echo on || echo over; "
            f"tail -c +{self.written + 1} {source} | head -c {CHUNK} | base64 -w0; echo"
        )

    def take(self, state: str, encoded: str) -> int:
        """Write what is new, and return how much that was; a reader that has gone ends it."""
        content = base64.b64decode(encoded)
        try:
            self._output.write(content)
            self._output.flush()
        except BrokenPipeError:
            self.ended = True
            return 0
        self.written += len(content)
        self.ended = state == "over" and not content
        return len(content)


class ActionModule(ActionBase):
    """Starts the captures on the host, fetches what they write until they have ended, and removes them there."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task."""
        result = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(ARGUMENTS)
        labels = [device.get("label") or device["name"] for device in options["devices"]]
        host_options = {"state": "started", **{name: options[name] for name in _HOST_OPTIONS}}
        if self._task.check_mode:
            return {**result, **self._on_host(host_options, task_vars), "captures": []}
        with ExitStack() as opened:
            targets = self._targets(Path(options["dest"]), labels, options["pipe"], opened)
            started = self._on_host(host_options, task_vars)
            if started.get("failed"):
                for target in targets:
                    target.leave()
                return {**result, **started}
            for target, capture in zip(targets, started["captures"]):
                target.begin()
                target.source, target.pid = capture["file"], int(capture["pid"])
            try:
                self._fetch(targets, options["seconds"])
            finally:
                stopped = self._on_host({"state": "stopped", "folder": started["folder"]}, task_vars)
        if stopped.get("failed"):
            return {**result, **stopped}
        captures = [
            {"label": label, "file": str(target.path), **counts}
            for label, target, counts in zip(labels, targets, stopped["counts"])
        ]
        return {**result, "changed": False, "captures": captures}

    def _on_host(self, options: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return self._execute_module(module_name=MODULE, module_args=options, task_vars=task_vars)

    def _targets(self, folder: Path, labels: Sequence[str], pipe: bool, opened: ExitStack) -> list[Target]:
        """The files, or the pipes once they are read."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            paths = [folder / f"{file_name(label)}.pcap" for label in labels]
            if pipe:
                for path in paths:
                    _make_pipe(path)
                    opened.callback(path.unlink, missing_ok=True)
                readers = " ".join(f"-i {shlex.quote(str(path))}" for path in paths)
                display.display(f"Waiting for a reader, such as: wireshark -k {readers}")
            are_new = [not path.exists() for path in paths]
            openers = [_open_pipe(path) if pipe else path.open("ab") for path in paths]
        except OSError as error:
            raise AnsibleActionFail(f"dest: {folder} cannot take the packets: {error.strerror or error}.") from error
        return [
            Target(path, opened.enter_context(output), is_new) for path, output, is_new in zip(paths, openers, are_new)
        ]

    def _fetch(self, targets: Sequence[Target], seconds: float) -> None:
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        while True:
            going = [target for target in targets if not target.ended]
            if not going or time.monotonic() > deadline:
                return
            answer = self._low_level_execute_command("; ".join(target.fetch_command() for target in going))
            lines = answer["stdout"].splitlines()
            if answer["rc"] != 0 or len(lines) < 2 * len(going):
                raise AnsibleActionFail(f"the packets cannot be fetched: {answer['stderr'] or answer['stdout']}")
            lines = lines[-2 * len(going) :]  # behind what a login shell may say
            new = [target.take(*lines[2 * n : 2 * n + 2]) for n, target in enumerate(going)]
            if not any(new):
                time.sleep(POLL_SECONDS)


def file_name(label: str) -> str:
    """A file's name of a label such as node-1/busybox:eth0."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", label).strip("_.") or "capture"


def _make_pipe(path: Path) -> None:
    if path.exists() and not stat.S_ISFIFO(path.stat().st_mode):
        raise OSError(errno.EEXIST, f"{path} is a file already")
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)


def _open_pipe(path: Path) -> BinaryIO:
    """The pipe, as soon as it is read."""
    deadline = time.monotonic() + READER_SECONDS
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > deadline:
                raise OSError(error.errno, f"nobody reads {path}") from error
            time.sleep(POLL_SECONDS)
            continue
        os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "wb")
