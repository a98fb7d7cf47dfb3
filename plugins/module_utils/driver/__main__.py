# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the service: ``python3 -m container_network.driver /etc/container-network/driver.json``.

With the further argument ``remove``, it removes what the networks created on the host, and exits.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..kernel.end_signals import told_to_end
from ..kernel.writer import load
from .config import Config
from .container_records import forget
from .dns_forwarding import Forwarding
from .dns_names import DOMAIN, AllNames, NamesFiles
from .dns_server import UPSTREAM_FILE, DnsServer, clean_host
from .docker_view import Docker
from .following import Following
from .host_options import MODULE
from .named_follower import NamedFollower
from .naming import Naming
from .network import Network
from .registry import network_class, network_classes
from .service import Driver

READY_SECONDS = 40.0
"""How long Docker's start waits for the datastore, at most. Containers that Docker starts earlier stay stopped, because
Docker tries only once."""
log = logging.getLogger(__name__)


def workers(config: Config) -> list[Following]:
    """One for each configured network; InvalidInput if the configuration of a network is wrong."""
    classes = network_classes(config.networks)
    attached = {name: kind for name, kind in classes.items() if issubclass(kind, Network)}
    named = {name: kind for name, kind in classes.items() if issubclass(kind, NamedFollower)}
    domains = (one.dns_domain for one in (*attached.values(), *named.values()))
    docker = Docker(config.docker_socket, config.docker_pid_file)
    folder = config.hosts_file.parent
    forwarding = Forwarding([DOMAIN, *domains], folder / UPSTREAM_FILE)
    all_names = AllNames(NamesFiles(config.hosts_file, config.dnsmasq_pid_file, forwarding, config.reserved_names))
    dns_server = None
    if config.dns_address:
        all_names.begin()
        dns_server = DnsServer(folder, config.dns_address, {**attached, **named}, forwarding, config.reserved_names)

    def worker(name: str, options: Mapping[str, Any]) -> Following:
        if name in attached:
            return Driver(attached[name], options, config, docker, all_names, dns_server)
        if name in named:
            return Naming(named[name], options, config, docker, all_names, dns_server)
        return Following(classes[name], options, config, docker)

    return [worker(name, options) for name, options in config.networks.items()]


def serve(running: list[Following]) -> None:
    """Serve until SIGTERM or SIGINT; SIGUSR1 tells the journal where each thread is."""
    faulthandler.register(signal.SIGUSR1)
    with contextlib.ExitStack() as opened:
        told = told_to_end(opened, signal.SIGTERM, signal.SIGINT)
        for worker in running:
            worker.start()
        threading.Thread(target=_tell_ready, args=(running,), name="ready", daemon=True).start()
        select.select([told], [], [])
        for worker in running:
            worker.stop()


def _tell_ready(running: list[Following]) -> None:
    """Notify systemd, which delays units that are ordered after this service, such as Docker."""
    deadline = time.monotonic() + READY_SECONDS
    late = [one for one in running if not one.synced.wait(max(0.0, deadline - time.monotonic()))]
    log.info("serving%s", "; the datastore does not answer yet" if late else "")
    _notify("READY=1")


def _notify(text: str) -> None:
    """sd_notify(3)."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
        notifier.connect("\0" + path[1:] if path.startswith("@") else path)
        notifier.send(text.encode())


def remove(config: Config) -> int:
    """Restore the host to its state without the networks."""
    for name, options in config.networks.items():
        try:
            kind = network_class(name, options[MODULE])
            kind.clean_host()
            if issubclass(kind, NamedFollower):
                with contextlib.suppress(LabError):  # the keys end with their lease
                    forget(config.etcd_client(), kind.prefix(), config.node)
            if config.dns_address:
                clean_host(config.dns_address)
        except LabError as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
    return 0


def main() -> int:
    """Read the configuration and serve."""
    level = os.environ.get("LOG_LEVEL", "INFO")
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(threadName)s: %(message)s")
    try:
        config = Config.read(Path(sys.argv[1]))
        if sys.argv[2:] == ["remove"]:
            return remove(config)
        load()  # here, so that no container has to wait for it
        running = workers(config)
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    serve(running)
    logging.shutdown()
    os._exit(0)  # threads that wait for etcd would delay the exit by seconds


if __name__ == "__main__":
    raise SystemExit(main())
