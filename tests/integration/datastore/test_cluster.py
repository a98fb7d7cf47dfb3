# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real etcd of three members over TLS with users: what each may do, and a member that is lost and replaced."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.authority import CLIENT, Authority
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import (
    Etcd,
    EtcdUnreachable,
    Put,
    holds,
)
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import Mirror
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from tests.support.etcd_cluster import ADDRESSES, EtcdCluster
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

USERS = [
    {"name": "calico", "password": "of calico", "prefixes": ["/calico/", "/container_network/calico/"]},
    {"name": "flannel", "password": "of flannel", "prefixes": ["/coreos.com/network/"]},
]
TOKEN_SECONDS = 1


def await_true(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """What the condition returns, once that is true; errors of etcd count as false."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
        except LabError as error:
            if time.monotonic() > deadline:
                raise AssertionError(str(error)) from error
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> Iterator[EtcdCluster]:
    """The cluster, with its users; their tokens live for a second."""
    cluster = EtcdCluster(tmp_path_factory.mktemp("cluster"))
    try:
        for name in ADDRESSES:
            cluster.start(name, token_seconds=TOKEN_SECONDS)
        await_true(lambda: Etcd.from_arguments(cluster.access()).put("/ready", "1"))
        assert_converges("etcd_cluster", **arguments(cluster))
        yield cluster
    finally:
        cluster.stop()


def arguments(cluster: EtcdCluster, **others: Any) -> dict[str, Any]:
    members = cluster.cluster.peer_urls
    return {**cluster.access("root", "of root"), "members": members, "authentication": True, "users": USERS, **others}


def client(cluster: EtcdCluster, user: str) -> Etcd:
    return Etcd.from_arguments(cluster.access(user, f"of {user}"))


def test_a_user_may_read_and_write_its_own_keys_and_no_others(three):
    calico = client(three, "calico")
    calico.put("/calico/x", "1")
    assert calico.commit([holds("/calico/x", "1")], [Put("/container_network/calico/y", "2")])
    assert [len(found) for found in calico.get_prefixes("/calico/", "/container_network/calico/")] == [1, 1]
    for forbidden in (
        lambda: calico.get("/coreos.com/network/config"),
        lambda: calico.get_prefixes("/"),
        lambda: calico.put("/calicox", "1"),
        lambda: calico.commit([], [Put("/calico/x", "1"), Put("/coreos.com/network/x", "1")]),
        lambda: calico.call("auth/user/list", {}),
        lambda: calico.call("cluster/member/add", {"peerURLs": ["https://127.0.0.9:2380"]}),
    ):
        with pytest.raises(LabError, match="permission denied.*Grant the user 'calico' a role"):
            forbidden()


def test_nobody_is_let_in_without_certificate_and_user(three):
    with pytest.raises(LabError, match="It has users"):
        Etcd.from_arguments(three.access()).get("/x")
    with pytest.raises(EtcdUnreachable, match="etcd_client_cert"):
        Etcd.from_arguments({**three.access("root", "of root"), "etcd_client_cert": None}).get("/x")
    ours, three.authority = three.authority, Authority.make(datetime.datetime.now(datetime.timezone.utc))
    try:
        foreign = three.bundle(CLIENT, "foreign")
    finally:
        three.authority = ours
    with pytest.raises(EtcdUnreachable, match="etcd_client_cert"):
        Etcd.from_arguments({**three.access("root", "of root"), "etcd_client_cert": foreign}).get("/x")


def test_a_client_with_an_expired_token_goes_on(three):
    etcd = client(three, "flannel")
    etcd.put("/coreos.com/network/x", "1")
    time.sleep(TOKEN_SECONDS + 1.5)  # Looking whether the token has expired would prolong it.
    assert etcd.get("/coreos.com/network/x").value == "1"


def test_users_are_corrected_and_others_stay(three):
    assert_unchanged("etcd_cluster", **arguments(three))
    root = client(three, "root")
    root.call("auth/user/add", {"name": "somebody", "password": "x"})
    root.call("auth/user/changepw", {"name": "flannel", "password": "another"})
    root.call("auth/user/grant", {"user": "calico", "role": "root"})
    assert_converges("etcd_cluster", **arguments(three))
    assert client(three, "flannel").get("/coreos.com/network/x")
    assert "somebody" in root.call("auth/user/list", {})["users"]
    other_prefix = [{**USERS[0], "prefixes": ["/elsewhere/"]}, USERS[1]]
    assert_converges("etcd_cluster", **arguments(three, users=other_prefix))
    with pytest.raises(LabError, match="permission denied"):
        client(three, "calico").get("/calico/x")
    assert_converges("etcd_cluster", **arguments(three))


def test_a_wrong_password_of_root_is_said(three):
    with pytest.raises(ModuleFailed, match="it has no user 'root' with this password.*in etcd_secrets"):
        run_module("etcd_cluster", **{**arguments(three), "etcd_password": "wrong"})


def test_a_member_is_lost_and_replaced_while_clients_go_on(three):
    """A mirror follows and a client writes meanwhile; neither is told of any of it."""
    etcd, failures, written = client(three, "calico"), [], []
    stopping = threading.Event()
    mirror = Mirror(client(three, "calico"), ["/calico/"])

    def write() -> None:
        while not stopping.wait(0.02):
            try:
                etcd.put("/calico/counter", str(len(written)))
                written.append(time.monotonic())
            except LabError as error:
                failures.append(str(error))

    def follow() -> None:
        while not stopping.is_set():
            try:
                mirror.follow()
            except LabError as error:
                failures.append(str(error))

    threads = [threading.Thread(target=work, daemon=True) for work in (write, follow)]
    for thread in threads:
        thread.start()
    try:
        await_true(lambda: len(written) > 10)
        three.lose("a")  # the first endpoint, which clients prefer
        count = len(written)
        await_true(lambda: len(written) > count + 10)
        joining = arguments(three, join="a")
        first = run_module("etcd_cluster", **joining)
        assert first["changed"]
        assert first["initial_cluster"] == ",".join(
            f"{name}={three.cluster.peer_urls[name]}" for name in _order(first["initial_cluster"])
        )
        assert sorted(_order(first["initial_cluster"])) == sorted(ADDRESSES)
        three.start("a", first["initial_cluster"], TOKEN_SECONDS)
        only = {**three.access("calico", "of calico"), "etcd_endpoints": three.cluster.endpoints[:1]}
        await_true(lambda: Etcd.from_arguments(only).get("/calico/counter"))
        assert_unchanged("etcd_cluster", **arguments(three))
        count = len(written)
        await_true(lambda: len(written) > count + 10)
        last = written[-1]
        await_true(lambda: mirror.copy().get("/calico/counter") and written[-1] > last)
    finally:
        stopping.set()
        mirror.stop()
    assert failures == []
    assert mirror.copy().get("/calico/counter").value.isdigit()
    assert max(after - before for before, after in zip(written, written[1:])) < 8


def _order(initial_cluster: str) -> list[str]:
    return [entry.split("=")[0] for entry in initial_cluster.split(",")]


def test_members_leave_that_are_not_wanted_and_users_can_be_turned_off(three):
    two = {name: url for name, url in three.cluster.peer_urls.items() if name != "c"}
    assert_converges("etcd_cluster", **arguments(three, members=two))
    assert_converges("etcd_cluster", **arguments(three, members={}, authentication=False, users=[]))
    assert Etcd.from_arguments(three.access()).get("/calico/counter")
