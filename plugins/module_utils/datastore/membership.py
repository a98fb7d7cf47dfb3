# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of an etcd that runs, and those of its inventory: who leaves, who joins, and how a start is made.

One member after the other, since each change needs more than half of the members that there are then
(https://etcd.io/docs/v3.5/op-guide/runtime-configuration/). Pure but for `read_members`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .etcd import Etcd


@dataclass(frozen=True)
class Member:
    """A member as the cluster knows it; one that never started has no name yet."""

    id: str
    name: str
    peer_urls: tuple[str, ...]


def read_members(etcd: Etcd) -> list[Member]:
    """Those that the cluster has."""
    return members_of(etcd.call("cluster/member/list", {}))


def members_of(answer: Mapping[str, list]) -> list[Member]:
    """Those of an answer of etcd."""
    return [
        Member(str(one["ID"]), one.get("name", ""), tuple(one.get("peerURLs", []))) for one in answer.get("members", [])
    ]


def leaving_members(seen: Sequence[Member], wanted: Mapping[str, str], joining: str | None) -> list[Member]:
    """The members that must go: those of hosts that are not ``wanted``, which are peer URLs by name.

    So must what is left of the former life of a host that joins without its data.
    """
    names = set(wanted) - {joining}
    urls = {wanted[name] for name in names}
    return [one for one in seen if one.name not in names and not (one.name == "" and urls & set(one.peer_urls))]


def initial_cluster(seen: Sequence[Member], joining: str, url: str) -> str:
    """What a joining member is started with (ETCD_INITIAL_CLUSTER): all that the cluster has, itself among them."""
    return ",".join(
        f"{joining if one_url == url else one.name}={one_url}"
        for one in seen
        for one_url in one.peer_urls
        if one.name or one_url == url
    )


@dataclass(frozen=True)
class Look:
    """What was seen of a host before it is configured: whether etcd has data there, and its state in systemd.

    ``formed_with`` is the SHA-256 checksum of what it was first started with, if there is a note of it.
    """

    has_data: bool
    state: str = "inactive"
    formed_with: str = ""

    @classmethod
    def parse(cls, lines: Sequence[str]) -> Look:
        """From the lines ``data``, ``state=STATE`` and ``formed=CHECKSUM`` of the role's look, among others."""
        told = dict(line.split("=", 1) for line in lines if line.startswith(("state=", "formed=")))
        return cls("data" in lines, told.get("state", "inactive"), told.get("formed", ""))

    @property
    def runs(self) -> bool:
        """Whether it has been a part of a cluster with a leader since it started, as systemd was told."""
        return self.has_data and self.state == "active"


@dataclass(frozen=True)
class Start:
    """How hosts are started: ``together``, since none of them is ready before most are, or ``in_turn``.

    In turn is each when the one before is ready again, so that clients notice nothing. Those that are ``joining``
    have no data.
    """

    together: tuple[str, ...]
    in_turn: tuple[str, ...]
    joining: tuple[str, ...]


def start_of(looks: Mapping[str, Look], formed_with: str) -> Start:
    """In which order hosts are started.

    A new cluster is formed where no host has data, or where a first start was interrupted: some have begun with the
    same ``formed_with``, and never had a leader. Everywhere else hosts without data join the ones that have some.
    """
    with_data = [host for host, look in looks.items() if look.has_data]
    exists = (
        any(look.runs for look in looks.values())
        or len(with_data) * 2 > len(looks)
        or any(looks[host].formed_with != formed_with for host in with_data)
    )
    if not exists:
        return Start(tuple(looks), (), ())
    return Start(
        tuple(host for host in with_data if not looks[host].runs),
        tuple(host for host in with_data if looks[host].runs),
        tuple(host for host in looks if host not in with_data),
    )
