# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules a marked packet meets in a namespace, as the kernel tells it (nft(8), xtables-monitor(8)).

The packet is marked for it by a table of nftables that the process of nft owns, so it goes with that process, however
that ends (NFT_TABLE_F_OWNER of linux/netfilter/nf_tables.h). Where this cannot be, the counters of rules are compared,
of those that drop packets.
"""

# pylint: disable=ansible-bad-function # part of a process that goes on after its module

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from .command import run
from .marked_packet import PREFIX, acknowledged, identifier_of, sequence_of
from .namespaces import inside

_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TABLE = "container-network-walk"
_IN_VXLAN = "meta l4proto udp @th,64,8 & 8 == 8"  # its flag of a VNI, RFC 7348, 5; at whatever port
_READY_SECONDS = 3.0
_NETFILTER, _TRACE_GROUP = 12, 1 << 8  # linux/netlink.h; NFNLGRP_NFTRACE, the ninth
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_COUNTED = re.compile(r"\[(\d+):\d+\] (-A .*)")
_POLICY = re.compile(r":(\S+) DROP \[(\d+):\d+\]")
_VXLAN_HEADERS, _IPIP_HEADERS = 8 + 8 + 14, 20  # bytes: UDP, VXLAN and Ethernet; IPv4
_IP_HEADERS = {"IPv4": 20, "IPv6": 40}
_PARTLY = "{host} has told only a part of the rules that it meets: {why}."
_libc = ctypes.CDLL(None, use_errno=True)


def marking_script(mark: str) -> str:
    """What nft reads: rules for the packet, for its answer, and for both in a tunnel."""
    number = identifier_of(mark)
    numbers = list(_numbers(mark))
    matches = [
        f"icmp type {{ echo-request, echo-reply }} icmp id {number}",
        f"icmpv6 type {{ echo-request, echo-reply }} icmpv6 id {number}",
        *(f"meta l4proto {protocol} @th,{at * 8},{bits} {value}" for protocol, at, bits, value in numbers if protocol),
    ]
    for length in _IP_HEADERS.values():
        for _protocol, at, bits, value in numbers:
            inner = f"@th,{(_VXLAN_HEADERS + length + at) * 8},{bits} {value}"
            matches.append(f"{_IN_VXLAN} {inner}")
    matches += [
        f"ip protocol 4 @nh,{(_IPIP_HEADERS + _IP_HEADERS['IPv4'] + at) * 8},{bits} {value}"
        for _protocol, at, bits, value in numbers
    ]
    table = f"inet {_TABLE}-{mark}"  # a family whose rules xtables-monitor does not try to read
    lines = [f"add table {table} {{ flags owner; }}"]
    for hook in ("prerouting", "output"):
        lines.append(f"add chain {table} {hook} {{ type filter hook {hook} priority -400; }}")
        lines += [f"add rule {table} {hook} {match} meta nftrace set 1" for match in matches]
    return "".join(f"{line}\n" for line in lines)


def _numbers(mark: str) -> Iterator[tuple[str, int, int, int]]:
    """By what the packet is told: protocol, bytes from the header of it, and bits and value of what stands there."""
    yield "", 4, 16, identifier_of(mark)
    yield "tcp", 4, 32, sequence_of(mark)
    yield "tcp", 8, 32, acknowledged(mark)
    yield "udp", 8 + len(PREFIX), 64, int.from_bytes(mark[:8].encode(), "big")


class RuleTrace:
    """The trace of one namespace, as long as the block runs; ``log`` is a file for it.

    ``problem`` says why there is none.
    """

    def __init__(self, netns: str | None, mark: str, log: Path) -> None:
        self._netns, self._mark, self._log = netns, mark, log
        self._processes: list[subprocess.Popen[bytes]] = []
        self._before: dict[str, int] = {}
        self.problem = ""

    def __enter__(self) -> RuleTrace:
        try:
            self._start()
        except LabError as error:
            self._end_processes()
            self.problem = str(error)
            self._before = self._drops()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end_processes()

    def _start(self) -> None:
        nft, monitor = (shutil.which(name, path=_SEARCH_PATH) for name in ("nft", "xtables-monitor"))
        if nft is None or monitor is None:
            missing = "nftables" if nft is None else "iptables"
            raise LabError(f"{os.uname().nodename} cannot tell which rules it meets: it lacks the package {missing}.")
        with inside(self._netns):
            listener = self._begin([monitor, "--trace"], subprocess.DEVNULL)
            owner = self._begin([nft, "-i"], subprocess.PIPE)
        with suppress(BrokenPipeError):
            os.write(owner.stdin.fileno(), marking_script(self._mark).encode())
        deadline = time.monotonic() + _READY_SECONDS
        while not self._is_marked(nft) or not self._is_listening(listener.pid):
            if time.monotonic() > deadline or owner.poll() is not None:
                raise LabError(f"{os.uname().nodename} cannot tell which rules it meets: nft does not mark the packet.")
            time.sleep(0.02)

    def _begin(self, arguments: list[str], source: int) -> subprocess.Popen[bytes]:
        """Start a program that ends with this process, however that ends."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                arguments,
                stdin=source,
                stdout=log,
                stderr=subprocess.DEVNULL,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 # there is one thread
            )
        self._processes.append(process)
        return process

    def _is_marked(self, nft: str) -> bool:
        try:
            with inside(self._netns):
                listed = run([nft, "list", "table", "inet", f"{_TABLE}-{self._mark}"])
        except LabError:
            return False
        return listed.count("nftrace set 1") == marking_script(self._mark).count("nftrace set 1")

    def _is_listening(self, pid: int) -> bool:
        """Whether the monitor has joined the group that traces are sent to."""
        return any(socket.gets_traces for socket in self._sockets_of(pid))

    def _has_told_all(self, pid: int) -> bool:
        """Whether the monitor has read all that the kernel has sent it, and waits for more."""
        return not any(socket.unread for socket in self._sockets_of(pid)) and _is_asleep(pid)

    def _sockets_of(self, pid: int) -> list[_NetlinkSocket]:
        with inside(self._netns):
            lines = Path("/proc/thread-self/net/netlink").read_text().splitlines()[1:]
        opened = set(_open_files(pid))
        return [socket for line in lines if (socket := _NetlinkSocket.of_line(line)).file in opened]

    def end(self, until: float) -> list[str]:
        """End it; returns the lines of xtables-monitor, or those of rules whose counters of drops have grown.

        What the kernel has said and the monitor has not read yet is waited for, ``until`` then by time.monotonic().
        """
        if self.problem:
            after = self._drops()
            more = {line: after.get(line, 0) - count for line, count in self._before.items()}
            return [f"COUNTER: {count} {line}" for line, count in more.items() if count > 0]
        monitor = self._processes[0]
        while not self._has_told_all(monitor.pid) and monitor.poll() is None:
            if time.monotonic() > until:
                self.problem = _PARTLY.format(host=os.uname().nodename, why="xtables-monitor is too slow")
                break
            time.sleep(0.02)
        if any(process.poll() is not None for process in self._processes):
            self.problem = _PARTLY.format(host=os.uname().nodename, why="xtables-monitor ended")
        self._end_processes()
        lines = self._log.read_text(errors="replace").splitlines()
        # iptables 1.8.9 has "-4" and "-6" where later ones have the program's name.
        named = ((line.strip().replace("  -4 -t ", "  iptables -t ")) for line in lines)
        said = (line.replace("  -6 -t ", "  ip6tables -t ") for line in named)
        return [line for line in said if line and _TABLE not in line]

    def _end_processes(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(_READY_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _drops(self) -> dict[str, int]:
        """How many packets each rule that drops has met, and each policy, by their lines."""
        found: dict[str, int] = {}
        for program in ("iptables", "ip6tables"):
            try:
                with inside(self._netns):
                    saved = run([f"{program}-save", "-c"])
            except LabError:
                continue
            table = ""
            for line in saved.splitlines():
                table = line[1:] if line.startswith("*") else table
                counted, policy = _COUNTED.fullmatch(line), _POLICY.fullmatch(line)
                if counted and re.search(r" -j (DROP|REJECT)\b", counted[2]):
                    found[f"{program} -t {table} {counted[2]}"] = int(counted[1])
                elif policy:
                    found[f"{program} -t {table} :{policy[1]} DROP"] = int(policy[2])
        return found


@dataclass(frozen=True)
class _NetlinkSocket:
    """A line of /proc/net/netlink."""

    file: str  # as a process has it open
    gets_traces: bool
    unread: int  # bytes

    @classmethod
    def of_line(cls, line: str) -> _NetlinkSocket:
        _address, protocol, _port, groups, unread, _sent, _dump, _locks, _drops, inode = line.split()
        gets_traces = int(protocol) == _NETFILTER and bool(int(groups, 16) & _TRACE_GROUP)
        return cls(f"socket:[{inode}]", gets_traces, int(unread))


def _is_asleep(pid: int) -> bool:
    """A process that has ended, or was stopped, is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"
    except OSError:
        return False


def _open_files(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            yield str(descriptor.readlink())


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
