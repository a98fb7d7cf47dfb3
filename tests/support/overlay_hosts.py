# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of overlay networks as network namespaces on one underlay, with containers that are namespaces too.

Nothing of the machine is touched: all links end in namespaces of the test.
"""

from __future__ import annotations

import dataclasses
import secrets
import subprocess
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

from ansible_collections.container_network.lab.plugins.module_utils.kernel import namespace_mounts
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.overlay.dataplane import Dataplane, Done, plan_host
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import OverlayEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.overlay.namespace import OverlayNamespace
from ansible_collections.container_network.lab.plugins.module_utils.overlay.networks import AgreedNetwork
from ansible_collections.container_network.lab.plugins.module_utils.overlay.snapshot import Snapshot
from tests.support.driver_hosts import eventually
from tests.support.kernel_view import command, ip, link

ADDRESSES = {"node-1": "192.168.1.68", "node-2": "192.168.1.254", "node-3": "192.168.1.245"}


@dataclasses.dataclass
class Container:
    """A namespace with the container end of an endpoint."""

    namespace: str
    endpoint: OverlayEndpoint

    def ping(self, address: str, *options: str) -> bool:
        """Whether one echo request is answered, within five seconds unless the options say otherwise (``-W1``)."""
        arguments = ["ip", "netns", "exec", self.namespace, "ping", "-q", "-c1", "-W5", *options, address]
        return subprocess.run(arguments, capture_output=True, check=False).returncode == 0


class OverlayLab:
    """The hosts, and one view of the datastore that they all have."""

    def __init__(self, make_namespace: Callable[[], str], folder: Path) -> None:
        self._make_namespace = make_namespace
        self._underlay = make_namespace()
        ip(self._underlay, "link add br0 mtu 9001 type bridge")
        ip(self._underlay, "link set br0 up")
        self.snapshot = Snapshot()
        self.spaces: dict[str, str] = {}
        self.folders: dict[str, Path] = {}
        self.planes: dict[str, Dataplane] = {}
        for name, address in ADDRESSES.items():
            self._add(name, address, folder / name)

    def _add(self, name: str, address: str, folder: Path) -> None:
        space = self.spaces[name] = self._make_namespace()
        pair = f"p{secrets.token_hex(3)}"
        ip(self._underlay, f"link add {pair} mtu 9001 type veth peer name eth0 netns {space} mtu 9001")
        ip(self._underlay, f"link set {pair} master br0 up")
        ip(space, f"address add {address}/24 dev eth0")
        ip(space, "link set eth0 up")
        self.folders[name] = folder
        self.planes[name] = Dataplane(folder)

    def close(self) -> None:
        """Unmount what the hosts have mounted."""
        for folder in self.folders.values():
            for path in folder.glob("*"):
                namespace_mounts.remove(path)

    def add_network(self, name: str, subnet: str, vni: int, mtu: int = 1450) -> None:
        """All hosts have it."""
        parsed = IPv4Network(subnet)
        network = AgreedNetwork(name, parsed, parsed[1], vni, mtu, nodes=tuple(ADDRESSES))
        self.change(networks={**self.snapshot.networks, name: network})

    def change(self, **changes: object) -> None:
        """Let the datastore say something else."""
        self.snapshot = dataclasses.replace(self.snapshot, **changes)

    def network_id(self, node: str, network: str) -> str:
        """As the host's Docker might have given it."""
        return f"{node[-1]}{network.encode().hex():0<63}"

    def converge(self, *nodes: str) -> dict[str, Done]:
        """One round of the driver on each host, or on the named ones."""
        done = {}
        for node in nodes or self.spaces:
            ids = {name: self.network_id(node, name) for name in self.snapshot.networks}
            with inside(self.spaces[node]):
                done[node] = self.planes[node].converge(plan_host(node, self.snapshot, ids))
        return done

    def namespace(self, node: str, network: str = "overlay") -> OverlayNamespace:
        """Of a network on a host."""
        return OverlayNamespace.of(network, self.network_id(node, network), self.folders[node])

    def inside_overlay(self, node: str, *arguments: str, network: str = "overlay") -> list[str]:
        """What a program prints in a network's namespace, with single blanks."""
        printed = command("nsenter", f"--net={self.namespace(node, network).path}", *arguments)
        return [" ".join(line.split()) for line in printed.splitlines()]

    def container(self, node: str, address: str, network: str = "overlay") -> Container:
        """What Docker and the driver do together for a new container."""
        length = self.snapshot.networks[network].subnet.prefixlen
        endpoint = OverlayEndpoint.of_address(
            network, secrets.token_hex(32), node, ADDRESSES[node], f"{address}/{length}"
        )
        self.change(endpoints=(*self.snapshot.endpoints, endpoint))
        self.converge()
        with inside(self.spaces[node]):
            self.namespace(node, network).attach(endpoint, self.snapshot.networks[network].mtu)
        container = Container(self._make_namespace(), endpoint)
        ip(self.spaces[node], f"link set {endpoint.device} netns {container.namespace} name eth0")
        ip(container.namespace, f"address add {endpoint.address} dev eth0")
        ip(container.namespace, "link set eth0 up")
        # Until the kernel's watch of links has come by, a new device throws away what it is to send.
        for space in (self.spaces[node], container.namespace):
            eventually(lambda where=space: link(where, "eth0").operational_state == "UP", what="eth0 does not come up")
        return container

    def remove(self, container: Container) -> None:
        """The container ends."""
        endpoint = container.endpoint
        with inside(self.spaces[endpoint.node]):
            self.namespace(endpoint.node, endpoint.network).detach(endpoint.endpoint_id)
        self.change(endpoints=tuple(one for one in self.snapshot.endpoints if one != endpoint))
        self.converge()
