# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host gets the packages that it lacks: of Debian by apt, of Python by pip. Looks, and installs nothing."""

# pylint: disable=ansible-bad-function # apt's words are read also where it fails, within a time

from __future__ import annotations

import configparser
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
_ELSEWHERE = ("find-links", "extra-index-url", "no-index", "proxy")  # with these, pip's index alone tells nothing
_APT_SECONDS, _INDEX_SECONDS = 60.0, 10.0
_APT_MODULE = "python3-apt"  # of which Ansible makes use to install the others
_CANDIDATE = re.compile(r"^(?P<name>\S+):\n  Installed: .*\n  Candidate: (?!\(none\))", re.MULTILINE)


def unavailable_packages(wanted: Sequence[str]) -> list[str]:
    """Those Debian packages that apt does not find, neither in its lists nor, if need be, in what mirrors have now.

    Lists that are fetched to see that are thrown away. Empty on a host without apt, of which this cannot tell.
    """
    if not wanted or not shutil.which("apt-cache"):
        return []
    names = [*dict.fromkeys(wanted), *([] if find_spec("apt") else [_APT_MODULE])]
    missing = [name for name in names if name not in _known(names)]
    if not missing:
        return []
    with tempfile.TemporaryDirectory() as folder:
        lists = ["-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
        for place in ("lists/partial", "cache/archives/partial"):
            (Path(folder) / place).mkdir(parents=True)
        Path(folder).chmod(0o755)
        _run(["apt-get", "update", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", *lists])
        found = _known(missing, *lists)
    return [name for name in missing if name not in found]


def _known(names: Sequence[str], *options: str) -> set[str]:
    return {match["name"] for match in _CANDIDATE.finditer(_run(["apt-cache", *options, "policy", *names]))}


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_APT_SECONDS,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def unavailable_python_packages(wanted: Sequence[str]) -> list[str]:
    """Those Python packages, as ``name==1.2``, that the index of pip's configuration does not have or not answer for.

    Of others this cannot tell, and is silent: if pip looks at its public index or elsewhere, or trusts a certificate
    that this Python does not.
    """
    index = pip_index([Path(one).expanduser() for one in PIP_FILES], os.environ)
    if not index:
        return []
    return [one for one in wanted if not _in_index(index, *one.split("=="))]


def pip_index(files: Sequence[Path], environment: Mapping[str, str]) -> str | None:
    """The URL of the only index that pip is told of; None if there is none, or if it has other places to look at."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(files)
    except (configparser.Error, UnicodeDecodeError):
        return None
    told = {
        key: value for section in ("global", "install") if section in parser for key, value in parser[section].items()
    }
    told.update(
        {key[4:].lower().replace("_", "-"): value for key, value in environment.items() if key.startswith("PIP_")}
    )
    if any(told.get(key) for key in _ELSEWHERE):
        return None
    return told.get("index-url", "").rstrip("/") or None


def _in_index(index: str, name: str, version: str) -> bool:
    try:
        with urllib.request.build_opener().open(f"{index}/{name}/", timeout=_INDEX_SECONDS) as answer:
            return f"-{version}" in answer.read().decode(errors="replace")
    except urllib.error.URLError as error:
        return isinstance(error.reason, ssl.SSLError)
    except (OSError, ValueError):
        return False
