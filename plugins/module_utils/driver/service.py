# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One network at work: beside the watch of etcd and the convergence, its sockets, names, and reconciliation."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..datastore.etcd import EtcdUnreachable
from ..datastore.mirror import EtcdSnapshot
from ..errors import LabError
from ..kernel import sysctl
from .complaints import Complaints
from .config import Config
from .dns_clients import DnsClients
from .dns_names import AllNames, ContainerName
from .dns_server import DnsServer, DriverNames
from .docker_following import RESYNC_SECONDS, RETRY_SECONDS, DockerFollowing
from .docker_view import Docker, DockerEvent
from .endpoint_life import EndpointLife
from .flows import Flows
from .ipam_requests import ADDRESSES_AT_ONCE, IpamRequests
from .network import Network
from .network_requests import NetworkRequests
from .plugin_socket import Method, PluginServer
from .reconciler import Reconciler
from .records import Records
from .shared_networks import SharedNetworks

UNNAMED_SECONDS = 0.2
"""Between attempts to learn the name of a network that Docker is creating."""
NAMING_SECONDS = (0.05, 0.2, 30.0)
"""After a container joined: seconds until Docker is first asked for its name, between attempts, and until giving up."""
_FORWARDING = "net.ipv4.ip_forward"
_WORKERS = 16  # requests served at once
_OWN_WORKERS = (
    (4, ("IpamDriver.RequestPool",)),
    (1, ("NetworkDriver.DeleteNetwork",)),
    (ADDRESSES_AT_ONCE, ("IpamDriver.RequestAddress",)),  # which get theirs together
    (2, ("IpamDriver.ReleaseAddress",)),  # of which one does its work at a time
)
"""Of requests that come by the hundred, or wait for each other: nobody else waits behind them."""
log = logging.getLogger(__name__)


class Driver(DockerFollowing[Network]):
    """Runs a `Network`: blocking code in a few threads."""

    def __init__(
        self,
        kind: type[Network],
        options: Mapping[str, Any],
        config: Config,
        docker: Docker,
        all_names: AllNames,
        dns_server: DnsServer | None = None,
    ) -> None:
        super().__init__(kind, options, config, docker, all_names, dns_server)
        self._joined = threading.Event()
        self._datastore_changed = threading.Event()
        network = self._network
        self._clients = DnsClients()
        self._flows = Flows() if network.tracked_by_the_host else None
        self._records = Records(network, EndpointLife(self._clients))
        self._reconciler = Reconciler(network, self._records, on_new_daemon=self._converger.invalidate)
        self._shared = SharedNetworks(network.host, network.driver, network.prefix(), self._records.networks)
        self._executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix=network.driver)
        after = (self._resync_now.set, self._after_join)
        requests = NetworkRequests(network, self._records, self._shared, self._flows, *after)
        sockets = socket_methods(network, requests.methods(), IpamRequests(network, self._records).methods())
        own: dict[str, ThreadPoolExecutor] = {}
        for count, methods in _OWN_WORKERS:
            workers = ThreadPoolExecutor(count, f"{network.driver}-{methods[0].rpartition('.')[2]}")
            own.update(dict.fromkeys(methods, workers))
        self._executors = {self._executor, *own.values()}
        self._servers = [PluginServer(config.plugins / name, one, self._executor, own) for name, one in sockets.items()]

    def start(self) -> None:
        """Start the threads, and serve Docker's requests."""
        super().start()
        self.start_sockets()

    def start_sockets(self) -> None:
        """Serve Docker's requests."""
        for server in self._servers:
            server.start()

    def stop(self) -> None:
        """Answer the requests that have arrived, and end the threads."""
        for server in self._servers:
            server.stop()
        super().stop()
        self._joined.set()
        self._datastore_changed.set()
        for executor in self._executors:
            executor.shutdown(wait=False)

    # --- threads ------------------------------------------------------------------------------------------------------

    def _work(self) -> tuple[Callable[[], None], ...]:
        return (*super()._work(), self._resync, self._share, self._name)

    def _interrupted(self) -> None:
        """Everything is reconciled. Docker has to wait: the containers that it starts need etcd."""
        self._resync_now.set()

    def _changed(self, revision: int) -> None:
        super()._changed(revision)
        self._datastore_changed.set()

    def _concerns(self, event: DockerEvent | None) -> bool:
        """A container's new name, and another driver's network that it joins or leaves."""
        return event is not None and self._reconciler.concerns(event)

    def _bring_about(self, copy: EtcdSnapshot, thorough: bool) -> None:
        names = tuple(self._records.aliases.added(self._network.names(copy), copy))
        self._serve_names(names, self._records.unread(copy), copy, thorough)
        super()._bring_about(copy, thorough)
        if self._flows is not None:
            self._flows.follow(names)

    def _known(self, names: tuple[ContainerName, ...], copy: EtcdSnapshot) -> DriverNames:
        if not self.synced.is_set():
            self._sync_clients()
        networks = frozenset(record.name for record in self._records.networks.of_copy(copy) if record.name)
        return DriverNames(names, networks, self._clients.by_address())

    def _sync_clients(self) -> None:
        """Restore the DNS clients from the records of joined endpoints."""
        networks = self._records.networks.all()
        joined = [one for one in self._records.joined.all() if one.network_id in networks]
        self._clients.sync({one.endpoint_id: (one.sandbox, networks[one.network_id].name) for one in joined})
        self._clients.read_addresses({one.endpoint_id for one in joined})  # some may start just now

    def _update_clients(self) -> None:
        if self._dns_server is not None:
            self._dns_server.update_clients(self._network.driver, self._clients.by_address())

    def _after_join(self) -> None:
        self._update_clients()
        self._joined.set()

    def _resync(self) -> None:
        complaints, failed = Complaints(), False
        while not self._stopping.is_set():
            if self._mirror.revision:
                try:
                    for line in self._reconciler.resync():
                        log.info("%s", line)
                    _forward()
                    failed = False
                    complaints.are(())
                except LabError as error:
                    failed = True
                    complaints.are([f"reconciliation failed: {error}"])
                except Exception:
                    log.exception("reconciliation failed")
            pause = RETRY_SECONDS if failed else UNNAMED_SECONDS if self._is_waiting() else RESYNC_SECONDS
            self._resync_now.wait(pause)
            self._resync_now.clear()

    def _share(self) -> None:
        """Follow the networks that are created and removed on other hosts."""
        followed: object = None
        due = time.monotonic() + RESYNC_SECONDS  # also where something else changes all the time
        while not self._stopping.is_set():
            self._datastore_changed.wait(max(RETRY_SECONDS, due - time.monotonic()))
            self._datastore_changed.clear()
            on_time = time.monotonic() >= due
            trigger = self._shared.trigger()
            if self._stopping.is_set() or not self._mirror.revision or (trigger == followed and not on_time):
                continue
            try:
                followed = trigger if self._shared.follow() else None
                due = time.monotonic() + RESYNC_SECONDS
            except LabError as error:
                log.info("networks are not followed: %s", error)
                self._stopping.wait(RETRY_SECONDS)
                self._datastore_changed.set()
            except Exception:
                log.exception("networks are not followed")

    def _is_waiting(self) -> bool:
        """Whether to reconcile again soon: nothing was read yet, or the name of a network is not known yet."""
        try:
            return not self._mirror.revision or self._records.networks.has_unnamed()
        except LabError:
            return True

    def _name(self) -> None:
        first, pause, patience = NAMING_SECONDS
        while not self._stopping.is_set():
            self._joined.wait()
            self._joined.clear()
            deadline = time.monotonic() + patience
            self._stopping.wait(first)
            while not self._stopping.is_set() and time.monotonic() < deadline:
                try:
                    finished = self._reconciler.learn_names()
                    self._clients.read_addresses(self._records.life.starting())
                    self._update_clients()
                    if finished:
                        break
                except EtcdUnreachable:
                    break
                except Exception as error:
                    log.info("the names of containers cannot be learned: %s", error)
                self._stopping.wait(pause)


def socket_methods(
    network: Network, network_methods: dict[str, Method], ipam_methods: dict[str, Method]
) -> dict[str, dict[str, Method]]:
    """The methods of each socket, by the socket's name. A driver and an IPAM driver of one name share a socket."""
    if network.driver == network.ipam_driver:
        both = {**network_methods, **ipam_methods}
        return {f"{network.driver}.sock": {**both, **_activation("NetworkDriver", "IpamDriver")}}
    return {
        f"{network.driver}.sock": {**network_methods, **_activation("NetworkDriver")},
        f"{network.ipam_driver}.sock": {**ipam_methods, **_activation("IpamDriver")},
    }


def _forward() -> None:
    """Containers' packets are forwarded, as Docker has it from its start on, also when somebody has turned it off.

    Not before Docker runs: it closes the chain FORWARD to others only if it was Docker who turned forwarding on.
    """
    if sysctl.find(_FORWARDING) == "0":
        sysctl.write(_FORWARDING, "1")
        log.warning("%s was 0: it is 1 again, since the host forwards what its containers send", _FORWARDING)


def _activation(*interfaces: str) -> dict[str, Method]:
    return {"Plugin.Activate": {"Implements": list(interfaces)}}
