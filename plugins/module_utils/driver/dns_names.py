# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of all hosts' containers, as a hosts(5) file that dnsmasq serves to this host's containers."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..recorded.files import RecordedFile, converge_files

DOMAIN = "container"
"""``bbox1.net1.container`` is a container's full name; queries for this domain are never forwarded."""
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


def hosts_text(names: Iterable[ContainerName], networks: Collection[str] | None = None) -> str:
    """The hosts file: each container by ``name.network.container``, and in these networks (None: all) by ``name``.

    If containers in several networks, or on several hosts, have the same name, it is the oldest one's; the others keep
    their full names, so starting a container never takes a name away from a running one.
    """
    known = list(names)
    domains = {one.shared_domain for one in known if one.shared_domain and one.network in (networks or ())}
    taken: set[str] = set()
    lines = []
    for one in sorted(known, key=lambda one: (one.age, one.network, one.addresses)):
        short = [one.name] if networks is None or one.network in networks or one.shared_domain in domains else []
        if one.shared_domain:
            free = [f"{one.name}.{one.shared_domain}", *short]
        else:
            aliases = [f"{one.name}.{one.network}.{DOMAIN}", *short]
            free = [alias for alias in aliases if alias.lower() not in taken]
            taken.update(alias.lower() for alias in free)
        lines += [f"{address} {' '.join(free)}\n" for address in one.addresses if free]
    return "".join(lines)


class HostsFile:
    """The file, and the dnsmasq that reads it again on SIGHUP. Shared by all drivers."""

    def __init__(self, path: Path, pid_file: Path | None) -> None:
        self._path = path
        self._pid_file = pid_file
        self._names: dict[str, list[ContainerName]] = {}
        self._lock = threading.Lock()

    def update(self, driver: str, names: Iterable[ContainerName]) -> bool:
        """Replace the names of a driver's networks; whether that changed the file."""
        with self._lock:
            self._names[driver] = list(names)
            file = RecordedFile(self._path, hosts_text(one for known in self._names.values() for one in known), 0o644)
            changed = converge_files([file], (), False).changed
            if changed and self._pid_file is not None:
                reload_dnsmasq(self._pid_file)
            return changed


def reload_dnsmasq(pid_file: Path) -> None:
    """Make a dnsmasq read its files again. It loses no query; one that does not run reads them at its start."""
    try:
        pid = int(pid_file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() == "dnsmasq":
            os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        log.debug("the dnsmasq of %s does not run", pid_file)
