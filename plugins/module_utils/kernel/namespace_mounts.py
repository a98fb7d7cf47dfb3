# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces that a mount keeps alive, at any path: as ip-netns(8) does in /run/netns, and Docker elsewhere."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

from ..errors import LabError
from .namespaces import OWN_NAMESPACE, unshare_network

_MS_BIND = 0x1000  # linux/mount.h
_MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def is_mounted(path: Path) -> bool:
    """Whether a namespace is mounted there; a killed `make` leaves the file alone."""
    try:
        return path.stat().st_dev == os.stat(OWN_NAMESPACE).st_dev
    except FileNotFoundError:
        return False


def make(path: Path) -> bool:
    """Make an empty namespace and mount it; whether there was none yet.

    A namespace belongs to the thread that makes it until it has another holder, so a thread is made for that.
    """
    if is_mounted(path):
        return False
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.touch(mode=0o444)
    failures: list[LabError] = []

    def make_and_mount() -> None:
        try:
            unshare_network()
            _mount(OWN_NAMESPACE, path)
        except LabError as error:
            failures.append(error)

    thread = threading.Thread(target=make_and_mount)
    thread.start()
    thread.join()
    if failures:
        path.unlink()
        raise failures[0]
    return True


def remove(path: Path) -> None:
    """Unmount a namespace and remove its file; neither need be there.

    The kernel frees it, with the links that cannot live elsewhere, when its last process and socket have gone.
    """
    if is_mounted(path) and _libc.umount2(os.fsencode(path), _MNT_DETACH) != 0:
        raise LabError(f"cannot unmount the network namespace {path}: {os.strerror(ctypes.get_errno())}.")
    path.unlink(missing_ok=True)


def _mount(source: str, target: Path) -> None:
    if _libc.mount(os.fsencode(source), os.fsencode(target), b"none", _MS_BIND, None) != 0:
        raise LabError(f"cannot mount a network namespace on {target}: {os.strerror(ctypes.get_errno())}.")
