# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From which addresses containers ask for names, as the namespaces of those that start show."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_clients import DnsClients
from tests.support.kernel_view import ip


class Sandbox:
    """A container's namespace."""

    def __init__(self, netns: str) -> None:
        self.netns, self.path = netns, f"/run/netns/{netns}"
        ip(netns, "link add eth0 type veth peer name other")

    def gets(self, address: str) -> None:
        ip(self.netns, f"address add {address}/24 dev eth0")


def test_a_container_is_read_until_it_runs_and_others_go_on(netns_factory: Callable[[], str]) -> None:
    clients, first, second = DnsClients(), Sandbox(netns_factory()), Sandbox(netns_factory())
    clients.join("e1", first.path, "net", ["10.0.0.2"])
    first.gets("10.0.0.2")
    first.gets("172.18.0.2")
    clients.read_addresses(starting={"e1"})
    assert set(clients.by_address()) == {"10.0.0.2", "172.18.0.2"}

    clients.join("e2", second.path, "net", ["10.0.0.3"])
    first.gets("172.18.0.3")
    clients.read_addresses(starting={"e2"})
    assert "172.18.0.3" in clients.by_address()  # the last look at the first one

    first.gets("172.18.0.4")
    second.gets("10.0.0.3")
    second.gets("172.18.0.5")
    clients.read_addresses(starting=set())
    assert set(clients.by_address()) == {"10.0.0.2", "172.18.0.2", "172.18.0.3", "10.0.0.3", "172.18.0.5"}


def test_a_container_that_joins_another_network_is_read_again(netns_factory: Callable[[], str]) -> None:
    clients, sandbox = DnsClients(), Sandbox(netns_factory())
    clients.join("e1", sandbox.path, "net", ["10.0.0.2"])
    sandbox.gets("10.0.0.2")
    clients.read_addresses(starting=set())
    clients.join("e2", sandbox.path, "other", ["10.1.0.2"])
    sandbox.gets("10.1.0.2")
    clients.read_addresses(starting={"e2"})
    assert set(clients.by_address()) == {"10.0.0.2", "10.1.0.2"}
    clients.leave("e1")
    clients.leave("e2")
    assert not clients.by_address()
