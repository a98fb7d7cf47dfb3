# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets of devices into files, by tcpdump(8), one process a device, in whatever namespace the device is."""

# pylint: disable=ansible-bad-function # it goes on after the module that starts it has ended

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabError, raise_if_any
from ..outcome import Outcome, observed
from .command import CommandFailed, run
from .namespaces import inside

ARGUMENTS: dict[str, Any] = {
    "devices": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "netns": {"type": "str"},
            "label": {"type": "str"},
        },
    },
    "filter": {"type": "str", "default": ""},
    "packets": {"type": "int"},
    "seconds": {"type": "float", "default": 60.0},
    "dest": {"type": "path", "default": "captures"},
    "pipe": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["whole", "started", "stopped"], "default": "whole"},
    "folder": {"type": "path"},
}
"""``dest``, ``pipe`` and the state ``whole`` are those of the action plugin; on the host captures start or stop."""
LONGEST = 86400.0  # seconds
_PROGRAM, _PACKAGE = "tcpdump", "tcpdump"
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FOLDER_PREFIX = "container-network-capture-"
_HEADER_SIZE = 24  # bytes that every pcap file begins with
_READY_SECONDS = 10.0
_COUNTS = re.compile(r"^(\d+) packets? (captured|dropped by kernel)", re.MULTILINE)
_PID, _LOG, _FILE = "{}.pid", "{}.log", "{}.pcap"


@dataclass(frozen=True)
class Capture:
    """One device, and the files of its capture: packets, what tcpdump says, its process id."""

    name: str
    netns: str | None
    label: str
    folder: Path
    number: int

    @property
    def file(self) -> Path:
        """The packets, in the format of libpcap."""
        return self.folder / _FILE.format(self.number)

    @property
    def log(self) -> Path:
        """What tcpdump says."""
        return self.folder / _LOG.format(self.number)


def problems_of(params: dict[str, Any]) -> list[str]:
    """What is wrong with when a capture shall end."""
    problems = []
    if params["packets"] is not None and params["packets"] < 1:
        problems.append(f"packets: {params['packets']} must be 1 at least")
    if not 0 < params["seconds"] <= LONGEST:
        problems.append(f"seconds: {params['seconds']:g} must be more than 0, and at most {LONGEST:g}, a day")
    return problems


def start(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Begin to capture on all devices; returns, when all of them do, where the packets are written to."""
    raise_if_any(problems_of(params))
    program = shutil.which(_PROGRAM, path=_SEARCH_PATH)
    if program is None:
        raise LabError(f"{_PROGRAM} is not installed on {os.uname().nodename}: install the package {_PACKAGE}.")
    _check_filter(program, params["filter"])
    if check_mode:
        return observed({"folder": None, "captures": []})
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX))
    captures = [
        Capture(each["name"], each["netns"], each["label"] or each["name"], folder, number)
        for number, each in enumerate(params["devices"])
    ]
    running: list[tuple[Capture, subprocess.Popen]] = []
    try:
        for capture in captures:
            running.append((capture, _start(program, capture, params)))
        for capture, process in running:
            _await(capture, process)
    except LabError:
        for _capture, process in running:
            process.kill()
            process.wait()
        shutil.rmtree(folder)
        raise
    described = [
        {"label": capture.label, "file": str(capture.file), "pid": process.pid} for capture, process in running
    ]
    return observed({"folder": str(folder), "captures": described})


def _check_filter(program: str, text: str) -> None:
    """InvalidInput in the words of libpcap if the filter is none. Filters for other links than Ethernet fail later."""
    if not text:
        return
    try:
        run([program, "-y", "EN10MB", "-d", "--", text])
    except CommandFailed as error:
        said = str(error).rpartition(f"{_PROGRAM}: ")[2]
        raise_if_any([f"filter: '{text}' is no filter of pcap-filter(7), as 'udp port 8472': {said}"])


def _start(program: str, capture: Capture, params: dict[str, Any]) -> subprocess.Popen:
    count = ["-c", str(params["packets"])] if params["packets"] is not None else []
    expression = ["--", params["filter"]] if params["filter"] else []
    command = [
        "timeout", "--signal=INT", "--kill-after=5", f"{params['seconds']:g}",
        program, "-i", capture.name, "--immediate-mode", "-n", "-U", "-Z", "root",
        *count, "-w", str(capture.file), *expression,
    ]  # fmt: skip
    with inside(capture.netns), capture.log.open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
        )
    (capture.folder / _PID.format(capture.number)).write_text(str(process.pid))
    return process


def _await(capture: Capture, process: subprocess.Popen) -> None:
    """Until it captures; LabError in tcpdump's words if it does not."""
    deadline = time.monotonic() + _READY_SECONDS
    while not (capture.file.exists() and capture.file.stat().st_size >= _HEADER_SIZE):
        if process.poll() is not None or time.monotonic() > deadline:
            said = capture.log.read_text(errors="replace").strip().rpartition(f"{_PROGRAM}: ")[2]
            raise LabError(f"{capture.label}: {_PROGRAM} does not capture: {said or 'it does not begin'}.")
        time.sleep(0.02)


def stop(folder: str) -> Outcome:
    """End all captures of a folder, and remove it; returns how many packets each has seen, and how many it missed."""
    path = Path(folder)
    if not path.name.startswith(_FOLDER_PREFIX) or not path.is_dir():
        raise_if_any([f"folder: {folder} is none that a capture has made"])
    counts = []
    for pid in sorted(path.glob("*.pid"), key=lambda file: int(file.stem)):
        _end(int(pid.read_text()), path / _FILE.format(pid.stem))
        said = (path / _LOG.format(pid.stem)).read_text(errors="replace")
        found = {word: int(number) for number, word in _COUNTS.findall(said)}
        counts.append({"packets": found.get("captured", 0), "missed": found.get("dropped by kernel", 0)})
    shutil.rmtree(path)
    return observed({"counts": counts})


def _end(pid: int, file: Path) -> None:
    """Interrupt the process, if it is still the one that writes the file, and await its end."""
    deadline = time.monotonic() + _READY_SECONDS
    while str(file).encode() in _command_line(pid):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGINT if time.monotonic() < deadline else signal.SIGKILL)
        time.sleep(0.05)


def _command_line(pid: int) -> list[bytes]:
    """The words of a process's command line; none of one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Start captures, or stop them; LabError where the action plugin was passed by, which would do both."""
    if params["state"] == "whole":
        raise LabError(
            "packet_capture runs by its action plugin, which Ansible finds in the collection: use it as a task."
        )
    if params["state"] == "stopped":
        return stop(params["folder"] or "")
    return start(params, check_mode)
