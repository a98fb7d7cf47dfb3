# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One network at work: its two sockets, its watch of etcd, its convergence, and its resync."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from container_network.errors import LabError
from container_network.etcd import EtcdUnreachable
from container_network.etcd_watch import Mirror, WatchLost

from . import protocol
from .converger import Converger
from .names import HostsFile
from .network import Network
from .server import Handler, PluginServer

RESYNC_SECONDS = 15.0
NAMING_SECONDS = (0.05, 0.2, 30.0)
"""After a container joined: when to ask Docker for its name first, how often, and for how long."""
_WATCH_PAUSE = (0.2, 5.0)
_WORKERS = 16  # requests that are worked on at once
log = logging.getLogger(__name__)


class Driver:
    """Runs a `Network`. HTTP is asynchronous; all the rest is blocking code in a few threads."""

    def __init__(self, network: Network, mirror: Mirror, hosts_file: HostsFile, plugins: Path) -> None:
        self._network = network
        self._hosts_file = hosts_file
        self._executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix=network.driver)
        self._converger = Converger(self._converge)
        self._mirror = mirror
        self._mirror.on_change = self._converger.request
        network.host.copy = self._mirror.copy
        network.host.wait_for = self._converger.wait_for
        self._stopping = threading.Event()
        self._joined = threading.Event()
        self._resync_now = threading.Event()
        self.synced = threading.Event()
        """Set when etcd has answered, and the host followed what it said, or could not."""
        self.servers = [
            PluginServer(plugins / f"{network.driver}.sock", self._network_methods(), self._executor),
            PluginServer(plugins / f"{network.ipam_driver}.sock", self._ipam_methods(), self._executor),
        ]

    def start(self) -> None:
        """Start the threads; the servers are started by the event loop."""
        for work in (self._follow, self._converger.run, self._resync, self._name):
            threading.Thread(target=work, name=f"{self._network.driver}-{work.__name__}", daemon=True).start()

    def stop(self) -> None:
        """End the threads; a request that is being worked on ends by itself."""
        self._stopping.set()
        self._joined.set()
        self._resync_now.set()
        self._mirror.stop()
        self._converger.stop()
        self._executor.shutdown(wait=False)

    # --- threads ------------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Keep the watch going; whatever happened, everything is compared again afterwards."""
        complaint, pause = "", _WATCH_PAUSE[0]
        while not self._stopping.is_set():
            try:
                self._mirror.follow()
                complaint, pause = "", _WATCH_PAUSE[0]
            except WatchLost as error:
                log.info("%s; all is read again", error)
            except LabError as error:
                if str(error) != complaint:
                    log.warning("%s", error)
                complaint, pause = str(error), min(pause * 2, _WATCH_PAUSE[1])
            except Exception:
                log.exception("following etcd")
            self._resync_now.set()
            self._stopping.wait(pause)

    def _converge(self, asked: bool) -> int:
        if not asked:
            self._network.look_again()
        copy = self._mirror.copy()
        if not copy.revision:
            return 0
        self._hosts_file.update(self._network.driver, self._network.names(copy))
        try:
            self._network.converge(copy)
        finally:
            self.synced.set()
        return copy.revision

    def _resync(self) -> None:
        complaint = ""
        while not self._stopping.is_set():
            if self._mirror.revision:
                try:
                    for line in self._network.resync():
                        log.info("%s", line)
                    complaint = ""
                except LabError as error:
                    if str(error) != complaint:
                        log.warning("resync: %s", error)
                    complaint = str(error)
                except Exception:
                    log.exception("resync")
            self._resync_now.wait(1.0 if complaint else RESYNC_SECONDS)
            self._resync_now.clear()

    def _name(self) -> None:
        first, pause, patience = NAMING_SECONDS
        while not self._stopping.is_set():
            self._joined.wait()
            self._joined.clear()
            deadline = time.monotonic() + patience
            self._stopping.wait(first)
            while not self._stopping.is_set() and time.monotonic() < deadline:
                try:
                    if not self._network.learn_names():
                        break
                except EtcdUnreachable:
                    break
                except Exception as error:
                    log.info("containers' names: %s", error)
                self._stopping.wait(pause)

    # --- Docker's requests --------------------------------------------------------------------------------------------

    def _network_methods(self) -> dict[str, Handler]:
        network = self._network
        methods: dict[str, Handler] = {
            "Plugin.Activate": lambda _document: {"Implements": ["NetworkDriver"]},
            "NetworkDriver.GetCapabilities": lambda _document: {"Scope": "local"},
            "NetworkDriver.CreateNetwork": self._create_network,
            "NetworkDriver.DeleteNetwork": _done(network.delete_network, protocol.NetworkRequest),
            "NetworkDriver.CreateEndpoint": _answered(network.create_endpoint, protocol.EndpointRequest),
            "NetworkDriver.DeleteEndpoint": _done(network.delete_endpoint, protocol.EndpointRequest),
            "NetworkDriver.EndpointOperInfo": lambda _document: {"Value": {}},
            "NetworkDriver.Join": self._join,
            "NetworkDriver.Leave": _done(network.leave, protocol.EndpointRequest),
        }
        for name in (
            "DiscoverNew",
            "DiscoverDelete",
            "ProgramExternalConnectivity",
            "RevokeExternalConnectivity",
        ):
            methods[f"NetworkDriver.{name}"] = lambda _document: {}
        return methods

    def _ipam_methods(self) -> dict[str, Handler]:
        network = self._network
        spaces = {
            "LocalDefaultAddressSpace": f"{network.address_space}Local",
            "GlobalDefaultAddressSpace": network.address_space,
        }

        def request_address(document: Mapping[str, Any]) -> Mapping[str, Any]:
            address = network.request_address(protocol.AddressRequest.parse(document))
            return {"Address": str(address), "Data": {}}

        return {
            "Plugin.Activate": lambda _document: {"Implements": ["IpamDriver"]},
            "IpamDriver.GetCapabilities": lambda _document: {"RequiresMACAddress": False},
            "IpamDriver.GetDefaultAddressSpaces": lambda _document: spaces,
            "IpamDriver.RequestPool": _answered(network.request_pool, protocol.PoolRequest),
            "IpamDriver.ReleasePool": lambda _document: {},
            "IpamDriver.RequestAddress": request_address,
            "IpamDriver.ReleaseAddress": _done(network.release_address, protocol.AddressRequest),
        }

    def _create_network(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        self._network.create_network(protocol.NetworkRequest.parse(document))
        self._resync_now.set()  # which learns the network's name
        return {}

    def _join(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._network.join(protocol.JoinRequest.parse(document))
        self._joined.set()
        return answer.document()


def _answered(hook: Any, request: Any) -> Handler:
    return lambda document: hook(request.parse(document)).document()


def _done(hook: Any, request: Any) -> Handler:
    def handler(document: Mapping[str, Any]) -> Mapping[str, Any]:
        hook(request.parse(document))
        return {}

    return handler
