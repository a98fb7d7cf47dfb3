# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for containers that have no way to their host: a relay in a real namespace, real sockets, a real etcd."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import EtcdSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.datastore.reading import Reading
from ansible_collections.container_network.lab.plugins.module_utils.driver.container_records import (
    ContainerRecords,
    NamedContainer,
    forget,
    names,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_relay import OPEN_QUERIES, DnsRelays
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support.etcd_process import running_etcd

ADDRESS = "127.20.30.40"
RED, BLUE, SILENT = frozenset(["red"]), frozenset(["blue"]), frozenset(["silent"])


def serve(view: str) -> int:
    """A view that answers each message with its name before it, over UDP and TCP; returns its port."""
    tcp = socket.create_server((ADDRESS, 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(tcp.getsockname())

    def by_udp() -> None:
        while True:
            message, client = udp.recvfrom(4096)
            udp.sendto(view.encode() + message, client)

    def by_tcp() -> None:
        while True:
            connection, _client = tcp.accept()
            with connection:
                message = view.encode() + connection.recv(4096)[2:]
                connection.sendall(len(message).to_bytes(2, "big") + message)

    for work in (by_udp, by_tcp):
        threading.Thread(target=work, daemon=True).start()
    return tcp.getsockname()[1]


@pytest.fixture
def relays() -> Iterator[DnsRelays]:
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((ADDRESS, 0))
    ports = {RED: serve("red "), BLUE: serve("blue "), SILENT: silent.getsockname()[1]}
    found = DnsRelays(ADDRESS, ports.__getitem__)
    threading.Thread(target=found.run, daemon=True).start()
    yield found
    found.sync({})
    found.stop()
    silent.close()


@pytest.fixture
def sandboxes(netns_factory: Callable[[], str]) -> tuple[str, str]:
    names = netns_factory(), netns_factory()
    for name in names:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
    return f"/run/netns/{names[0]}", f"/run/netns/{names[1]}"


def udp_socket(sandbox: str) -> socket.socket:
    with inside(sandbox):
        found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.settimeout(5)
    found.connect((ADDRESS, 53))
    return found


def asked(sandbox: str, text: str) -> str:
    with udp_socket(sandbox) as one:
        one.send(text.encode())
        return one.recv(4096).decode()


def asked_by_tcp(sandbox: str, text: str) -> str:
    with inside(sandbox):
        one = socket.socket()
    with one:
        one.settimeout(5)
        one.connect((ADDRESS, 53))
        one.sendall(len(text).to_bytes(2, "big"))
        one.sendall(text.encode())
        return one.recv(4096)[2:].decode()


def test_each_container_asks_the_view_of_its_networks(relays: DnsRelays, sandboxes: tuple[str, str]) -> None:
    first, second = sandboxes
    relays.sync({first: RED, second: BLUE})
    assert (asked(first, "a"), asked(second, "b")) == ("red a", "blue b")
    assert (asked_by_tcp(first, "a"), asked_by_tcp(second, "b")) == ("red a", "blue b")
    relays.sync({first: BLUE, second: BLUE})
    assert asked(first, "a") == "blue a"


def test_a_container_that_has_gone_keeps_no_socket(relays: DnsRelays, sandboxes: tuple[str, str]) -> None:
    first, second = sandboxes
    relays.sync({first: RED, second: BLUE})
    relays.sync({second: BLUE})
    with udp_socket(first) as one:
        one.send(b"a")
        with pytest.raises(ConnectionRefusedError):
            one.recv(100)
    assert asked(second, "b") == "blue b"
    relays.sync({first: RED, second: BLUE, "/run/netns/vanished": RED})
    assert asked(first, "a") == "red a"


def test_queries_that_are_never_answered_keep_nobody_waiting(relays: DnsRelays, sandboxes: tuple[str, str]) -> None:
    first, second = sandboxes
    relays.sync({first: SILENT, second: BLUE})
    with udp_socket(first) as one:
        for number in range(3 * OPEN_QUERIES):
            one.send(str(number).encode())
        assert asked(second, "b") == "blue b"
        relays.sync({first: RED, second: BLUE})
        assert asked(first, "a") == "red a"


def test_half_a_message_over_tcp_keeps_nobody_waiting(relays: DnsRelays, sandboxes: tuple[str, str]) -> None:
    first, second = sandboxes
    relays.sync({first: RED, second: BLUE})
    with inside(first):
        half = socket.socket()
    with half:
        half.connect((ADDRESS, 53))
        half.sendall(b"\x00")
        assert asked(first, "a") == "red a"
        assert asked_by_tcp(second, "b") == "blue b"
        half.settimeout(20)
        assert half.recv(10) == b"", "given up"
    deadline = time.monotonic() + 5
    while True:  # the thread that gave up ends a moment later
        try:
            assert asked_by_tcp(first, "a") == "red a"
            break
        except (AssertionError, OSError):
            assert time.monotonic() < deadline


def test_containers_are_known_to_all_hosts_until_theirs_is_lost(tmp_path: Path) -> None:
    with running_etcd(tmp_path) as endpoint:
        etcd = Etcd([endpoint])
        hosts = [SimpleNamespace(node=node, etcd=etcd) for node in ("host1", "host2")]
        first, second = (ContainerRecords(host, "/container_network/plain/") for host in hosts)
        web = NamedContainer("e1", "web", "red", ("10.0.0.2",), ("shop",))
        first.publish([web, NamedContainer("e2", "db", "red", ("10.0.0.3",))])
        second.publish([NamedContainer("e3", "web", "blue", ("10.1.0.2",))])
        etcd.put("/container_network/plain/containers/host3/e4", "{]")

        def known() -> dict[str, tuple[str, tuple[str, ...]]]:
            copy = EtcdSnapshot.read(etcd, ["/container_network/plain/"])
            reading = Reading()
            found = names(copy, "/container_network/plain/", reading)
            assert list(reading.unread) == ["/container_network/plain/containers/host3/e4"]
            return {one.endpoint_id: (one.name, one.aliases) for one in found}

        assert known() == {"e1": ("web", ("shop",)), "e2": ("db", ()), "e3": ("web", ())}
        first.publish([web])
        assert known() == {"e1": ("web", ("shop",)), "e3": ("web", ())}
        ((stored,),) = etcd.get_prefixes("/container_network/plain/containers/host1/")
        etcd.call("lease/revoke", {"ID": str(stored.lease)})  # as etcd does when its time is over
        assert known() == {"e3": ("web", ())}
        first.publish([web])
        assert known() == {"e1": ("web", ("shop",)), "e3": ("web", ())}
        forget(etcd, "/container_network/plain/", "host1")
        assert known() == {"e3": ("web", ())}
