# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a Weave network as network namespaces on one underlay, with containers that are namespaces too.

Nothing of the machine is touched: all links end in namespaces of the test.
"""

from __future__ import annotations

import dataclasses
import secrets
import subprocess
from collections.abc import Callable

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.weave import veth
from ansible_collections.container_network.lab.plugins.module_utils.weave.constants import DEFAULT_MTU
from ansible_collections.container_network.lab.plugins.module_utils.weave.dataplane import converge_host, plan_host
from ansible_collections.container_network.lab.plugins.module_utils.weave.peers import Peer, endpoint_mac
from ansible_collections.container_network.lab.plugins.module_utils.weave.snapshot import Endpoint, Snapshot
from tests.support.kernel_view import command, ip

PEERS = {
    "node-1": Peer("node-1", "7a:00:00:00:00:01", "192.168.1.68", 0x541),
    "node-2": Peer("node-2", "7a:00:00:00:00:02", "192.168.1.254", 0x571),
    "node-3": Peer("node-3", "7a:00:00:00:00:03", "192.168.1.245", 0x70C),
}


@dataclasses.dataclass
class Container:
    """A namespace with the container end of an endpoint."""

    namespace: str
    endpoint: Endpoint

    @property
    def address(self) -> str:
        """Without its prefix length."""
        return self.endpoint.addresses[0].partition("/")[0]

    def ping(self, address: str, *options: str) -> bool:
        """Whether one echo request is answered, within five seconds unless the options say otherwise (``-W1``)."""
        arguments = self.inside("ping", "-q", "-c1", "-W5", *options, address)
        return subprocess.run(arguments, capture_output=True, check=False).returncode == 0

    def inside(self, *arguments: str) -> list[str]:
        """The command that runs a program in the container."""
        return ["ip", "netns", "exec", self.namespace, *arguments]


class WeaveLab:
    """The hosts, and one view of the datastore that they all have."""

    def __init__(self, make_namespace: Callable[[], str], datapath: str) -> None:
        self._make_namespace = make_namespace
        self.datapath = datapath
        self.underlay = make_namespace()
        ip(self.underlay, "link add br0 mtu 9001 type bridge")
        ip(self.underlay, "link set br0 up")
        self.state = Snapshot(peers=PEERS)
        self.veth_settings = veth.VethSettings()
        self.spaces = {name: self._host(peer.address) for name, peer in PEERS.items()}

    def _host(self, address: str) -> str:
        space = self._make_namespace()
        pair = f"p{secrets.token_hex(3)}"
        ip(self.underlay, f"link add {pair} mtu 9001 type veth peer name eth0 netns {space} mtu 9001")
        ip(self.underlay, f"link set {pair} master br0 up")
        ip(space, f"address add {address}/24 dev eth0")
        ip(space, "link set eth0 up")
        return space

    def change(self, **changes: object) -> None:
        """Let the datastore say something else."""
        self.state = dataclasses.replace(self.state, **changes)

    def converge(self, *nodes: str) -> dict[str, list[str]]:
        """One round of the driver on each host, or on the named ones: what each had to change."""
        done = {}
        for node in nodes or [node for node in self.spaces if node in self.state.peers]:
            with inside(self.spaces[node]):
                done[node] = converge_host(plan_host(self.state, node), self.datapath, DEFAULT_MTU)
        return done

    def run(self, node: str, *arguments: str) -> list[str]:
        """What a program prints on a host, with single blanks."""
        printed = command("nsenter", f"--net=/run/netns/{self.spaces[node]}", *arguments)
        return [" ".join(line.split()) for line in printed.splitlines()]

    def container(self, node: str, address: str) -> Container:
        """What Docker and the driver do together for a new container; ``address`` with its prefix length."""
        identifier = secrets.token_hex(32)
        device = veth.host_device(identifier)
        endpoint = Endpoint(node, identifier, endpoint_mac(identifier), (address,), device, "weave")
        self.change(endpoints=(*self.state.endpoints, endpoint))
        self.converge()
        container = Container(self._make_namespace(), endpoint)
        temporary = veth.temporary_device(identifier)
        with inside(self.spaces[node]):
            veth.attach(identifier, endpoint.mac, self.veth_settings)
        ip(self.spaces[node], f"link set {temporary} netns {container.namespace} name ethwe0")
        ip(container.namespace, "link set lo up")
        ip(container.namespace, f"address add {address} dev ethwe0")
        ip(container.namespace, "link set ethwe0 up")
        ip(container.namespace, "route add 224.0.0.0/4 dev ethwe0 scope link")
        veth.set_up_inside(container.namespace, "ethwe0", endpoint.addresses)
        return container

    def remove(self, container: Container) -> None:
        """The container ends."""
        with inside(self.spaces[container.endpoint.node]):
            veth.remove(container.endpoint.device)
        self.change(endpoints=tuple(one for one in self.state.endpoints if one != container.endpoint))
        self.converge()
