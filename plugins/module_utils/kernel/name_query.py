# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A question for a name to one server, asked from a network namespace (RFC 1035)."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import raise_if_any
from .namespaces import inside

_PORT = 53
_A, _AAAA, _INTERNET = 1, 28, 1
_RECURSION = 0x0100
_ANSWER, _CODE = 0x8000, 0x000F
_CODES = {1: "it does not understand the question", 2: "it fails", 3: "there is no such name", 5: "it refuses"}
_POINTER = 0xC0
_LONGEST_LABEL, _LONGEST_NAME = 63, 253
_header = struct.Struct("!HHHHHH")  # id, flags, and how many questions, answers, authorities, others
_record = struct.Struct("!HHIH")  # type, class, time to live, length


@dataclass(frozen=True)
class NameAnswer:
    """The addresses, or why there are none."""

    addresses: tuple[str, ...]
    problem: str = ""


def ask(name: str, server: str, netns: str | None, seconds: float) -> NameAnswer:
    """Ask a server for the addresses of a name, of both versions of IP."""
    raise_if_any([*_name_problems(name), *_server_problems(server)])
    addresses: list[str] = []
    problems: list[str] = []
    for kind in (_A, _AAAA):
        number = secrets.randbelow(1 << 16)
        try:
            answer = _exchange(_question(name, kind, number), server, netns, seconds, number)
            found, problem = _read(answer, kind)
        except (struct.error, IndexError, ValueError):
            found, problem = [], "it answers what cannot be read"
        except OSError as error:
            found, problem = [], "it gives no answer" if isinstance(error, TimeoutError) else str(error.strerror)
        addresses += found
        problems += [problem] if problem else []
    return NameAnswer(tuple(addresses), "" if addresses or not problems else problems[0])


def _name_problems(name: str) -> list[str]:
    labels = name.rstrip(".").encode(errors="replace").split(b".")
    fits = len(name) <= _LONGEST_NAME and all(0 < len(label) <= _LONGEST_LABEL for label in labels)
    return [] if fits else [f"name: '{name}' is none that DNS can have: labels of up to {_LONGEST_LABEL} bytes"]


def _server_problems(server: str) -> list[str]:
    try:
        ipaddress.ip_address(server)
    except ValueError:
        return [f"server: '{server}' must be an address"]
    return []


def _question(name: str, kind: int, number: int) -> bytes:
    labels = b"".join(bytes([len(label)]) + label for label in name.rstrip(".").encode().split(b"."))
    return _header.pack(number, _RECURSION, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, _INTERNET)


def _exchange(question: bytes, server: str, netns: str | None, seconds: float, number: int) -> bytes:
    deadline = time.monotonic() + seconds
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with inside(netns):
        channel = socket.socket(family, socket.SOCK_DGRAM)
    with channel:
        channel.connect((server, _PORT))
        channel.send(question)
        while (left := deadline - time.monotonic()) > 0:
            channel.settimeout(left)
            answer = channel.recv(4096)
            if answer[:2] == struct.pack("!H", number):
                return answer
    raise TimeoutError


def _read(answer: bytes, kind: int) -> tuple[list[str], str]:
    """The addresses of an answer, or what its code means."""
    _number, flags, questions, answers, _authorities, _others = _header.unpack_from(answer)
    if flags & _CODE or not flags & _ANSWER:
        return [], _CODES.get(flags & _CODE, f"it answers with code {flags & _CODE}")
    place = _header.size
    for _question_number in range(questions):
        place = _behind_name(answer, place) + 4
    return list(_addresses(answer, place, answers, kind)), ""


def _addresses(answer: bytes, place: int, answers: int, kind: int) -> Iterator[str]:
    for _answer_number in range(answers):
        place = _behind_name(answer, place)
        found, _class, _seconds, length = _record.unpack_from(answer, place)
        place += _record.size
        if found == kind:
            yield str(ipaddress.ip_address(answer[place : place + length]))
        place += length


def _behind_name(answer: bytes, place: int) -> int:
    while answer[place]:
        if answer[place] & _POINTER == _POINTER:
            return place + 2
        place += 1 + answer[place]
    return place + 1
