# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces: how a task names one, and how code gets into it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import LabError

OWN_NAMESPACE = "/proc/thread-self/ns/net"
NAMED_NAMESPACES = "/run/netns"  # where ip-netns(8) keeps them
CLONE_NEWNET = 0x40000000  # linux/sched.h

_libc = ctypes.CDLL(None, use_errno=True)


def namespace_path(netns: str | None) -> str:
    """The file that stands for a namespace, from the value of a ``netns`` option.

    ``netns`` is None (the caller's own), ``container:NAME``, a path, a process id, or a name in /run/netns.
    """
    if not netns:
        return OWN_NAMESPACE
    if netns.startswith("container:"):
        from .docker_engine import container_pid

        return f"/proc/{container_pid(netns[len('container:') :])}/ns/net"
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
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise LabError(
            f"netns '{netns}': cannot open the network namespace {path}: {error.strerror}. "
            "Give the name of one that `ip netns list` shows, a path, a process id, or container:NAME."
        ) from error


@contextmanager
def inside(netns: str | None) -> Iterator[None]:
    """Run the block with the calling thread in the given namespace, and come back whatever happens.

    A socket opened inside stays in that namespace for life, so this is needed only to open one.
    """
    if not netns:
        yield
        return
    target = open_namespace(netns)
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


def set_namespace(descriptor: int, name: str) -> None:
    """setns(2); Python has it as os.setns from 3.12 on only."""
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise LabError(f"netns '{name}': cannot enter the network namespace: {os.strerror(number)}.")


def unshare_network() -> None:
    """Put the calling process into a new, empty network namespace: unshare(2)."""
    if _libc.unshare(CLONE_NEWNET) != 0:
        raise LabError(f"cannot make a network namespace: {os.strerror(ctypes.get_errno())}.")
