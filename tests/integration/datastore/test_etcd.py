# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The etcd client against a real etcd, plain, with authentication, and with what can go wrong."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import (
    Delete,
    Etcd,
    EtcdUnreachable,
    Put,
    holds,
    unchanged_since,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError
from tests.support import etcd_process


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory) -> Iterator[str]:
    with etcd_process.running_etcd(tmp_path_factory.mktemp("etcd")) as running:
        yield running


def test_keys(endpoint):
    etcd = Etcd([endpoint])
    assert etcd.get("/keys/a") is None
    etcd.put("/keys/a", "grün")
    etcd.put("/keys/b", "2")
    etcd.put("/keysx", "3")
    assert etcd.get("/keys/a").value == "grün"
    assert [[item.key for item in found] for found in etcd.get_prefixes("/keys/", "/none/")] == [
        ["/keys/a", "/keys/b"],
        [],
    ]
    etcd.delete("/keys/a")
    assert etcd.get("/keys/a") is None


def test_transactions(endpoint):
    etcd = Etcd([endpoint])
    assert etcd.commit([unchanged_since("/txn/a", 0)], [Put("/txn/a", "1"), Put("/txn/b", "2")])
    assert not etcd.commit([unchanged_since("/txn/a", 0)], [Put("/txn/a", "9")])
    revision = etcd.get("/txn/a").mod_revision
    assert etcd.commit([unchanged_since("/txn/a", revision), holds("/txn/b", "2")], [Delete("/txn/a")])
    assert not etcd.commit([holds("/txn/b", "3")], [Delete("/txn/b")])
    assert etcd.get("/txn/b").value == "2"


def test_leases(endpoint):
    etcd = Etcd([endpoint])
    lease = etcd.grant(3600)
    etcd.put("/leased", "1", lease)
    assert etcd.get("/leased").lease == lease


def test_the_next_endpoint_is_tried_and_preferred(endpoint):
    etcd = Etcd([f"http://127.0.0.1:{etcd_process.free_port()}", endpoint])
    etcd.put("/next", "1")
    assert etcd.get("/next").value == "1"


def test_unreachable_names_every_endpoint_and_its_error():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mute = f"http://127.0.0.1:{silent.getsockname()[1]}"
        closed = f"http://127.0.0.1:{etcd_process.free_port()}"
        started = time.monotonic()
        with pytest.raises(EtcdUnreachable) as error:
            Etcd([mute, closed]).get("/x")
    assert time.monotonic() - started < 8
    assert str(error.value) == (
        f"etcd cannot be reached: {mute}: no answer in time; {closed}: Connection refused. "
        "Check that etcd runs there (systemctl status etcd), that etcd_endpoints names the right addresses, "
        "and that nothing filters them."
    )


@pytest.mark.parametrize(
    ("endpoints", "message"),
    [
        ([], "etcd_endpoints is empty: name at least one, as http://192.168.1.68:2379"),
        (
            ["192.168.1.68:2379"],
            "etcd_endpoints, entry 0: '192.168.1.68:2379' is not an endpoint: write it as http://192.168.1.68:2379",
        ),
    ],
)
def test_wrong_endpoints(endpoints, message):
    with pytest.raises(InvalidInput) as error:
        Etcd(endpoints)
    assert error.value.problems == [message]


def test_authentication(tmp_path):
    with etcd_process.running_etcd(tmp_path) as endpoint:
        for method, body in (
            ("auth/user/add", {"name": "root", "password": "secret"}),
            ("auth/role/add", {"name": "root"}),
            ("auth/user/grant", {"user": "root", "role": "root"}),
            ("auth/enable", {}),
        ):
            Etcd([endpoint])._call(method, body)
        with pytest.raises(LabError, match="etcd_username and etcd_password"):
            Etcd([endpoint]).get("/x")
        with pytest.raises(LabError, match="refused auth/authenticate") as error:
            Etcd([endpoint], username="root", password="wrong").get("/x")
        assert "wrong" not in str(error.value)
        etcd = Etcd([endpoint], username="root", password="secret")
        etcd.put("/x", "1")
        assert etcd.get("/x").value == "1"


def test_tls_is_verified(tmp_path):
    secured = etcd_process.SecuredEtcd(tmp_path)
    with etcd_process.running_etcd(tmp_path, *secured.options, scheme="https") as endpoint:
        etcd = secured.client(endpoint)
        etcd.put("/x", "1")
        assert etcd.get("/x").value == "1"
        with pytest.raises(EtcdUnreachable, match="certificate verify failed"):
            Etcd([endpoint]).get("/x")
        with pytest.raises(EtcdUnreachable):
            Etcd([endpoint], ca_cert=secured.files["ca_cert"]).get("/x")
    with pytest.raises(LabError, match="the TLS files cannot be used"):
        Etcd([endpoint], ca_cert=str(tmp_path / "none.pem"))
