# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the driver remembers of endpoints, from their addresses to their end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_clients import DnsClients
from ansible_collections.container_network.lab.plugins.module_utils.driver.endpoint_life import (
    GRACE_SECONDS,
    EndpointLife,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.endpoints import HeldAddress
from ansible_collections.container_network.lab.plugins.module_utils.driver.joined_endpoints import Joined

IPV4, IPV6 = HeldAddress("", "10.0.0.1"), HeldAddress("", "fd00::1")
JOINED = Joined("e1", "n1", "/run/docker/netns/one")
OTHER = Joined("e2", "n2", "/run/docker/netns/one", slot=1)


class Clock:
    """Time as the test sets it."""

    def __init__(self) -> None:
        self.now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def clients() -> DnsClients:
    return DnsClients()


@pytest.fixture
def life(clients: DnsClients) -> EndpointLife:
    return EndpointLife(clients)


def test_an_address_is_given_until_its_endpoint_is_created_and_used_from_then_on(life: EndpointLife) -> None:
    life.address_given(IPV4)
    assert (life.is_given(IPV4), life.is_used(IPV4), life.may_be_awaited(IPV4)) == (True, False, True)
    with life.creating("e1", [IPV4, IPV6]):
        assert (life.is_given(IPV4), life.is_used(IPV4)) == (True, True)
    assert (life.is_given(IPV4), life.is_used(IPV4), life.may_be_awaited(IPV4)) == (False, True, True)
    assert life.created_here() == {"e1"}
    with life.exclusively("e1"):
        life.forgotten("e1")
    assert (life.is_used(IPV4), life.may_be_awaited(IPV4)) == (False, False)
    assert life.created_here() == set()


def test_an_endpoint_whose_creation_fails_was_none_and_its_address_is_still_given(life: EndpointLife) -> None:
    life.address_given(IPV4)
    with pytest.raises(ValueError, match="no"), life.creating("e1", [IPV4]):
        raise ValueError("no")
    assert (life.is_given(IPV4), life.is_used(IPV4), life.created_here()) == (True, False, set())
    life.address_returned(IPV4)
    life.address_returned(IPV4)
    assert not life.is_given(IPV4)


def test_an_address_that_was_given_long_ago_is_not_awaited_any_more(life: EndpointLife, clock: Clock) -> None:
    life.address_given(IPV4)
    clock.now += GRACE_SECONDS - 1
    assert life.may_be_awaited(IPV4)
    clock.now += 1
    assert not life.may_be_awaited(IPV4)
    assert life.is_given(IPV4), "nobody has given it back"


def test_a_container_that_joined_asks_for_names_by_its_ipv4_addresses_until_it_leaves(
    life: EndpointLife, clients: DnsClients
) -> None:
    with life.creating("e1", [IPV4, IPV6]):
        pass
    life.joined(JOINED, (), "red")
    assert clients.by_address() == {"10.0.0.1": frozenset({"red"})}
    life.left("e1")
    assert clients.by_address() == {}


def test_a_name_is_awaited_until_it_is_known_or_the_endpoint_gone(life: EndpointLife) -> None:
    assert not life.awaits_names()
    life.joined(JOINED, (), "red")
    life.joined(OTHER, (), "blue")
    life.named(["e1", "unknown"])
    assert life.awaits_names()
    life.forgotten("e2")
    assert not life.awaits_names()


def test_who_joins_a_container_makes_work_in_it_for_all_that_joined_before(life: EndpointLife) -> None:
    life.joined(JOINED, (), "red")
    life.finished(JOINED)
    assert life.unfinished() == []
    life.joined(OTHER, [JOINED], "blue")
    assert life.unfinished() == [OTHER, JOINED]
    life.left("e2")
    life.finished(Joined("e1", "n1", "/run/docker/netns/later"))
    assert life.unfinished() == [JOINED], "it was an earlier container that is finished"
    life.check_again([OTHER])
    assert life.unfinished() == [JOINED, OTHER]


def test_what_was_forgotten_is_not_written_again_while_docker_may_still_list_it(
    life: EndpointLife, clock: Clock
) -> None:
    with life.exclusively("e1") as exists:
        assert exists
        life.forgotten("e1")
    clock.now += GRACE_SECONDS
    life.prune()
    with life.exclusively("e1") as exists:
        assert not exists
    clock.now += 1
    life.prune()
    with life.exclusively("e1") as exists:
        assert exists


def test_one_at_a_time_writes_an_endpoint_and_others_are_free(life: EndpointLife) -> None:
    entered = threading.Event()

    def write() -> bool:
        entered.set()
        with life.exclusively("e1") as exists:
            return exists

    with ThreadPoolExecutor(1) as executor:
        with life.exclusively("e1"):
            writing = executor.submit(write)
            assert entered.wait(5)
            with life.exclusively("e2"):
                assert not writing.done()
            life.forgotten("e1")
        assert writing.result(5) is False
