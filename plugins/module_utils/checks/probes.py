# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes that the checks of all networks share: who reaches whom from inside a container, and who must not. Pure.

A container's `ping` is BusyBox's, as in the course; what that cannot do is done by the host's, in the container's
network namespace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .check import CheckOptions, check_options

INITIAL_TTL = 64
"""What Linux gives a packet that it sends; each router on the way takes one."""
ICMP_OVERHEAD = 28
"""Bytes: IPv4 header 20, ICMP header 8."""
NO_ADDRESS = "an-address"
"""Stands for the address of a container that has none: no command prints it, so the checks fail."""

CLOSED_PORT = "9"
"""Of TCP: discard, which containers do not offer."""
_ICMP_HEADER = 8  # bytes; part of the size that ping prints
_ONCE = ["-c", "1", "-W", "1"]  # one packet, and a second for its answer
_LOST = "1 packets transmitted, 0 packets received, 100% packet loss"


def reaches(
    container: str, place: str, address: str, ttl: int | None = None, *, timeout: float | None = None
) -> CheckOptions:
    """A container gets an answer from an address, by ``64 - ttl`` routers; ``place`` says whose address it is."""
    command = ["ping", *_ONCE, address]
    expected = _answer(address, ttl)
    return check_options(f"{container} reaches {place}", command, [expected], container=container, timeout=timeout)


def reaches_by_name(
    container: str,
    place: str,
    name: str,
    holders: Mapping[str, int],
    *,
    version: int | None = None,
    timeout: float | None = None,
) -> CheckOptions:
    """A container gets an answer by a name, from any one of those who have it.

    That each of them answers is for other checks to say. ``holders`` are their addresses, with the TTL that an answer
    arrives with; ``version`` is the IP version that the name is looked up for.
    """
    chosen = [] if version is None else [f"-{version}"]
    answers = [_answer(address, ttl) for address, ttl in sorted(holders.items())]
    return check_options(
        f"{container} reaches {place}",
        ["ping", *chosen, *_ONCE, name],
        answers if len(answers) == 1 else (),
        expect_any=answers if len(answers) > 1 else (),
        container=container,
        timeout=timeout,
    )


def _answer(address: str, ttl: int | None) -> str:
    return f"64 bytes from {address}:" + ("" if ttl is None else f" seq=0 ttl={ttl}")


def reaches_with_full_packets(
    container: str, place: str, address: str, mtu: int, ttl: int | None, timeout: float | None = None
) -> CheckOptions:
    """The same with packets of the path's MTU (bytes), unfragmented, which BusyBox's ping cannot demand."""
    size = mtu - ICMP_OVERHEAD
    return check_options(
        f"{container} reaches {place} with full packets",
        ["ping", "-n", *_ONCE, "-M", "do", "-s", str(size), address],
        [f"{size + _ICMP_HEADER} bytes from {address}: icmp_seq=1" + (f" ttl={ttl}" if ttl else "")],
        container=container,
        network_only=True,
        timeout=timeout,
    )


def refuses_by_tcp(container: str, place: str, address: str, *, timeout: float | None = None) -> CheckOptions:
    """An address where no program listens refuses a container's connection: TCP works in both directions."""
    return check_options(
        f"{container} reaches {place} by TCP",
        ["nc", "-w", "2", address, CLOSED_PORT],
        [f"nc: can't connect to remote host ({address}): Connection refused"],
        container=container,
        timeout=timeout,
    )


def gets_no_answer_by_tcp(container: str, place: str, address: str) -> CheckOptions:
    """A container's connection to an address is neither accepted nor refused: a firewall is on the way."""
    return check_options(
        f"{container} does not reach {place} by TCP",
        ["sh", "-c", 'nc -w 2 "$1" "$2"; echo tried', "sh", address, CLOSED_PORT],
        ["tried"],
        unexpected=[f"({address}): Connection refused"],
        container=container,
    )


def does_not_reach(container: str, place: str, address: str, *, routed: bool = True) -> CheckOptions:
    """A container gets no answer from an address; ``routed`` says whether it has a route there at all."""
    without_route = ["sh", "-c", f'ping {" ".join(_ONCE)} "$1" || echo no answer', "sh", address]
    command, expected = (["ping", *_ONCE, address], _LOST) if routed else (without_route, "no answer")
    return check_options(
        f"{container} does not reach {place}",
        command,
        [expected],
        unexpected=[f"bytes from {address}:"],
        container=container,
    )


def path_to_outside(container: str, name: str, outside: str, lines: Sequence[str]) -> CheckOptions:
    """The routers on a container's way to an address outside, as traceroute prints them."""
    command = ["traceroute", "-n", "-q", "1", "-w", "1", "-m", "5", outside]
    return check_options(f"{container}{name}", command, lines, container=container)
