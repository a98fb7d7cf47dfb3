# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between a client and a server, passes on what each says, and loses some of it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit


class Between:
    """Connections to `endpoint` lead to the server, which may become another one at any time."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.asked: Callable[[bytes], bytes] = lambda data: data
        """What is made of what a client sends."""
        self.answered: Callable[[bytes], bytes] = lambda data: data
        """What is made of what the server answers."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hang_up(self) -> None:
        """End all connections."""
        while self._open:
            with contextlib.suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            url = urlsplit(self.server)
            try:
                server = socket.create_connection((url.hostname, url.port))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(one, other, one is client), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket, asking: bool) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(self.asked(data) if asking else self.answered(data))
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def between(server: str) -> Iterator[Between]:
    """It, until the block ends."""
    standing = Between(server)
    try:
        yield standing
    finally:
        standing.close()
