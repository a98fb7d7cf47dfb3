# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces: how a task names one, and how code gets into it."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import LabError

OWN_NAMESPACE = "/proc/thread-self/ns/net"
NAMED_NAMESPACES = "/run/netns"  # where ip-netns(8) keeps them
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000  # linux/sched.h
MS_REC, MS_SLAVE = 0x4000, 0x80000  # linux/mount.h

lookups: dict[str, Callable[[str], str]] = {}
"""How namespaces are found that only other layers know, by kind: ``container:NAME`` is a container of Docker's.

A lookup returns the file that stands for the namespace, or raises NoSuchNamespace.
"""

_libc = ctypes.CDLL(None, use_errno=True)


class NoSuchNamespace(LabError):
    """A network namespace that something needs does not exist (yet)."""


def namespace_path(netns: str | None) -> str:
    """The file that stands for a namespace, from the value of a ``netns`` option.

    ``netns`` is None (the caller's own), a path, a process id, a name in /run/netns, or ``KIND:NAME`` of `lookups`.
    """
    if not netns:
        return OWN_NAMESPACE
    kind, _colon, name = netns.partition(":")
    if kind in lookups:
        return lookups[kind](name)
    if "/" in netns:
        return netns
    if netns.isdigit():
        return f"/proc/{netns}/ns/net"
    return f"{NAMED_NAMESPACES}/{netns}"


def place(netns: str | None) -> str:
    """How messages speak of a namespace."""
    return f"network namespace {netns}" if netns else "this network namespace"


def open_namespace(netns: str | None) -> int:
    """A file descriptor of the namespace; the caller closes it."""
    path = namespace_path(netns)
    if not path.isprintable():  # no such file can be asked for: a zero byte, half of a character
        raise LabError(f"netns {netns!r} is no network namespace: write it in characters that can be printed.")
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NoSuchNamespace(
            f"netns '{netns}': cannot open the network namespace {path}: {error.strerror}. "
            "Give the name of one that `ip netns list` shows, a path, a process id, or container:NAME."
        ) from error


def same_namespace(first: str | None, second: str | None) -> bool:
    """Whether two ways to name a namespace mean the same one."""
    if first == second:
        return True
    descriptors = [open_namespace(first), open_namespace(second)]
    try:
        inodes = {os.fstat(descriptor).st_ino for descriptor in descriptors}
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return len(inodes) == 1


@contextmanager
def inside(netns: str | None, or_empty: bool = False) -> Iterator[None]:
    """Run the block with the calling thread in the given namespace, and come back whatever happens.

    A socket opened inside stays in that namespace for life, so this is needed only to open one. With ``or_empty`` an
    empty namespace stands in for one that does not exist: for check mode, since an earlier task would have made it, and
    for removals, since nothing is there.
    """
    if not netns:
        yield
        return
    try:
        target = open_namespace(netns)
    except NoSuchNamespace:
        if not or_empty:
            raise
        target = _empty_namespace()
    home = os.open(OWN_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        set_namespace(target, str(netns))
        try:
            yield
        finally:
            set_namespace(home, "the task's own")
    finally:
        os.close(target)
        os.close(home)


@contextmanager
def inside_empty() -> Iterator[None]:
    """Run the block with the calling thread in an empty namespace of its own, to try something that touches nothing."""
    home = os.open(OWN_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        unshare_network()
        try:
            yield
        finally:
            set_namespace(home, "the task's own")
    finally:
        os.close(home)


def set_namespace(descriptor: int, name: str) -> None:
    """setns(2); Python has it as os.setns from 3.12 on only."""
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise LabError(f"netns '{name}': cannot enter the network namespace: {os.strerror(number)}.")


def unshare_network() -> None:
    """Put the calling process into a new, empty network namespace: unshare(2)."""
    if _libc.unshare(CLONE_NEWNET) != 0:
        raise LabError(f"cannot make a network namespace: {os.strerror(ctypes.get_errno())}.")


def _empty_namespace() -> int:
    """A file descriptor of a new namespace, which vanishes with the last descriptor and socket that hold it."""
    with inside_empty():
        return os.open(OWN_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)


def see_devices_of_own_network() -> None:
    """Give the calling process a /sys that shows the devices of the network namespace it is in, as ip-netns(8) does.

    Its mounts are its own from then on, so no other process sees that /sys.
    """
    if (
        _libc.unshare(CLONE_NEWNS) != 0
        or _libc.mount(b"", b"/", None, MS_REC | MS_SLAVE, None) != 0
        or _libc.mount(b"sysfs", b"/sys", b"sysfs", 0, None) != 0
    ):
        number = ctypes.get_errno()
        if number != errno.EBUSY:  # which says that this very /sys is there already
            raise LabError(f"cannot mount the /sys of the network namespace: {os.strerror(number)}.")
