# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico nodes as network namespaces: an underlay of two subnets with a router between, BIRD on each node, containers.

Nothing of the machine is touched: all links end in namespaces of the test.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import secrets
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.calico.bird import Bird
from ansible_collections.container_network.lab.plugins.module_utils.calico.bird_config import Passwords
from ansible_collections.container_network.lab.plugins.module_utils.calico.blocks import Block
from ansible_collections.container_network.lab.plugins.module_utils.calico.dataplane import (
    Dataplane,
    DesiredState,
    HostSettings,
    plan_host,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.profiles import profile_spec
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    Node,
    Profile,
    WorkloadEndpoint,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot
from ansible_collections.container_network.lab.plugins.module_utils.calico.tunnels import Underlay
from ansible_collections.container_network.lab.plugins.module_utils.calico.veth import (
    GATEWAY,
    attach,
    ipv6_gateway,
    temporary_name,
)
from ansible_collections.container_network.lab.plugins.module_utils.kernel.ipv6_forwarding import Ipv6Forwarding
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome
from tests.support import kernel_view
from tests.support.kernel_view import command, ip

# Name: IPv4 and IPv6 address on the underlay, and block. node-4 is behind the router.
NODES = {
    "node-1": ("192.168.1.68/24", "fd00:1::68/64", "197.19.38.128/26", "fd80:24e2:f998:72d6::80/122"),
    "node-2": ("192.168.1.254/24", "fd00:1::254/64", "197.19.186.192/26", "fd80:24e2:f998:72d6::c0/122"),
    "node-3": ("192.168.1.245/24", "fd00:1::245/64", "197.19.26.0/26", "fd80:24e2:f998:72d6::/122"),
    "node-4": ("192.168.0.33/24", "fd00::33/64", "197.19.65.128/26", "fd80:24e2:f998:72d6::40/122"),
}
ROUTER = {"192.168.1": ("192.168.1.1/24", "fd00:1::1/64"), "192.168.0": ("192.168.0.1/24", "fd00::1/64")}
ESTABLISHED_SECONDS = 20


@dataclasses.dataclass
class Container:
    """A namespace with the container end of an endpoint."""

    namespace: str
    endpoint: WorkloadEndpoint

    @property
    def address(self) -> str:
        return self.endpoint.addresses[0].partition("/")[0]

    def reaches(self, address: str) -> bool:
        ping = ["ping", "-q", "-c", "1", "-W", "1", address]
        done = subprocess.run(["ip", "netns", "exec", self.namespace, *ping], capture_output=True, check=False)
        return done.returncode == 0

    def reaches_tcp(self, address: str, port: int) -> bool:
        script = f"import socket; socket.create_connection(('{address}', {port}), 1)"
        arguments = ["ip", "netns", "exec", self.namespace, "python3", "-c", script]
        return subprocess.run(arguments, capture_output=True, check=False).returncode == 0


class Lab:
    """The nodes, their router, and one view of the datastore that they all have."""

    def __init__(self, make_namespace: Any, folder: Path) -> None:
        self.make_namespace = make_namespace
        self.folder = folder
        self.spaces: dict[str, str] = {}
        self.dataplanes: dict[str, Dataplane] = {}
        self.daemons: dict[str, subprocess.Popen] = {}
        self.others: list[subprocess.Popen] = []
        self.passwords = Passwords()
        self.snapshot = Snapshot()
        self.mtu = 9001
        self._router = make_namespace()
        ip(self._router, "link set lo up")
        for subnet, (address, address6) in ROUTER.items():
            bridge = f"br-{subnet[-1]}"
            ip(self._router, f"link add {bridge} mtu {self.mtu} type bridge")
            ip(self._router, f"address add {address} dev {bridge}")
            ip(self._router, f"address add {address6} dev {bridge} nodad")
            ip(self._router, f"link set {bridge} up")
        for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            command("ip", "netns", "exec", self._router, "sysctl", "-qw", f"{key}=1")

    def add_nodes(self, *names: str, pools: tuple[IPPool, ...], ipv6: bool = False) -> None:
        nodes, blocks = dict(self.snapshot.nodes), dict(self.snapshot.blocks)
        for name in names:
            address, address6, block, block6 = NODES[name]
            self._connect(name, address, address6)
            nodes[name] = Node(name, ipv4_address=address, ipv6_address=address6 if ipv6 else None)
            for cidr in [block, *([block6] if ipv6 else [])]:
                network = ipaddress.ip_network(cidr)
                blocks[network] = Block.new(network, name)
            own = self.folder / name
            own.mkdir()
            bird = Bird(own / "bird.conf", own / "bird.ctl")
            self.dataplanes[name] = Dataplane(bird, Ipv6Forwarding(own / "ipv6-forwarding"))
        profiles = {name: Profile(name, profile_spec(name)) for name in ("net-1", "net-2")}
        self.change(nodes=nodes, blocks=blocks, pools=pools, profiles=profiles)

    def change(self, **changes: Any) -> None:
        self.snapshot = dataclasses.replace(self.snapshot, **changes)

    def _connect(self, name: str, address: str, address6: str) -> None:
        space = self.spaces[name] = self.make_namespace()
        subnet = address.rpartition(".")[0]
        pair = f"p{secrets.token_hex(3)}"
        ip(self._router, f"link add {pair} mtu {self.mtu} type veth peer name eth0 netns {space} mtu {self.mtu}")
        ip(self._router, f"link set {pair} master br-{subnet[-1]} up")
        ip(space, "link set lo up")
        ip(space, f"address add {address} dev eth0")
        ip(space, f"address add {address6} dev eth0 nodad")
        ip(space, "link set eth0 up")
        router, router6 = (each.partition("/")[0] for each in ROUTER[subnet])
        ip(space, f"route add default via {router}")
        ip(space, f"-6 route add default via {router6}")
        command("ip", "netns", "exec", space, "sysctl", "-qw", "net.ipv4.ip_forward=1")  # as Docker does

    def converge(self, *names: str, check: bool = False) -> dict[str, Outcome]:
        """One round of the driver on each node, or on the named ones."""
        outcomes = {}
        for name in names or self.spaces:
            desired = plan_host(name, self.snapshot, HostSettings(Underlay("eth0", self.mtu), self.passwords))
            with inside(self.spaces[name]):
                outcomes[name] = self.dataplanes[name].converge(desired, check)
        return outcomes

    def bring_up(self) -> None:
        """One round of the driver on each node, then BGP, with all sessions."""
        self.converge()
        self.start_bird()
        self.wait_for_sessions()

    def leave(self, name: str) -> Outcome:
        with inside(self.spaces[name]):
            return self.dataplanes[name].converge(DesiredState())

    def start_bird(self, *names: str, program: tuple[str, ...] = ("bird",)) -> None:
        for name in names or self.spaces:
            bird = self.dataplanes[name].bird
            arguments = ["-f", "-c", str(bird.config), "-s", str(bird.socket)]
            log = (bird.config.parent / "bird.log").open("w")
            self.daemons[name] = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.spaces[name]}", *program, *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def start_router_bird(self, config: str) -> None:
        """A BGP daemon on the router between the subnets, which is no node."""
        folder = self.folder / "router"
        folder.mkdir()
        (folder / "bird.conf").write_text(config)
        arguments = ["bird", "-f", "-c", str(folder / "bird.conf"), "-s", str(folder / "bird.ctl")]
        self.others.append(subprocess.Popen(["nsenter", f"--net=/run/netns/{self._router}", *arguments]))

    def router_routes(self) -> list[str]:
        return [each for each in kernel_view.routes(self._router) if "proto bird" in each]

    def stop_bird(self, name: str) -> None:
        daemon = self.daemons.pop(name)
        daemon.terminate()
        daemon.wait(timeout=10)

    def wait_for_sessions(self) -> None:
        deadline = time.monotonic() + ESTABLISHED_SECONDS
        states: dict[str, Any] = {}
        while time.monotonic() < deadline:
            states = {
                name: self.dataplanes[name].bird.sessions() if self.dataplanes[name].bird.running() else None
                for name in self.daemons
            }
            if all(found is not None and set(found.values()) <= {"Established"} for found in states.values()):
                return
            time.sleep(0.2)
        raise AssertionError(f"not all sessions came up: {states}")

    def container(self, node: str, network: str, *addresses: str) -> Container:
        """What the driver and Docker do together for a new container."""
        endpoint_id = secrets.token_hex(32)
        texts = tuple(f"{address}/{128 if ':' in address else 32}" for address in addresses)
        endpoint = WorkloadEndpoint.of_container(node, endpoint_id, texts, (network,))
        container = Container(self.make_namespace(), endpoint)
        with inside(self.spaces[node]):
            attach(endpoint)
        self.change(endpoints=(*self.snapshot.endpoints, endpoint))
        space = container.namespace
        ip(self.spaces[node], f"link set {temporary_name(endpoint_id)} netns {space} name cali0")
        ip(space, "link set lo up")
        for text in texts:
            ip(space, f"address add {text} dev cali0" + (" nodad" if ":" in text else ""))
        ip(space, "link set cali0 address ee:ee:ee:ee:ee:ee up")
        ip(space, f"route add {GATEWAY} dev cali0 scope link")
        ip(space, f"route add default via {GATEWAY} dev cali0")
        if any(":" in text for text in texts):
            ip(space, f"-6 route add {ipv6_gateway(endpoint_id)} dev cali0")
            ip(space, f"-6 route add default via {ipv6_gateway(endpoint_id)} dev cali0")
        return container

    def listen(self, container: Container, port: int) -> None:
        script = f"import http.server as h; h.HTTPServer(('', {port}), h.BaseHTTPRequestHandler).serve_forever()"
        arguments = ["nsenter", f"--net=/run/netns/{container.namespace}", "python3", "-c", script]
        self.others.append(subprocess.Popen(arguments, stderr=subprocess.DEVNULL))

    def routes(self, node: str) -> list[str]:
        return kernel_view.routes(self.spaces[node])

    def bird_routes(self, node: str) -> list[str]:
        return [each for each in self.routes(node) if "proto bird" in each]

    def bird_routes6(self, node: str) -> list[str]:
        return [each for each in kernel_view.routes6(self.spaces[node]) if "proto bird" in each]

    def run(self, node: str, *arguments: str) -> str:
        return command("ip", "netns", "exec", self.spaces[node], *arguments)

    def close(self) -> None:
        for process in [*self.daemons.values(), *self.others]:
            process.terminate()
            process.wait(timeout=10)


def eventually(check: Any, seconds: float = 10) -> None:
    """Wait until a check holds; its last value is shown if it does not."""
    deadline = time.monotonic() + seconds
    while not (value := check()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert value, value
