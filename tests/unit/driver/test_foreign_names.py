# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a container is called, it is not answered by a name of others."""

from __future__ import annotations

import json

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.driver.config import Config
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_names import (
    ContainerName,
    answers,
    hosts_text,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput

HOSTS = frozenset(["node-1", "router.example"])
OTHERS = """google.com Google.COM mirror.example.org pool.ntp.org x.dev github.io files.zip
xn--bcher-kva.xn--p1ai a.b.de nas.lan printer.local metadata.google.internal www.some.shop
host.docker.internal git.corp 169.254.169.254 10.1 1.2.3.4 localhost LocalHost my.localhost wpad
WPAD isatap ip6-localhost _gateway node-1 NODE-1 router.example db.net2.container net1.container
db.weave.local""".split()
OWN = """db web.1 web.v1 my.db Web.One db.shop DB.internal web.front Web.Front x.example db.test zip com a_b web-1
container weave 10""".split()


@pytest.mark.parametrize("name", OTHERS)
def test_a_name_of_others_is_answered_with_its_network_only(name: str) -> None:
    mine, db = ContainerName(name, "net1", ("10.0.0.1",), 1), ContainerName("db", "net2", ("10.0.1.1",), 2)
    weave = ContainerName("db", "weave", ("10.0.2.1",), 3, shared_domain="weave.local")
    for networks in (None, {"net1"}, {"net1", "net2"}):
        first, *rest = hosts_text(answers([mine, db, weave], networks, HOSTS)).splitlines()
        assert first == f"10.0.0.1 {name}.net1.container"
        assert rest[0].startswith("10.0.1.1 db.net2.container")
        assert rest[1].startswith("10.0.2.1 db.weave.local")


@pytest.mark.parametrize("name", OTHERS)
def test_a_name_of_others_is_no_alias_either(name: str) -> None:
    (line,) = hosts_text(answers([alias(name)], {"net1"}, HOSTS)).splitlines()
    assert line == f"10.0.0.1 p.net1.container p {name}.net1.container"


@pytest.mark.parametrize("name", OWN)
def test_a_name_that_nobody_outside_can_have_is_answered(name: str) -> None:
    assert hosts_text(answers([alias(name)], {"net1"}, HOSTS)) == (
        f"10.0.0.1 p.net1.container p {name}.net1.container {name}\n"
    )


def alias(name: str) -> ContainerName:
    return ContainerName("p", "net1", ("10.0.0.1",), 1, aliases=(name,))


def test_a_container_with_a_dot_in_its_name_takes_no_full_name_of_another_network() -> None:
    """``web.a`` of ``b`` is written as ``web`` of ``a.b`` is."""
    names = [ContainerName("web.a", "b", ("10.0.0.1",), 1), ContainerName("web", "a.b", ("10.0.1.1",), 2)]
    assert hosts_text(answers(names)) == "10.0.0.1 web.a\n10.0.1.1 web.a.b.container web\n"


def test_a_short_name_is_that_of_one_network_also_beside_one_with_a_domain() -> None:
    names = [
        ContainerName("db", "net1", ("10.0.0.1",), 1),
        ContainerName("db", "weave", ("10.0.2.1",), 2, shared_domain="weave.local"),
    ]
    assert hosts_text(answers(names)) == "10.0.0.1 db.net1.container db\n10.0.2.1 db.weave.local\n"
    assert hosts_text(answers(names, {"weave"})).endswith("10.0.2.1 db.weave.local db\n")


@pytest.mark.parametrize("address", ["10.0.0.1 bank.test #", "10.0.0.1\n6.6.6.6 bank.test", "x", "", "10.0.0.300"])
def test_what_is_no_address_is_not_written(address: str) -> None:
    names = ContainerName("db", "net1", (address, "10.0.0.2"), 1)
    assert hosts_text(answers([names])) == "10.0.0.2 db.net1.container db\n"


def test_the_service_is_told_the_names_of_hosts() -> None:
    content = {"node": "n", "networks": {"p": {"module": "m"}}, "etcd": {"endpoints": ["http://192.0.2.1:2379"]}}
    assert Config.parse(json.dumps({**content, "reserved_names": ["Node-1"]})).reserved_names == {"node-1"}
    with pytest.raises(InvalidInput, match="'reserved_names' is not a list of names"):
        Config.parse(json.dumps({**content, "reserved_names": "node-1"}))
