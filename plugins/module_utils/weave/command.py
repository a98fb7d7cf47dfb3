# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``weave`` on a host."""

# pylint: disable=ansible-bad-function # a program, which prints and exits, and no module

from __future__ import annotations

import argparse
import ipaddress
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..docker.engine import Engine
from ..driver.config import Config
from ..errors import LabError
from ..kernel.links import read_links
from ..kernel.netlink import NetlinkSocket
from . import attach, status
from .address_request import Wanted
from .attach import Container
from .constants import BRIDGE
from .dataplane import best_datapath
from .driver import WeaveNetwork
from .ring import Network
from .store import WeaveStore
from .veth import VethSettings

FOLLOW_SECONDS = 10.0
"""How long the host may take to apply what a command has stored."""
_ADDRESS_HELP = "net:default, net:SUBNET, or an address with its prefix length; by default any of the default subnet"


class Weave:
    """The verbs, on one host. Each returns the lines to print."""

    def __init__(self, config: Config) -> None:
        options = config.networks.get(WeaveNetwork.driver)
        if options is None:
            raise LabError("this host has no Weave network: run the role weave for it.")
        self._node = config.node
        self._veth_settings = VethSettings.from_options(options)
        self._wanted_datapath = options.get("datapath", "auto")
        self._store = WeaveStore(config.etcd_client())

    def status(self, arguments: argparse.Namespace) -> list[str]:
        """The network as this host sees it."""
        state = self._store.read()
        datapath = best_datapath(self._wanted_datapath)
        views: dict[str, Callable[[], list[str]]] = {
            "": lambda: status.summary(state, self._node, datapath, self._veth_settings.mtu),
            "connections": lambda: status.connections(state, self._node, datapath, self._veth_settings.mtu),
            "peers": lambda: status.peers(state),
            "ipam": lambda: status.ipam(state, self._node),
            "dns": lambda: status.dns(state),
        }
        return views[arguments.part]()

    def ps(self, arguments: argparse.Namespace) -> list[str]:
        """The host and its containers on the network: all, by their short ids, or those that are named."""
        engine = Engine()
        called = arguments.containers
        wanted = {one: "" if one == status.HOST else Container.find(engine, one).name for one in called}
        if not called:
            running = engine.get("/containers/json")
            names = {entry["Id"][:12]: entry["Names"][0].lstrip("/") for entry in running}
            wanted = {status.HOST: "", **names}
        return status.containers(self._store.read(), self._node, wanted)

    def attach(self, arguments: argparse.Namespace) -> list[str]:
        """Give a running container an interface on the network."""
        given = attach.attach(self._store, self._node, arguments.container, arguments.addresses, self._veth_settings)
        return [" ".join(_plain(given))]

    def detach(self, arguments: argparse.Namespace) -> list[str]:
        """Remove that interface."""
        gone = attach.detach(self._store, self._node, arguments.container, arguments.addresses, self._veth_settings)
        return [" ".join(_plain(gone))] if gone else []

    def expose(self, arguments: argparse.Namespace) -> list[str]:
        """Give the host addresses on the network."""
        wanted = self._parsed(arguments.addresses) or [None]
        given = [
            self._store.expose(self._node, each.subnet if each else None, each.address if each else None)
            for each in wanted
        ]
        self._await(lambda present: set(given) <= present)
        return [" ".join(_plain(given))]

    def hide(self, arguments: argparse.Namespace) -> list[str]:
        """Remove those addresses."""
        subnets: list[Network | None] = [each.subnet for each in self._parsed(arguments.addresses)] or [None]
        gone = [address for subnet in subnets for address in self._store.hide(self._node, subnet)]
        self._await(lambda present: not present & set(gone))
        return [" ".join(_plain(gone))] if gone else []

    def dns_lookup(self, arguments: argparse.Namespace) -> list[str]:
        """The addresses of a name."""
        return self._store.read().addresses_of_name(arguments.name)

    def _parsed(self, addresses: Sequence[str]) -> list[Wanted]:
        config = self._store.read().config
        if config is None:
            raise LabError("there is no Weave network in etcd: run the role weave first.")
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


def _plain(addresses: Sequence[str]) -> list[str]:
    return [str(ipaddress.IPv4Interface(address).ip) for address in addresses]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="weave", description="Look at and change the Weave network of this host.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    view = verbs.add_parser("status", help="the network as this host sees it")
    view.add_argument("part", nargs="?", default="", choices=["", "connections", "peers", "ipam", "dns"])
    ps = verbs.add_parser("ps", help="this host's containers on the network")
    ps.add_argument("containers", nargs="*", metavar="CONTAINER")
    for verb, text in (("attach", "connect a running container"), ("detach", "disconnect it")):
        added = verbs.add_parser(verb, help=text)
        added.add_argument("addresses", nargs="*", metavar="ADDRESS", help=_ADDRESS_HELP)
        added.add_argument("container", metavar="CONTAINER")
    for verb, text in (("expose", "give this host an address on the network"), ("hide", "take it away")):
        verbs.add_parser(verb, help=text).add_argument("addresses", nargs="*", metavar="ADDRESS", help=_ADDRESS_HELP)
    verbs.add_parser("dns-lookup", help="the addresses of a name").add_argument("name", metavar="NAME")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one verb; ``arguments`` are the configuration file, and then the command line."""
    parsed = _parser().parse_args(arguments[1:])
    try:
        weave = Weave(Config.read(Path(arguments[0])))
        lines = getattr(weave, parsed.verb.replace("-", "_"))(parsed)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    for line in lines:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
