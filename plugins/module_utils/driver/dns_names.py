# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of all hosts' containers, as files of dnsmasq, which answers this host's containers."""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..recorded.files import RecordedFile, converge_files
from ..validation import is_address
from .dns_forwarding import Forwarding
from .foreign_names import is_anothers

DOMAIN = "container"
"""``bbox1.net1.container`` is a container's full name."""
_is_address = lru_cache(maxsize=65536)(is_address)
_LABEL = re.compile(r"[A-Za-z0-9_@+-]{1,63}")
_LONGEST_NAME = 253  # characters (RFC 1035, section 2.3.4, less the length bytes at the ends)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ContainerName:
    """A container's name in one network, and its addresses there. ``age`` orders containers, the oldest first."""

    name: str
    network: str
    addresses: tuple[str, ...]
    age: int = 0
    shared_domain: str = ""
    """If set, the full name is ``name.shared_domain``, and all containers of the name share both names, in all networks
    of the domain."""
    aliases: tuple[str, ...] = ()
    """Further names in the network (``--network-alias``, Compose's services), which several containers may have."""
    endpoint_id: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All its names, each once."""
        return tuple(dict.fromkeys((self.name, *self.aliases)))

    @property
    def domain(self) -> str:
        """In which its full names are."""
        return self.shared_domain or f"{self.network}.{DOMAIN}"


@lru_cache(maxsize=65536)
def dns_name(text: str) -> str:
    """A name as DNS has it: other scripts in their ASCII form (IDNA); empty if DNS cannot have it.

    Docker takes any text for a network or an alias. What is no name in DNS is not answered, and harms no other name.
    """
    if len(text) > _LONGEST_NAME:
        return ""
    try:
        written = text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return ""
    is_name = len(written) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in written.split("."))
    return written if is_name else ""


class Answer(NamedTuple):
    """An address, and the names for which it is answered: a line of hosts(5)."""

    address: str
    names: tuple[str, ...]


def answers(
    names: Iterable[ContainerName], networks: Collection[str] | None = None, reserved: Collection[str] = ()
) -> list[Answer]:
    """Each container by ``name.network.container``, and in these networks (None: all) by ``name``.

    If containers in several networks, or on several hosts, have the same name, it is the oldest one's; the others keep
    their full names, so starting a container never takes a name away from a running one. An alias is all containers'
    that have it in a network; in several networks, it is the network's whose container is the oldest.

    A short name is never one of others: neither a full name, nor what `is_anothers` says, where ``reserved`` are the
    names of hosts. Of two full names that are written alike, it is the one of the container without a dot in its name.
    """
    known = sorted(names, key=lambda one: (one.age, one.network, one.addresses))
    every_domain = {DOMAIN, *(one.shared_domain for one in known if one.shared_domain)}
    domains = {one.shared_domain for one in known if one.shared_domain and one.network in (networks or ())}
    holders = _Holders()
    full: dict[tuple[int, str], str] = {}
    for has_dot in (False, True):
        for index, one in enumerate(known):
            for name in one.names:
                written = dns_name(f"{name}.{one.domain}") if ("." in name) == has_dot else ""
                if written and holders.take(written, one, name):
                    full[(index, name)] = written
    found = []
    for index, one in enumerate(known):
        visible = networks is None or one.network in networks or one.shared_domain in domains
        answered = []
        for name in one.names:
            answered += [full[(index, name)]] if (index, name) in full else []
            short = dns_name(name) if visible else ""
            if short and not is_anothers(short, reserved, every_domain) and holders.take(short, one, name):
                answered.append(short)
        found += [Answer(address, tuple(answered)) for address in one.addresses if answered and _is_address(address)]
    return found


def hosts_text(known: Iterable[Answer]) -> str:
    """The hosts file."""
    return "".join(f"{one.address} {' '.join(one.names)}\n" for one in known)


class _Holders:
    """Whose each name is, in lower case: a domain's, and whether one of its containers has it as its own name."""

    def __init__(self) -> None:
        self._holders: dict[str, tuple[str, bool]] = {}

    def take(self, written: str, one: ContainerName, name: str) -> bool:
        """Whether a container may have a name, which is written so: its own one, an alias, or one that is shared."""
        own = name == one.name and not one.shared_domain
        holder, is_owned = self._holders.get(written.lower(), (one.domain, False))
        if holder != one.domain or (own and is_owned):
            return False
        self._holders[written.lower()] = (holder, own or is_owned)
        return True


class NamesFiles:
    """What a dnsmasq reads: the names that it answers, and what it does not forward."""

    def __init__(
        self, path: Path, pid_file: Path | None, forwarding: Forwarding, reserved: Collection[str] = ()
    ) -> None:
        """``path`` is the hosts file; the servers file is beside it, with the suffix ``.servers``.

        ``reserved`` are names of hosts, in lower case, by which no container is answered.
        """
        self._reserved = reserved
        self._hosts = path
        self._servers = servers_file(path)
        self._pid_file = pid_file
        self._forwarding = forwarding

    def write(
        self, names: Iterable[ContainerName], networks: Collection[str] | None = None, first_line: str = ""
    ) -> bool:
        """Replace both, as these networks see the names, and make the dnsmasq read them; whether that changed one."""
        known = answers(names, networks, self._reserved)
        servers = self._forwarding.text(name for one in known for name in one.names)
        files = [
            RecordedFile(self._hosts, first_line + hosts_text(known), 0o644),
            RecordedFile(self._servers, servers, 0o644),
        ]
        changed = converge_files(files, (), False).changed
        if changed and self._pid_file is not None:
            reload_dnsmasq(self._pid_file)
        return changed

    def begin(self) -> None:
        """Forward nothing of the networks' domains as long as no name is known; what is there from before stays."""
        if not self._servers.exists() or not self._servers.read_text():
            self.write([])

    def remove(self) -> None:
        """Both, and what says which dnsmasq reads them."""
        for path in filter(None, (self._hosts, self._servers, self._pid_file)):
            path.unlink(missing_ok=True)


def servers_file(hosts: Path) -> Path:
    """The servers file beside a hosts file: ``hosts.servers``, ``5301.servers``."""
    return hosts.with_name(f"{hosts.name.removesuffix('.hosts')}.servers")


class AllNames:
    """The names of all networks, and the dnsmasq that answers them. Shared by all drivers."""

    def __init__(self, files: NamesFiles) -> None:
        self._files = files
        self._names: dict[str, list[ContainerName]] = {}
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Forward nothing of the networks' domains from the start on."""
        self._files.begin()

    def update(self, driver: str, names: Iterable[ContainerName]) -> bool:
        """Replace the names of a driver's networks; whether that changed a file."""
        with self._lock:
            self._names[driver] = list(names)
            return self._files.write(one for known in self._names.values() for one in known)


def reload_dnsmasq(pid_file: Path) -> None:
    """Make a dnsmasq read its files again. It loses no query; one that does not run reads them at its start."""
    try:
        pid = int(pid_file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() == "dnsmasq":
            os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        log.debug("the dnsmasq of %s does not run", pid_file)
