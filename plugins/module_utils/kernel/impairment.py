# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that are slow, lossy or cut: queueing disciplines that hinder what a device sends.

netem(8) delays, loses and reorders packets, and limits their rate; where a kernel lacks it, tbf(8) still does the last.
blackhole, which every kernel has, drops all. A device has one of them at its root, and ours is known by its handle. A
root that somebody else has set is never replaced.
"""

from __future__ import annotations

import errno
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from ..errors import LabError, raise_if_any
from ..outcome import Outcome
from . import rtnetlink as rt
from .links import LinkTable, read_links
from .namespaces import inside_empty, place
from .netlink import NLM_F_CREATE, NLM_F_EXCL, KernelRefusal, Message, NetlinkSocket

HANDLE = 0x01AB0000
"""``1ab:`` in the words of tc(8): what marks a queueing discipline as ours."""
_ROOT = 0xFFFFFFFF  # TC_H_ROOT of linux/pkt_sched.h
_RTM_NEWQDISC, _RTM_DELQDISC, _RTM_GETQDISC = 36, 37, 38
_TCA_KIND, _TCA_OPTIONS, _TCA_STATS2 = 1, 2, 7
_TCA_STATS_QUEUE = 3  # linux/gen_stats.h
_NETEM_REORDER, _NETEM_RATE, _NETEM_RATE64, _NETEM_LATENCY64, _NETEM_JITTER64 = 3, 6, 8, 10, 11
_TBF_PARMS, _TBF_RATE64, _TBF_BURST = 1, 4, 6
_ETHERNET = 1  # TC_LINKLAYER_ETHERNET: the kernel computes the time of a packet itself
_queueing_header = struct.Struct("=BxxxiIII")  # family, interface index, handle, parent, info
_queue_statistics = struct.Struct("=IIIII")  # packets and bytes that wait, drops, requeues, overlimits
_netem = struct.Struct("=IIIIII")  # latency, limit, loss, gap, duplicate, jitter
_netem_reorder = struct.Struct("=II")  # probability, correlation
_netem_rate = struct.Struct("=IiIi")  # bytes per second, packet overhead, cell size, cell overhead
_rate = struct.Struct("=BBHhHI")  # cell log, link layer, overhead, cell align, smallest packet, bytes per second
_tbf_tail = struct.Struct("=III")  # limit, buffer, mtu
_s64, _u64 = struct.Struct("=q"), struct.Struct("=Q")
_LARGEST_32 = (1 << 32) - 1
_NETEM_PACKETS = (
    100_000  # that wait at most; the default of 1,000 would lose packets of a fast link that is slow to answer
)
_TBF_BURST_SECONDS, _TBF_QUEUE_SECONDS = 0.004, 0.05
_LONGEST_DELAY = 60_000_000  # µs; nobody waits longer for a packet

_TIME = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_BITS = re.compile(r"(\d+(?:\.\d+)?)([kmgt]?)bit", re.IGNORECASE)
_MICROSECONDS = {"us": 1, "ms": 1000, "s": 1_000_000}
_THOUSANDS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}


@dataclass(frozen=True)
class Impairment:
    """What happens to the packets that a device sends. Nothing, by default."""

    delay: int = 0  # µs
    jitter: int = 0  # µs, by which the delay differs at most
    loss: float = 0.0  # percent
    reorder: float = 0.0  # percent of the packets, which are sent at once
    rate: int = 0  # bits per second; 0: as fast as the device can
    cut: bool = False

    @classmethod
    def parse(cls, given: Mapping[str, Any], where: str, problems: list[str]) -> Impairment:
        """From what people write, as ``delay: 50ms``; everything wrong with it is added to ``problems``."""
        read = {
            "delay": _microseconds(given.get("delay"), f"{where}: delay", problems),
            "jitter": _microseconds(given.get("jitter"), f"{where}: jitter", problems),
            "loss": _percent(given.get("loss"), f"{where}: loss", problems),
            "reorder": _percent(given.get("reorder"), f"{where}: reorder", problems),
            "rate": _bits_per_second(given.get("rate"), f"{where}: rate", problems),
            "cut": _truth(given.get("cut"), f"{where}: cut", problems),
        }
        found = cls(**read)
        if found.jitter and found.jitter > found.delay:
            problems.append(
                f"{where}: jitter {given['jitter']} is by how much the delay differs: give a larger 'delay'"
            )
        if found.reorder and not found.delay:
            problems.append(f"{where}: reorder lets packets overtake those that are delayed: give a 'delay', too")
        return cls(cut=True) if found.cut else found

    def describe(self) -> str:
        """In the words in which it is written; empty for none."""
        words = ["cut"] if self.cut else []
        words += [f"delay {_time_text(self.delay)}"] if self.delay else []
        words += [f"jitter {_time_text(self.jitter)}"] if self.jitter else []
        words += [f"loss {self.loss:g}%"] if self.loss else []
        words += [f"reorder {self.reorder:g}%"] if self.reorder else []
        words += [f"rate {_bits_text(self.rate)}"] if self.rate else []
        return ", ".join(words)

    @property
    def needs_netem(self) -> bool:
        """Whether there is no other way to bring it about than netem."""
        return bool(self.delay or self.loss)


KEYS = tuple(f.name for f in fields(Impairment))
"""The keys of ``lab_segments`` and ``lab_interfaces`` that describe one."""


class RootQueue(NamedTuple):
    """The queueing discipline at a device's root."""

    kind: str
    handle: int  # 0 if the kernel has chosen it
    impairment: Impairment | None  # None if it hinders nothing that is known here

    @property
    def ours(self) -> bool:
        """Whether it was set here."""
        return self.handle == HANDLE


def _truth(value: Any, what: str, problems: list[str]) -> bool:
    if value in (None, "") or isinstance(value, bool):
        return bool(value)
    if str(value).lower() in ("true", "yes", "false", "no"):
        return str(value).lower() in ("true", "yes")
    problems.append(f"{what} '{value}' must be true or false")
    return False


def _microseconds(value: Any, what: str, problems: list[str]) -> int:
    if value in (None, ""):
        return 0
    found = _TIME.fullmatch(str(value))
    microseconds = round(float(found[1]) * _MICROSECONDS[found[2]]) if found else -1
    if not 0 <= microseconds <= _LONGEST_DELAY:
        problems.append(f"{what} '{value}' must be a time of at most 60s, as 50ms, 1.5s or 200us")
        return 0
    return microseconds


def _percent(value: Any, what: str, problems: list[str]) -> float:
    if value in (None, ""):
        return 0.0
    found = _PERCENT.fullmatch(str(value))
    if not found or float(found[1]) > 100:
        problems.append(f"{what} '{value}' must be a part of all packets, from 0% to 100%, as 1% or 0.5%")
        return 0.0
    return round(float(found[1]), 4)


def _bits_per_second(value: Any, what: str, problems: list[str]) -> int:
    if value in (None, ""):
        return 0
    found = _BITS.fullmatch(str(value))
    bits = int(float(found[1]) * _THOUSANDS[found[2].lower()]) // 8 * 8 if found else 0
    if not 8000 <= bits <= 10**12:
        problems.append(
            f"{what} '{value}' must be a number of bits per second from 8kbit to 1tbit, as 10mbit or 2.5gbit"
        )
        return 0
    return bits


def _time_text(microseconds: int) -> str:
    for unit, size in (("s", 1_000_000), ("ms", 1000)):
        if microseconds >= size:
            return f"{microseconds / size:g}{unit}"
    return f"{microseconds}us"


def _bits_text(bits: int) -> str:
    for unit, size in (("gbit", 1000**3), ("mbit", 1000**2)):
        if bits >= size:
            return f"{bits / size:g}{unit}"
    return f"{bits / 1000:g}kbit"


# --- the wire -------------------------------------------------------------------------------------


def read_root_queues(netlink: NetlinkSocket) -> dict[int, RootQueue]:
    """The queueing disciplines at the roots of all devices, by interface index."""
    found = {}
    for index, handle, values in _read_roots(netlink):
        kind = rt.text(values[_TCA_KIND])
        found[index] = RootQueue(kind, handle, parse_options(kind, values.get(_TCA_OPTIONS, b"")))
    return found


def read_root_drops(netlink: NetlinkSocket) -> dict[tuple[int, str], int]:
    """How many packets those have dropped, whoever has set them, by interface index and kind."""
    found = {}
    for index, _handle, values in _read_roots(netlink):
        counted = rt.attributes(values.get(_TCA_STATS2, b""), 0).get(_TCA_STATS_QUEUE)
        if counted is not None:
            found[index, rt.text(values[_TCA_KIND])] = _queue_statistics.unpack_from(counted)[2]
    return found


def _read_roots(netlink: NetlinkSocket) -> Iterator[tuple[int, int, dict[int, bytes]]]:
    """Interface index, handle and attributes of each queueing discipline at the root of a device."""
    for payload in netlink.dump(_RTM_GETQDISC, _queueing_header.pack(0, 0, 0, 0, 0)):
        _family, index, handle, parent, _info = _queueing_header.unpack_from(payload)
        if parent == _ROOT:
            yield index, handle, rt.attributes(payload, _queueing_header.size)


def parse_options(kind: str, options: bytes) -> Impairment | None:
    """What a queueing discipline of a kind does to packets, by its options; None for other kinds."""
    if kind == "blackhole":
        return Impairment(cut=True)
    if kind == "tbf":
        values = rt.attributes(options, 0)
        rate = _rate.unpack_from(values[_TBF_PARMS])[-1]
        return Impairment(rate=8 * (_u64.unpack(values[_TBF_RATE64])[0] if _TBF_RATE64 in values else rate))
    if kind == "netem":
        return _parse_netem(options)
    return None


def _parse_netem(options: bytes) -> Impairment:
    _latency, _limit, loss, _gap, _duplicate, _jitter = _netem.unpack_from(options)
    values = rt.attributes(options, _netem.size)
    rate = _netem_rate.unpack_from(values[_NETEM_RATE])[0] if _NETEM_RATE in values else 0
    delay, jitter = (
        _s64.unpack(values[kind])[0] if kind in values else 0 for kind in (_NETEM_LATENCY64, _NETEM_JITTER64)
    )
    return Impairment(
        delay=delay // 1000,
        jitter=jitter // 1000,
        loss=_part_of_all(loss),
        reorder=_part_of_all(_netem_reorder.unpack_from(values[_NETEM_REORDER])[0])
        if _NETEM_REORDER in values
        else 0.0,
        rate=8 * (_u64.unpack(values[_NETEM_RATE64])[0] if _NETEM_RATE64 in values else rate),
    )


def _part_of_all(probability: int) -> float:
    return round(probability * 100 / _LARGEST_32, 4)


def _probability(percent: float) -> int:
    return round(percent * _LARGEST_32 / 100)


def netem_options(wanted: Impairment) -> bytes:
    """The options of netem: a fixed part, and attributes behind it."""
    gap = 1 if wanted.reorder else 0
    options = _netem.pack(0, _NETEM_PACKETS, _probability(wanted.loss), gap, 0, 0)
    options += rt.attribute(_NETEM_LATENCY64, _s64.pack(wanted.delay * 1000))
    options += rt.attribute(_NETEM_JITTER64, _s64.pack(wanted.jitter * 1000))
    if wanted.reorder:
        options += rt.attribute(_NETEM_REORDER, _netem_reorder.pack(_probability(wanted.reorder), 0))
    if wanted.rate:
        rate = wanted.rate // 8
        options += rt.attribute(_NETEM_RATE, _netem_rate.pack(min(rate, _LARGEST_32), 0, 0, 0))
        options += rt.attribute(_NETEM_RATE64, _u64.pack(rate)) if rate > _LARGEST_32 else b""
    return options


def tbf_options(wanted: Impairment, mtu: int) -> bytes:
    """The options of tbf: the rate, how much may go out at once, and how much may wait (bytes)."""
    rate = wanted.rate // 8
    burst = max(int(rate * _TBF_BURST_SECONDS), 2 * (mtu + 18))  # a frame of the largest size has to pass
    limit = min(int(rate * _TBF_QUEUE_SECONDS) + burst, _LARGEST_32)
    rate_32 = min(rate, _LARGEST_32)
    parameters = _rate.pack(0, _ETHERNET, 0, 0, 0, rate_32) + bytes(_rate.size) + _tbf_tail.pack(limit, 0, 0)
    options = rt.attribute(_TBF_PARMS, parameters) + rt.attribute_u32(_TBF_BURST, burst)
    return options + (rt.attribute(_TBF_RATE64, _u64.pack(rate)) if rate > _LARGEST_32 else b"")


def _message(kind: str, index: int, options: bytes) -> Message:
    header = _queueing_header.pack(0, index, HANDLE, _ROOT, 0)
    payload = header + rt.attribute_text(_TCA_KIND, kind) + (rt.attribute(_TCA_OPTIONS, options) if options else b"")
    return (_RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, payload)


def _removal(index: int) -> Message:
    return (_RTM_DELQDISC, 0, _queueing_header.pack(0, index, 0, _ROOT, 0))


def kernel_has_netem() -> bool:
    """Whether the running kernel has netem: one try in an empty namespace, which loads its module if there is one."""
    with inside_empty(), NetlinkSocket() as netlink:
        loopback = netlink.index_of("lo")
        failures = netlink.batch([_message("netem", loopback, netem_options(Impairment(delay=1)))])
    return all(failure.errno not in (errno.ENOENT, errno.EOPNOTSUPP) for failure in failures)


# --- devices --------------------------------------------------------------------------------------


class ImpairedDevice(NamedTuple):
    """One device and what shall happen to what it sends."""

    netns: str | None
    name: str
    wanted: Impairment
    label: str  # how messages and differences speak of it


ARGUMENTS: dict[str, Any] = {
    "devices": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "netns": {"type": "str"},
            "label": {"type": "str"},
            "delay": {"type": "str"},
            "jitter": {"type": "str"},
            "loss": {"type": "str"},
            "reorder": {"type": "str"},
            "rate": {"type": "str"},
            "cut": {"type": "bool", "default": False},
        },
    },
}


def parse(params: dict[str, Any]) -> list[ImpairedDevice]:
    """The task's devices; InvalidInput names everything that is wrong with them."""
    problems: list[str] = []
    devices = []
    for options in params["devices"]:
        label = options.get("label") or f"{options['name']} in {place(options.get('netns'))}"
        wanted = Impairment.parse({key: options.get(key) for key in KEYS}, label, problems)
        devices.append(ImpairedDevice(options.get("netns"), options["name"], wanted, label))
    raise_if_any(problems)
    return devices


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Hinder the devices as it is wanted, and no longer those of which nothing is wanted."""
    devices = parse(params)
    raise_if_any(_impossible([device for device in devices if device.wanted.needs_netem]))
    before, after, changes = {}, {}, []
    by_namespace: dict[str | None, list[ImpairedDevice]] = {}
    for device in devices:
        by_namespace.setdefault(device.netns, []).append(device)
    problems: list[str] = []
    for netns, here in by_namespace.items():
        with NetlinkSocket(netns, or_empty=check_mode) as netlink:
            links, queues = read_links(netlink), read_root_queues(netlink)
        for device in here:
            if device.name not in links:
                if not check_mode:
                    raise links.lacks(device.name, device.label)
                continue
            queue = queues.get(links[device.name].index)
            has = queue.impairment if queue and queue.ours and queue.impairment else Impairment()
            if has == device.wanted:
                continue
            if queue and queue.handle and not queue.ours:
                problems.append(_foreign(device, queue))
            before[device.label], after[device.label] = has.describe(), device.wanted.describe()
            changes.append((device, links, bool(has.describe())))
    raise_if_any(problems)
    if not check_mode:
        with_netem = any(not d.wanted.cut and d.wanted.rate for d, _l, _h in changes) and kernel_has_netem()
        for device, links, hindered in changes:
            _apply(device, links, hindered, with_netem or device.wanted.needs_netem)
    return Outcome(before, after)


def _impossible(devices: Sequence[ImpairedDevice]) -> list[str]:
    if not devices or kernel_has_netem():
        return []
    return [
        f"{device.label}: {device.wanted.describe()} takes netem, which the running kernel does not have: load it "
        "(modprobe sch_netem), or boot a kernel that has it; without it there are 'rate' and 'cut'"
        for device in devices
    ]


def _foreign(device: ImpairedDevice, queue: RootQueue) -> str:
    return (
        f"{device.label}: somebody has given it the queueing discipline {queue.kind}, which stays: remove it with "
        f"'tc qdisc del dev {device.name} root', and run again"
    )


def _apply(device: ImpairedDevice, links: LinkTable, hindered: bool, with_netem: bool) -> None:
    """What a discipline keeps of its former options cannot be told, so a new one takes the place of the old one."""
    link, wanted = links[device.name], device.wanted
    with NetlinkSocket(device.netns) as netlink:
        if hindered:
            netlink.request(_removal(link.index), f"{device.label}: it cannot be healed")
        if wanted.cut:
            message = _message("blackhole", link.index, b"")
        elif with_netem and wanted != Impairment():
            message = _message("netem", link.index, netem_options(wanted))
        elif wanted.rate:
            message = _message("tbf", link.index, tbf_options(wanted, link.mtu))
        else:
            return
        try:
            netlink.request(message, f"{device.label}: {wanted.describe()}")
        except KernelRefusal as error:
            if error.errno == errno.ENOENT:
                raise LabError(f"{error} The running kernel lacks the queueing discipline: load sch_tbf.") from error
            if error.errno == errno.EEXIST:
                raise LabError(f"{error} Somebody has given it a queueing discipline: see 'tc qdisc'.") from error
            raise
