# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dnsmasq of each view: its files, its systemd unit, and the rules that redirect queries to it.

They keep running without this service, which finds them again when it starts.
"""

from __future__ import annotations

import dataclasses
import errno
import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from ..errors import LabError
from ..kernel import ipsets, iptables
from ..kernel.command import run
from ..kernel.host_lock import alone_on_the_host
from ..kernel.ipsets import IpSet
from ..kernel.iptables import ChainSet
from ..kernel.listening import listening_error
from .complaints import Complaints
from .dns_forwarding import Forwarding
from .dns_names import ContainerName, NamesFiles
from .dns_views import PROTOCOLS, SET_PREFIX, WHOLE_PORT, Networks, View, plan_views, redirection

START_SECONDS = 2.0
RETRY_SECONDS = 30.0
"""How long a view that did not start is not started again: each attempt delays others."""
UPSTREAM_FILE = "upstream"
"""The servers that queries are forwarded to, as docker/daemon_copy.py writes them."""
UNIT = "container-network-dns@{}.service"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DriverNames:
    """What one driver contributes: all hosts' names, this host's networks, and the DNS clients among its containers."""

    names: tuple[ContainerName, ...]
    networks: frozenset[str]
    clients: Mapping[str, Networks]  # networks by the containers' addresses


class DnsServer:
    """All views of this host. Shared by its drivers; safe to use from many threads."""

    def __init__(
        self,
        folder: Path,
        address: str,
        drivers: Iterable[str],
        forwarding: Forwarding,
        reserved: Collection[str] = (),
    ) -> None:
        """``reserved`` are names of hosts, in lower case, by which no container is answered."""
        self._reserved = reserved
        self._folder = folder
        self._address = address
        self._drivers = set(drivers)
        self._forwarding = forwarding
        self._known: dict[str, DriverNames] = {}
        self._lock = threading.Lock()
        self._views: list[View] = []
        self._sets: dict[str, IpSet] | None = None  # as they are in the kernel; None: to be read
        self._failed: dict[int, float] = {}  # ports that were not served, and since when
        self._complaints = Complaints()

    def update(self, driver: str, known: DriverNames, thorough: bool = False) -> None:
        """Apply what a driver knows now; ``thorough`` reads the kernel again, and repairs what others have changed."""
        with self._lock:
            self._known[driver] = known
            self._sets = None if thorough else self._sets
            self._try_to_apply()

    def update_clients(self, driver: str, clients: Mapping[str, Networks]) -> None:
        """Apply a change of the clients alone, once all drivers have called `update`."""
        with self._lock:
            known = self._known.get(driver)
            if known is not None and known.clients != clients:
                self._known[driver] = dataclasses.replace(known, clients=clients)
                self._try_to_apply()

    def port_of(self, networks: Networks) -> int:
        """Where the view of these networks is served; where the names of all networks are, as long as it is not."""
        return next((view.port for view in self._views if view.networks == networks), WHOLE_PORT)

    def _try_to_apply(self) -> None:
        """A failure is logged only: without its view, a container gets the names of all networks."""
        if set(self._known) != self._drivers:
            return
        try:
            self._apply()
            self._complaints.are(())
        except LabError as error:
            self._sets = None
            self._complaints.are([f"the DNS views cannot be updated: {error}"])

    def _apply(self) -> None:
        ports = self._ports()
        kept = {networks: port for networks, port in ports.items() if self._serves(port) or self._is_free(port)}
        views = plan_views(self._all_networks(), self._all_clients(), kept, self._is_free)
        names = [name for known in self._known.values() for name in known.names]
        for view in views:
            self._write(view, names)
        self._redirect([view for view in views if self._start(view)])
        for port in set(ports.values()) - {view.port for view in views}:
            self._stop(port)

    def _all_networks(self) -> set[str]:
        return {network for known in self._known.values() for network in known.networks}

    def _all_clients(self) -> dict[str, Networks]:
        clients: dict[str, Networks] = {}
        for known in self._known.values():
            for address, networks in known.clients.items():
                clients[address] = clients.get(address, frozenset()) | networks
        return clients

    # --- files and units ----------------------------------------------------------------------------------------------

    def _ports(self) -> dict[Networks, int]:
        """The ports of existing views: a file's name is its port; its first line names its networks, as in URLs."""
        ports = {}
        for path in sorted(self._folder.glob("*.hosts")):
            line = path.read_text().partition("\n")[0]
            ports[frozenset(map(unquote, line.lstrip("# ").split()))] = int(path.stem)
        return ports

    def _write(self, view: View, names: list[ContainerName]) -> None:
        first_line = f"# {' '.join(quote(name, safe='') for name in sorted(view.networks))}\n"
        self._files(view.port).write(names, view.networks, first_line)

    def _files(self, port: int) -> NamesFiles:
        return NamesFiles(self._folder / f"{port}.hosts", self._pid_file(port), self._forwarding, self._reserved)

    def _pid_file(self, port: int) -> Path:
        return self._folder / f"{port}.pid"

    def _start(self, view: View) -> bool:
        """Start the view's dnsmasq, if needed; whether it serves. It writes its pid file once it does."""
        now = time.monotonic()
        if not self._serves(view.port) and now - self._failed.get(view.port, -RETRY_SECONDS) < RETRY_SECONDS:
            return False
        if not self._serves(view.port):
            _systemctl("start", view.port)
        while not self._serves(view.port):
            if time.monotonic() > now + START_SECONDS:
                log.warning("%s does not start: see its journal", UNIT.format(view.port))
                self._failed[view.port] = now
                return False
            time.sleep(0.01)
        return True

    def _serves(self, port: int) -> bool:
        try:
            return Path(f"/proc/{int(self._pid_file(port).read_text())}/comm").read_text().strip() == "dnsmasq"
        except (OSError, ValueError):
            return False

    def _is_free(self, port: int) -> bool:
        """Whether no program of somebody else has the port."""
        errors = (listening_error(protocol, self._address, port) for protocol in PROTOCOLS)
        return not any(error and error.errno == errno.EADDRINUSE for error in errors)

    def _stop(self, port: int) -> None:
        _systemctl("stop", port)
        self._files(port).remove()

    # --- the kernel ---------------------------------------------------------------------------------------------------

    def _redirect(self, views: list[View]) -> None:
        """Bring sets and rules about; mostly, only members of sets change."""
        wanted = redirection(views, self._address)
        rules_differ = self._sets is None or wanted != redirection(self._views, self._address)
        current = ipsets.read() if self._sets is None else self._sets
        sets = ipsets.plan([view.ipset() for view in views], current, _is_ours)
        ipsets.restore(sets.lines)
        if rules_differ:
            _change_rules(wanted, [])
        ipsets.destroy(sets.destroyed)
        self._sets = {view.ipset().name: view.ipset() for view in views}
        self._views = views


def clean_host(address: str) -> None:
    """Remove the rules and sets; the role removes the units."""
    _change_rules(ChainSet(), [redirection((), address)])
    ipsets.destroy(ipsets.plan((), ipsets.read(), _is_ours).destroyed)


def _change_rules(wanted: ChainSet, obsolete: list[ChainSet]) -> None:
    """Bring rules about, alone: the DNS server's unit makes some of them, too."""
    with alone_on_the_host(check_mode=False):
        steps = iptables.plan(wanted, obsolete, iptables.read("ipv4"))
        if steps:
            iptables.restore("ipv4", steps)


def _is_ours(name: str) -> bool:
    return name.startswith(SET_PREFIX)


def _systemctl(verb: str, port: int) -> None:
    run(["systemctl", verb, UNIT.format(port)], package="systemd")
