# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The etcd client against a real etcd, plain, with authentication, and with what can go wrong."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

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
from tests.support.driver_hosts import eventually

PASSWORD = "open sesame"


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


def test_a_lease_that_is_kept_alive_lives_as_long_again(endpoint):
    etcd = Etcd([endpoint])
    lease = etcd.grant(30)
    eventually(lambda: etcd.time_to_live(lease)[0] < 29)
    etcd.keep_alive(lease)
    assert etcd.time_to_live(lease) in ((29, 30), (30, 30))
    ended = etcd.grant(1)
    eventually(lambda: etcd.time_to_live(ended)[0] == -1)
    etcd.keep_alive(ended)
    assert etcd.time_to_live(ended)[0] == -1


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
        (
            ["http://u:secret@10.0.0.1:2379"],
            "etcd_endpoints, entry 0: 'http://10.0.0.1:2379' is not an endpoint: write it as http://192.168.1.68:2379",
        ),
        (
            ["http://10.0.0.1:2379/v3"],
            "etcd_endpoints, entry 0: 'http://10.0.0.1:2379/v3' is not an endpoint: write it as http://192.168.1.68:2379",
        ),
    ],
)
def test_wrong_endpoints(endpoints, message):
    with pytest.raises(InvalidInput) as error:
        Etcd(endpoints)
    assert error.value.problems == [message]


TOKEN_SECONDS = 1


@pytest.fixture(scope="module")
def with_users(tmp_path_factory) -> Iterator[str]:
    """An etcd with a user root, whose tokens live for a second."""
    folder = tmp_path_factory.mktemp("users")
    with etcd_process.running_etcd(folder, "--auth-token-ttl", str(TOKEN_SECONDS)) as endpoint:
        for method, body in (
            ("auth/user/add", {"name": "root", "password": PASSWORD}),
            ("auth/user/add", {"name": "guest", "password": PASSWORD}),
            ("auth/role/add", {"name": "root"}),
            ("auth/user/grant", {"user": "root", "role": "root"}),
            ("auth/enable", {}),
        ):
            Etcd([endpoint]).call(method, body)
        yield endpoint


def test_authentication(with_users):
    etcd = Etcd([with_users], username="root", password=PASSWORD)
    etcd.put("/x", "1")
    assert etcd.get("/x").value == "1"


def test_a_token_that_expired_is_renewed(with_users):
    etcd = Etcd([with_users], username="root", password=PASSWORD)
    etcd.put("/renewed", "1")
    before = etcd._token
    time.sleep(TOKEN_SECONDS + 1.5)  # Looking whether it has expired would prolong it; etcd looks every second.
    assert etcd.get("/renewed").value == "1"
    assert etcd._token != before


def test_a_token_that_etcd_has_forgotten_is_renewed(with_users):
    """As after a change of the user; etcd forgets its tokens then."""
    etcd = Etcd([with_users], username="root", password=PASSWORD)
    etcd.put("/forgotten", "1")
    other = Etcd([with_users], username="root", password=PASSWORD)
    other.call("auth/user/changepw", {"name": "root", "password": PASSWORD})
    assert etcd.commit([holds("/forgotten", "1")], [Put("/forgotten", "2")])


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({}, "It has users: name one that may read and write these keys, with etcd_username and etcd_password"),
        ({"username": "root", "password": "wrong"}, "it has no user 'root' with this password"),
        ({"username": "nobody", "password": PASSWORD}, "it has no user 'nobody' with this password"),
        (
            {"username": "guest", "password": PASSWORD},
            "Grant the user 'guest' a role that may read and write",
        ),
    ],
)
def test_refusals_say_the_way_out(with_users, credentials, words):
    with pytest.raises(LabError, match=words) as error:
        Etcd([with_users], **credentials).get("/x")
    for secret in ("wrong", PASSWORD):
        assert secret not in str(error.value)


def test_an_etcd_without_users_refuses_one(endpoint):
    with pytest.raises(LabError, match="It has no users: leave out etcd_username"):
        Etcd([endpoint], username="root", password=PASSWORD).get("/x")


def test_tls_is_verified(tmp_path):
    secured = etcd_process.SecuredEtcd(tmp_path)
    with etcd_process.running_etcd(tmp_path, *secured.options, scheme="https") as endpoint:
        etcd = secured.client(endpoint)
        etcd.put("/x", "1")
        assert etcd.get("/x").value == "1"
        with pytest.raises(EtcdUnreachable, match="certificate verify failed: .* Name as etcd_ca_cert"):
            Etcd([endpoint]).get("/x")
        with pytest.raises(EtcdUnreachable, match="etcd_client_cert and etcd_client_key"):
            Etcd([endpoint], ca_cert=secured.files["ca_cert"]).get("/x")
        with pytest.raises(EtcdUnreachable, match="If it has a certificate, write it with https://"):
            Etcd([endpoint.replace("https", "http")]).get("/x")
    with pytest.raises(EtcdUnreachable, match=r"none\.pem is missing on this host\. The role etcd provides"):
        Etcd([endpoint], ca_cert=str(tmp_path / "none.pem")).get("/x")
    (tmp_path / "nonsense.pem").write_text("nonsense")
    with pytest.raises(LabError, match="the TLS files cannot be used"):
        Etcd([endpoint], ca_cert=str(tmp_path / "nonsense.pem"))


def test_an_etcd_without_tls_is_named(endpoint):
    ends = "(TLS failed: |Connection reset by peer\\. |Broken pipe\\. )"  # which of them comes first is a race
    with pytest.raises(EtcdUnreachable, match=f"{ends}.* If it has no certificate, write it with http://"):
        Etcd([endpoint.replace("http", "https")]).get("/x")


def test_renewed_certificates_are_read_by_clients_that_run(tmp_path):
    secured = etcd_process.SecuredEtcd(tmp_path)
    with etcd_process.running_etcd(tmp_path, *secured.options, scheme="https") as endpoint:
        etcd = secured.client(endpoint)
        etcd.put("/x", "1")
        etcd.close()
        valid = (tmp_path / "client.pem").read_text(), (tmp_path / "client.key").read_text()
        etcd_process.certificate(tmp_path, "client")  # of the same name, and one that etcd does not trust
        with pytest.raises(EtcdUnreachable):
            etcd.get("/x")
        for name, text in zip(("client.pem", "client.key"), valid, strict=True):
            (tmp_path / name).write_text(text)
        assert etcd.get("/x").value == "1"


class _Foreign(BaseHTTPRequestHandler):
    """A server of something else: it has one answer to everything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, content = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("credentials", [{}, {"username": "root", "password": PASSWORD}], ids=["plain", "user"])
@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>Welcome to nginx!</html>"),
        (200, b""),
        (200, b"{}"),
        (200, b"[1, 2]"),
        (200, b'{"header": 5}'),
        (200, b"[" * 60_000),
        (404, b"404 page not found\n"),
        (403, b'{"message": "forbidden"}'),
        (401, b"<html>Who are you?</html>"),
        (302, b""),
    ],
    ids=lambda answer: f"{answer[0]}-{answer[1][:12].decode()}",
)
def test_a_server_that_is_not_etcd_is_named_and_passed_over(with_users, answer, credentials):
    server = HTTPServer(("127.0.0.1", 0), _Foreign)
    server.answer = answer
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        foreign = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(EtcdUnreachable, match=f"{foreign}: what answers there is not etcd 3.4 or newer"):
            Etcd([foreign], **credentials).get("/x")
        with pytest.raises(EtcdUnreachable, match="is not etcd"):
            list(Etcd([foreign], **credentials).watch_documents({"/x": 1}))
        etcd = Etcd([foreign, with_users], username="root", password=PASSWORD)
        etcd.put("/foreign", "1")
        assert etcd.get("/foreign").value == "1"
    finally:
        server.shutdown()
        server.server_close()


class _LastAnswer(BaseHTTPRequestHandler):
    """A watch as some proxies pass it on: its answer is the last one of the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        line = b'{"result": {"created": true, "watch_id": "1"}}\n'
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.rfile.read(1)  # until the client has gone

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_a_watch_whose_answer_is_the_connections_last_is_followed_and_interrupted():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _LastAnswer)
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        etcd = Etcd([f"http://127.0.0.1:{server.server_port}"])
        watch = etcd.watch_documents({"/x/": 1})
        assert next(watch)["result"]["created"]
        etcd.interrupt()
        assert list(watch) == []
    finally:
        server.shutdown()
        server.server_close()
