# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel parameters (/proc/sys) of the network namespace that the caller is in.

A parameter is named as with sysctl(8): net.ipv4.ip_forward, or net/ipv4/conf/eth0.7/forwarding where a part has a dot.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import LabError

_ROOT = Path("/proc/sys")


def find(name: str) -> str | None:
    """A parameter's value, with single blanks; None if the kernel has none of this name."""
    try:
        return " ".join(_path(name).read_text().split())
    except OSError:
        return None


def read(name: str, where: str = "") -> str:
    """A parameter's value, with single blanks; ``where`` begins the error."""
    try:
        return " ".join(_path(name).read_text().split())
    except OSError as error:
        raise LabError(f"{where}sysctl {name} cannot be read: {error.strerror}. Check the name.") from error


def write(name: str, value: str, where: str = "") -> None:
    """Set a parameter; ``where`` begins the error."""
    try:
        _path(name).write_text(value)
    except OSError as error:
        raise LabError(f"{where}sysctl {name} cannot be set to '{value}': {error.strerror}.") from error


def _path(name: str) -> Path:
    return _ROOT / (name if "/" in name else name.replace(".", "/"))
