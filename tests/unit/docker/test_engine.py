# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Docker Engine that does not answer as it should is told in words, whatever was asked."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.engine import Engine
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n"
ODD_VERSION = PING.replace(b"1.41", b"new")
ASKED: dict[str, Callable[[Engine], object]] = {
    "get": lambda engine: engine.get("/version"),
    "find": lambda engine: engine.find("/containers/a/json"),
    "follow": lambda engine: list(engine.follow("/events")),
    "download": lambda engine: engine.download("/images/get", io.BytesIO()),
}


@contextlib.contextmanager
def engine_that_says(folder: Path, *answers: bytes | None) -> Iterator[Engine]:
    """One answer a connection, in turn, the last one also to all later ones; None: it is silent."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "docker.sock"))
    listener.listen()
    silent = []

    def serve() -> None:
        for number in range(10):
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            answer = answers[min(number, len(answers) - 1)]
            if answer is None:
                silent.append(connection)
                continue
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Engine(f"unix://{folder}/docker.sock", timeout=0.3)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in (listener, *silent):
            each.close()


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    "answers",
    [(None,), (b"",), (b"no http\r\n\r\n",), (ODD_VERSION,), (PING, None), (PING, b""), (PING, b"no http\r\n\r\n")],
    ids=["silent", "closes", "no HTTP", "odd version", "silent later", "closes later", "no HTTP later"],
)
def test_an_engine_that_does_not_answer_as_it_should(tmp_path, asked, answers):
    with engine_that_says(tmp_path, *answers) as engine, pytest.raises(LabError) as told:
        ASKED[asked](engine)
    assert str(tmp_path / "docker.sock") in str(told.value)
    assert "journalctl -u docker" in str(told.value)
