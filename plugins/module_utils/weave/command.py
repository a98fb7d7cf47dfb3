# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``weave`` on a host."""

# pylint: disable=ansible-bad-function # a program of its own has no module's run_command

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..docker.engine import Engine
from ..driver.config import Config
from ..errors import LabError
from ..kernel.addresses import plain
from ..kernel.links import read_links
from ..kernel.netlink import NetlinkSocket
from . import attach, status, verbs
from .address_request import Wanted, leading_addresses
from .attach import Container
from .constants import BRIDGE, DOMAIN
from .dataplane import best_datapath
from .driver import WeaveNetwork
from .names import addresses_of, checked_name, split_targets
from .ring import Network
from .snapshot import GivenName, Snapshot
from .store import WeaveStore
from .veth import VethSettings

FOLLOW_SECONDS = 10.0
"""How long the host may take to apply what a command has stored."""
_VERSION = "the command weave of container_network.lab: the network of Weave 2.8, without a program of Weave"


class Weave:
    """The commands of `verbs.SERVED`, on one host, each a method of its name. They return the lines to print."""

    def __init__(self, config: Config) -> None:
        options = config.networks.get(WeaveNetwork.driver)
        if options is None:
            raise LabError("this host has no Weave network: run the role weave for it.")
        self._node = config.node
        self._veth_settings = VethSettings.from_options(options)
        self._wanted_datapath = options.get("datapath", "auto")
        self._store = WeaveStore(config.etcd_client())
        self._engine = Engine(f"unix://{config.docker_socket}")

    def status(self, arguments: argparse.Namespace) -> list[str]:
        """The network as this host sees it."""
        state = self._store.read()
        datapath = best_datapath(self._wanted_datapath)
        views: dict[str | None, Callable[[], list[str]]] = {
            None: lambda: status.summary(state, self._node, datapath, self._veth_settings.mtu),
            "targets": lambda: status.targets(state, self._node),
            "connections": lambda: status.connections(state, self._node, datapath, self._veth_settings.mtu),
            "peers": lambda: status.peers(state),
            "ipam": lambda: status.ipam(state, self._node),
            "dns": lambda: status.dns(state),
        }
        return views[arguments.part]()

    def report(self, _arguments: argparse.Namespace) -> list[str]:
        """All of it as a document for programs."""
        datapath = best_datapath(self._wanted_datapath)
        document = status.report(self._store.read(), self._node, datapath, self._veth_settings.mtu)
        return [json.dumps(document, indent=4)]

    def version(self, _arguments: argparse.Namespace) -> list[str]:
        """What this command is."""
        return [_VERSION]

    def ps(self, arguments: argparse.Namespace) -> list[str]:
        """The host and its containers on the network: all, by their short ids, or those that are named."""
        called = arguments.containers
        wanted = {one: "" if one == status.HOST else self._find(one).name for one in called}
        if not called:
            running = self._engine.get("/containers/json")
            names = {entry["Id"][:12]: entry["Names"][0].lstrip("/") for entry in running}
            wanted = {status.HOST: "", **names}
        return status.containers(self._store.read(), self._node, wanted)

    def run(self, arguments: argparse.Namespace) -> list[str]:
        """Start a container as ``docker run --detach`` does, and attach it; returns its id."""
        addresses, others = leading_addresses(arguments.arguments)
        self._parsed(addresses)
        try:
            started = subprocess.run(
                ["docker", "--host", f"unix://{self._engine.socket_path}", "run", "--detach", *others],
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise LabError("weave run: this host has no command docker: install its package, docker-cli.") from None
        identifier = started.stdout.strip()
        if started.returncode or not identifier.isalnum():
            raise LabError("weave run: 'docker run --detach' started no container.")
        try:
            attach.attach(self._store, self._node, self._find(identifier), addresses, self._veth_settings)
        except LabError as error:
            raise LabError(f"weave run: the container {identifier[:12]} is not on the network: {error}") from error
        return [identifier]

    def attach(self, arguments: argparse.Namespace) -> list[str]:
        """Give a running container an interface on the network."""
        multicast = not arguments.no_multicast_route
        given = attach.attach(
            self._store,
            self._node,
            self._find(arguments.container),
            arguments.addresses,
            self._veth_settings,
            multicast=multicast,
        )
        return [" ".join(plain(given))]

    def detach(self, arguments: argparse.Namespace) -> list[str]:
        """Remove that interface."""
        gone = attach.detach(
            self._store, self._node, self._find(arguments.container), arguments.addresses, self._veth_settings
        )
        return [" ".join(plain(gone))] if gone else []

    def expose(self, arguments: argparse.Namespace) -> list[str]:
        """Give the host addresses on the network."""
        wanted = self._parsed(arguments.addresses) or [None]
        name = checked_name(arguments.name) if arguments.name else None
        given = [
            self._store.expose(self._node, each.subnet if each else None, each.address if each else None)
            for each in wanted
        ]
        self._await(lambda present: set(given) <= present)
        if name:
            self._store.add_names(GivenName(self._node, name, ipaddress.IPv4Interface(each).ip) for each in given)
        return [" ".join(plain(given))]

    def hide(self, arguments: argparse.Namespace) -> list[str]:
        """Remove those addresses."""
        subnets: list[Network | None] = [each.subnet for each in self._parsed(arguments.addresses)] or [None]
        gone = [address for subnet in subnets for address in self._store.hide(self._node, subnet)]
        self._await(lambda present: not present & set(gone))
        return [" ".join(plain(gone))] if gone else []

    def dns_add(self, arguments: argparse.Namespace) -> list[str]:
        """Give addresses one more name."""
        if not arguments.name:
            raise LabError(
                f"weave dns-add: a container is NAME.{DOMAIN} already, by its own name: add -h OTHER.{DOMAIN}, to give "
                "it another one."
            )
        name = checked_name(arguments.name)
        addresses, container = split_targets(arguments.targets)
        if container:
            own = self._addresses_of(container, self._store.read())
            addresses = addresses or own
        self._store.add_names(GivenName(self._node, name, address) for address in addresses)
        return []

    def dns_remove(self, arguments: argparse.Namespace) -> list[str]:
        """Take names away that this host gave."""
        name = checked_name(arguments.name) if arguments.name else None
        addresses, container = split_targets(arguments.targets)
        state = self._store.read()
        if container:
            addresses = addresses or self._addresses_of(container, state)
        gone = [
            one
            for one in state.names
            if one.node == self._node and one.address in addresses and name in (None, one.name)
        ]
        if not gone:
            raise LabError(
                "weave dns-remove: no such name was given on this host, by 'weave dns-add' or 'weave expose -h'; "
                "'weave status dns' lists all names. A container's own name goes with the container."
            )
        self._store.remove_names(gone)
        return []

    def dns_lookup(self, arguments: argparse.Namespace) -> list[str]:
        """The addresses of a name."""
        return self._store.read().addresses_of_name(arguments.name)

    def _addresses_of(self, container: str, state: Snapshot) -> list[ipaddress.IPv4Address]:
        name = self._find(container).name
        found = addresses_of(one for one in state.endpoints_of(self._node).values() if one.container == name)
        if not found:
            raise LabError(f"container '{name}' is not on the Weave network: 'weave attach {name}' connects it.")
        return found

    def _find(self, container: str) -> Container:
        return Container.find(self._engine, container)

    def _parsed(self, addresses: Sequence[str]) -> list[Wanted]:
        config = self._store.read().known_config
        return [Wanted.parse(text, config) for text in addresses]

    def _await(self, reached: Callable[[set[str]], bool]) -> None:
        """Wait for the network driver, which gives the bridge its addresses."""
        deadline = time.monotonic() + FOLLOW_SECONDS
        while True:
            with NetlinkSocket() as netlink:
                links = read_links(netlink)
            if BRIDGE in links and reached(set(links[BRIDGE].addresses)):
                return
            if time.monotonic() > deadline:
                raise LabError(
                    f"the bridge {BRIDGE} does not follow within {FOLLOW_SECONDS:g} s: "
                    "see 'systemctl status container-network-driver'."
                )
            time.sleep(0.05)


def main(arguments: Sequence[str]) -> int:
    """Run one command; ``arguments`` are the configuration file, and then the command line."""
    config, *typed = arguments
    verb, rest = (typed[0], typed[1:]) if typed else ("", [])
    if verb in ("help", "--help", "-h"):
        return _print([verbs.help_text()])
    try:
        sentence = verbs.answer(verb, rest)
        if sentence is not None and verb in verbs.EVALUATED:
            _print([verbs.evaluated(sentence)])
            return 1
        if sentence is not None:
            raise LabError(sentence)
        parsed = verbs.parse(verb, rest)
        return _print(getattr(Weave(Config.read(Path(config))), verb.replace("-", "_"))(parsed))
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130  # as the shell has it


def _print(lines: Iterable[str]) -> int:
    """Print lines; who reads only the first ones, as head(1), is no failure."""
    try:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
