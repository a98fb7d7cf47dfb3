# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The socket that Docker sends its requests to."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.driver import plugin_socket
from ansible_collections.container_network.lab.plugins.module_utils.driver.plugin_socket import (
    CONTENT_TYPE,
    Handler,
    Later,
    PluginServer,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from tests.support.plugin_client import PluginConnection, post

WORKERS = 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plugins/net.sock"


@pytest.fixture
def serve(path: Path) -> Iterator[Callable[..., PluginServer]]:
    """Serves methods on the socket until the test ends."""
    with ThreadPoolExecutor(WORKERS) as executor:
        servers: list[PluginServer] = []

        def start(**methods: Handler) -> PluginServer:
            server = PluginServer(path, {f"Driver.{name}": method for name, method in methods.items()}, executor)
            server.start()
            servers.append(server)
            return server

        yield start
        for server in servers:
            if path.exists():
                server.stop()


def echo(document: Mapping) -> Mapping:
    return document


def refuse(_document: Mapping) -> Mapping:
    raise LabError("choose another one")


def fail(_document: Mapping) -> Mapping:
    raise KeyError("gone")


def test_the_socket_replaces_an_old_one_and_is_roots_alone(serve, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("of a process that was killed")
    serve(Echo=echo)
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert post(path, "Driver.Echo", {"a": 1}) == {"a": 1}


def test_one_connection_serves_many_requests(serve, path: Path) -> None:
    serve(Echo=echo, Refuse=refuse)
    connection = PluginConnection(path)
    connection.request("POST", "/Driver.Echo", b"")
    answer = connection.getresponse()
    assert (answer.status, answer.version, answer.headers["Content-Type"]) == (200, 11, CONTENT_TYPE)
    assert answer.read() == b"{}"
    first = connection.sock
    assert connection.ask("Driver.Refuse", b"{}")[0] == 200
    assert json.loads(connection.ask("Driver.Echo", b'{"b": 2}')[1]) == {"b": 2}
    assert connection.sock is first
    connection.close()


@pytest.mark.parametrize(
    ("method", "body", "words"),
    [
        ("Driver.Refuse", b"{}", "choose another one"),
        ("Driver.Fail", b"{}", "Driver.Fail failed in the network driver (KeyError('gone')): see its journal."),
        ("Driver.Paint", b"{}", "Driver.Paint is not supported by this driver."),
        ("Driver.Echo", b"{", "the body of Driver.Echo is not JSON."),
        ("Driver.Echo", b"\xff", "the body of Driver.Echo is not JSON."),
        ("Driver.Echo", b"[]", "the body of Driver.Echo is not a JSON object."),
    ],
)
def test_an_error_is_an_answer(serve, path: Path, method: str, body: bytes, words: str) -> None:
    serve(Echo=echo, Refuse=refuse, Fail=fail)
    connection = PluginConnection(path)
    status, answer = connection.ask(method, body)
    connection.close()
    assert status == 200
    assert json.loads(answer) == {"Err": words, "Error": words}


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Content-Length", "many", 413),
        ("Content-Length", "-1", 413),
        ("Content-Length", str(1 << 30), 413),
        ("Transfer-Encoding", "chunked", 411),
    ],
)
def test_a_body_without_a_usable_length_is_not_read(serve, path: Path, header: str, value: str, status: int) -> None:
    serve(Echo=echo)
    connection = PluginConnection(path)
    connection.putrequest("POST", "/Driver.Echo")
    connection.putheader(header, value)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()
    assert post(path, "Driver.Echo", {"still": "here"}) == {"still": "here"}


HALVES = [
    b"",
    b"POST /Driver",
    b"POST /Driver.Echo HTTP/1.1\r\nHost: plugin\r\n",
    b'POST /Driver.Echo HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"half": ',
]


@pytest.fixture
def short_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_socket, "REQUEST_SECONDS", 0.3)


@pytest.mark.parametrize("half", HALVES)
def test_a_connection_without_a_whole_request_is_closed(serve, path: Path, short_of_time: None, half: bytes) -> None:
    serve(Echo=echo)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        client.sendall(half)
        assert client.recv(1) == b""


def test_a_request_that_comes_byte_by_byte_is_given_up(serve, path: Path, short_of_time: None) -> None:
    serve(Echo=echo)
    assert is_given_up(path, b"P", pause=0.05)


def test_a_connection_is_kept_between_two_requests(serve, path: Path, short_of_time: None) -> None:
    serve(Echo=echo)
    connection = PluginConnection(path)
    connection.ask("Driver.Echo", b"{}")
    first = connection.sock
    with socket.socket(socket.AF_UNIX) as silent:  # is closed only when more than the time of a request has passed
        silent.settimeout(5)
        silent.connect(str(path))
        assert silent.recv(1) == b""
    assert json.loads(connection.ask("Driver.Echo", b'{"b": 2}')[1]) == {"b": 2}
    assert connection.sock is first
    connection.close()


def test_hundreds_of_clients_that_send_nothing_or_half_keep_nobody_waiting(
    serve, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_socket, "REQUEST_SECONDS", 3600)  # who waited for one of them would wait for an hour
    serve(Echo=echo)
    with contextlib.ExitStack() as stack:
        for number in range(400):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(path))
            client.sendall(HALVES[number % len(HALVES)])
        connection = stack.enter_context(contextlib.closing(PluginConnection(path)))
        connection.connect()
        connection.sock.settimeout(60)
        assert connection.ask("Driver.Echo", b'{"n": 1}') == (200, b'{"n": 1}')


def test_who_does_not_read_the_answers_is_given_up(serve, path: Path, short_of_time: None) -> None:
    serve(Echo=echo)
    body = json.dumps({"long": "x" * 500_000}).encode()
    assert is_given_up(path, b"POST /Driver.Echo HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def is_given_up(path: Path, sent: bytes, pause: float = 0) -> bool:
    """Whether the server closes, in time, the connection of who sends this again and again, and reads nothing."""
    deadline = time.monotonic() + 5
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        while time.monotonic() < deadline:
            try:
                client.sendall(sent)
            except (BrokenPipeError, ConnectionResetError):
                return True
            time.sleep(pause)  # as a slow client does
    return False


def test_who_waits_for_another_request_holds_no_worker(path: Path) -> None:
    came = threading.Event()

    def wait_for_other(_document: Mapping) -> Later:
        return Later(came.wait, lambda: {"came": came.is_set()})

    def other(_document: Mapping) -> Mapping:
        came.set()
        return {}

    with ThreadPoolExecutor(1) as worker, ThreadPoolExecutor(50) as clients:
        server = PluginServer(path, {"Driver.Wait": wait_for_other, "Driver.Other": other}, worker)
        server.start()
        waiting = [clients.submit(post, path, "Driver.Wait", {}) for _number in range(49)]
        assert post(path, "Driver.Other", {}) == {}
        assert [one.result(5) for one in waiting] == [{"came": True}] * 49
        server.stop()


def test_a_method_with_workers_of_its_own_keeps_the_others_free(path: Path) -> None:
    proceed = threading.Event()

    def slow(_document: Mapping) -> Mapping:
        proceed.wait(5)
        return {}

    with ThreadPoolExecutor(1) as worker, ThreadPoolExecutor(1) as own, ThreadPoolExecutor(10) as clients:
        server = PluginServer(path, {"Driver.Slow": slow, "Driver.Echo": echo}, worker, {"Driver.Slow": own})
        server.start()
        waiting = [clients.submit(post, path, "Driver.Slow", {}) for _number in range(10)]
        assert post(path, "Driver.Echo", {"n": 1}) == {"n": 1}
        assert not any(one.done() for one in waiting)
        proceed.set()
        assert [one.result(5) for one in waiting] == [{}] * 10
        server.stop()


def test_hundreds_of_requests_at_once_are_all_answered_by_a_bounded_number_of_workers(serve, path: Path) -> None:
    lock = threading.Lock()
    working = most = 0

    def work(document: Mapping) -> Mapping:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        time.sleep(0.002)  # so that they meet
        with lock:
            working -= 1
        return document

    serve(Work=work)
    with ThreadPoolExecutor(200) as clients:
        answers = list(clients.map(lambda number: post(path, "Driver.Work", {"n": number}), range(400)))
    assert answers == [{"n": number} for number in range(400)]
    assert 1 < most <= WORKERS


def test_a_request_that_takes_too_long_is_answered_in_time_and_its_failure_logged(
    serve, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(plugin_socket, "ANSWER_SECONDS", 0.05)
    proceed = threading.Event()

    def slow(_document: Mapping) -> Mapping:
        proceed.wait(5)
        raise LabError("too late")

    server = serve(Slow=slow)
    assert "Driver.Slow was not finished within 0.05 s" in post(path, "Driver.Slow", {})["Err"]
    with caplog.at_level(logging.ERROR):
        proceed.set()
        server.stop()
        deadline = time.monotonic() + 5
        while "a request that took too long has failed: too late" not in caplog.messages:
            assert time.monotonic() < deadline, caplog.messages
            time.sleep(0.01)


def test_a_stop_answers_what_was_asked_and_ends_idle_connections(serve, path: Path) -> None:
    started, proceed = threading.Event(), threading.Event()

    def work(document: Mapping) -> Mapping:
        started.set()
        proceed.wait(5)
        return document

    server = serve(Work=work, Echo=echo)
    idle = PluginConnection(path)
    idle.ask("Driver.Echo", b"{}")
    with ThreadPoolExecutor(2) as clients:
        answer = clients.submit(post, path, "Driver.Work", {"n": 1})
        assert started.wait(5)
        stopped = clients.submit(server.stop)
        assert idle.sock.recv(1) == b""  # closed, so that Docker makes a new one for its next request
        assert not path.exists()
        assert not stopped.done()
        proceed.set()
        assert answer.result(5) == {"n": 1}
        stopped.result(5)
    idle.close()
    with socket.socket(socket.AF_UNIX) as late, pytest.raises(FileNotFoundError):
        late.connect(str(path))


def test_a_stop_loses_no_request_of_a_burst(serve, path: Path) -> None:
    """Those that have connected are answered, and those that come later are told at once that nobody listens."""
    server = serve(Echo=echo)
    refused: list[int] = []

    def ask(number: int) -> None:
        try:
            assert post(path, "Driver.Echo", {"n": number}) == {"n": number}
        except (FileNotFoundError, ConnectionRefusedError, BrokenPipeError):
            refused.append(number)

    with ThreadPoolExecutor(100) as clients:
        asking = [clients.submit(ask, number) for number in range(400)]
        asking[50].result(5)
        server.stop()
        for one in asking:
            one.result(5)
    assert refused
