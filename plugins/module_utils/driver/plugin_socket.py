# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves one plugin socket: Docker's requests, each answered within seconds by a blocking function in a worker thread.

HTTP is that of Python's standard library. Each connection has a thread, which waits for requests and their answers; the
work itself is done by the bounded number of threads of an executor. Docker keeps idle connections for later requests,
and repeats a request whose connection was closed without its content: so only `PluginServer.stop` closes those. A
connection over which no request comes, or half of one, is closed after a while.
"""

from __future__ import annotations

import io
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Union

from ..errors import LabError

CONTENT_TYPE = "application/vnd.docker.plugins.v1+json"
ANSWER_SECONDS = 20.0
"""When Docker gets an error in any case; Docker itself gives up after 30 seconds."""
PATIENCE_SECONDS = 15.0
"""How long a request waits for what `Later` says, at most."""
REQUEST_SECONDS = 10.0
"""How long the first request of a connection may take to begin, and any request and answer to pass the connection."""
MAX_BODY = 1 << 20
"""Bytes of a request; Docker's have some hundreds."""
_BACKLOG = 512  # as many containers as start at once
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Later:
    """In place of an answer: it waits for another request, or for the host. No worker is held meanwhile."""

    wait: Callable[[float], object]
    """Waits for that, at most so many seconds."""
    finish: Callable[[], Mapping[str, Any]]
    """Gives the answer then."""


Handler = Callable[[Mapping[str, Any]], Union[Mapping[str, Any], Later]]
Method = Union[Handler, Mapping[str, Any]]
"""What works out the answer, or an answer that is always the same, and that no worker is needed for."""
log = logging.getLogger(__name__)


class PluginServer:
    """One socket under /run/docker/plugins; its name is the driver's name."""

    def __init__(
        self,
        path: Path,
        methods: Mapping[str, Method],
        executor: Executor,
        own_executors: Mapping[str, Executor] | None = None,
    ) -> None:
        """``own_executors`` are those of methods that do not share the one of all others."""
        self._path = path
        self._methods = methods
        self._executor = executor
        self._own_executors = own_executors or {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._acceptor = threading.Thread(target=self._accept, name=path.name, daemon=True)
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Listen. The socket appears under its name when it accepts connections, in the place of an old one."""
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.new")
        draft.unlink(missing_ok=True)
        self._listener.bind(str(draft))
        draft.chmod(0o600)
        self._listener.listen(_BACKLOG)
        draft.rename(self._path)
        self._acceptor.start()

    def stop(self) -> None:
        """Answer the requests that are there already, and take no more: not one is lost."""
        self._stopping.set()
        self._path.unlink(missing_ok=True)
        self._listener.shutdown(socket.SHUT_RDWR)  # whoever has connected is accepted still, see unix(7) and accept(2)
        self._acceptor.join()
        self._listener.close()
        with self._changed:
            for connection in self._connections:
                connection.shutdown(socket.SHUT_RD)  # what Docker has sent is read still, and answered
            self._changed.wait_for(lambda: not self._connections, ANSWER_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError as error:
                if self._stopping.is_set():
                    return
                log.error("%s: no connection can be accepted: %s", self._path.name, error)
                self._stopping.wait(_PAUSE_SECONDS)  # there may be too many open files
                continue
            with self._changed:
                self._connections.add(connection)
            name = threading.current_thread().name
            threading.Thread(target=self._serve, args=(connection,), name=name, daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection until its other end is closed."""
        try:
            _Connection(connection, "", self)
        except OSError as error:
            log.debug("Docker has closed its connection: %s", error)
        finally:
            with self._changed:
                self._connections.discard(connection)
                connection.close()
                self._changed.notify_all()

    def answer(self, method: str, body: bytes) -> Mapping[str, Any]:
        """The answer to one request; an error is one too."""
        handler = self._methods.get(method)
        if handler is None:
            return _error(f"{method} is not supported by this driver.")
        if isinstance(handler, Mapping):
            return handler
        try:
            document = json.loads(body or b"{}")
        except (ValueError, RecursionError):  # the latter of thousands of brackets
            return _error(f"the body of {method} is not JSON.")
        if not isinstance(document, dict):
            return _error(f"the body of {method} is not a JSON object.")
        return self._result(method, handler, document)

    def _result(self, method: str, handler: Handler, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The handler's answer. One that takes too long continues in its thread; the reconciler cleans up after it."""
        deadline = time.monotonic() + ANSWER_SECONDS
        executor = self._own_executors.get(method, self._executor)
        work = executor.submit(handler, document)
        try:
            if wait([work], ANSWER_SECONDS).done and isinstance(work.result(), Later):
                later = work.result()
                later.wait(PATIENCE_SECONDS)
                work = executor.submit(later.finish)
            if wait([work], max(0.0, deadline - time.monotonic())).done:
                return work.result()
        except LabError as error:
            log.warning("%s: %s", method, error)
            return _error(str(error))
        except Exception as error:  # a defect of ours must not leave Docker without an answer
            log.exception("%s %s", method, dict(document))
            return _error(f"{method} failed in the network driver ({error!r}): see its journal.")
        work.add_done_callback(_log_failure)
        log.error("%s: no result within %g s", method, ANSWER_SECONDS)
        return _error(f"{method} was not finished within {ANSWER_SECONDS:g} s: see the driver's journal.")


class _Incoming(io.RawIOBase):
    """What a client sends. Between two requests it may take its time, within one it may not."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._deadline: float | None = time.monotonic() + REQUEST_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises TimeoutError when the time of a request is over."""
        left = None if self._deadline is None else self._deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        count = self._connection.recv_into(buffer)
        if self._deadline is None:
            self._deadline = time.monotonic() + REQUEST_SECONDS
        return count

    def finished(self) -> None:
        """A whole request has come."""
        self._deadline = None


class _Connection(BaseHTTPRequestHandler):
    """Reads requests and writes answers; the object exists as long as the connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet
    server: PluginServer  # type: ignore[assignment]

    def setup(self) -> None:
        """The requests come by way of `_Incoming`."""
        super().setup()
        self._incoming = _Incoming(self.connection)
        self.rfile = io.BufferedReader(self._incoming)

    def do_POST(self) -> None:
        """One request. Its body has a length, as all that Go sends from a buffer."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif not length.isdigit() or int(length) > MAX_BODY:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = self.rfile.read(int(length))
            self._incoming.finished()
            if len(body) == int(length):  # or the connection ended in the middle of the request
                self._send(self.server.answer(self.path.lstrip("/"), body))

    def _send(self, document: Mapping[str, Any]) -> None:
        text = json.dumps(document).encode()
        self.connection.settimeout(REQUEST_SECONDS)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Docker logs its requests itself."""
        log.debug(format, *args)


def _log_failure(work: Future[Mapping[str, Any]]) -> None:
    if work.exception() is not None:
        log.error("a request that took too long has failed: %s", work.exception())


def _error(text: str) -> Mapping[str, Any]:
    """Docker looks for a network driver's error in ``Err``, and for an IPAM driver's in ``Error``."""
    return {"Err": text, "Error": text}


def named_methods(interface: str, methods: Mapping[str, Handler], constants: Mapping[str, Any]) -> dict[str, Method]:
    """The methods of one of libnetwork's interfaces by their full names, and those whose answer is always the same."""
    return {f"{interface}.{name}": method for name, method in {**methods, **constants}.items()}
