# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of the Docker Engine API on its unix socket (https://docs.docker.com/reference/api/engine/).

Each request has a connection of its own, so one client serves many threads.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

from ..errors import LabError

DEFAULT_SOCKET = "/var/run/docker.sock"
# The newest API whose fields we use. Engine 29 accepts nothing older than 1.44; Engine 20.10 speaks at most 1.41.
_WANTED_API = (1, 44)
REQUEST_TIMEOUT = 120  # seconds; removing a container with a large volume and importing an image take their time


class EngineNotRunning(LabError):
    """No Docker Engine answers on the socket."""


class ContainerNotRunning(LabError):
    """A container does not exist, or does not run."""


class EngineError(LabError):
    """The Docker Engine refused a request; ``status`` is the HTTP status, ``reason`` the engine's own words."""

    def __init__(self, message: str, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """The Docker Engine behind one unix socket: DOCKER_HOST when set, else /var/run/docker.sock."""

    def __init__(self, docker_host: str | None = None, timeout: float = REQUEST_TIMEOUT) -> None:
        host = docker_host or os.environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"
        if not host.startswith("unix://"):
            raise LabError(
                f"DOCKER_HOST is '{host}', and only an engine on a unix socket of this host can be used: "
                f"unset DOCKER_HOST, or write it as unix://{DEFAULT_SOCKET}."
            )
        self.socket_path = host[len("unix://") :]
        self._timeout = timeout
        self._prefix: str | None = None

    def get(self, path: str, **query: str) -> Any:
        """GET; returns the decoded JSON document."""
        return self._json("GET", path, query)

    def find(self, path: str) -> Any | None:
        """GET of something that may not exist: the decoded JSON document, or None."""
        try:
            return self._json("GET", path, {})
        except EngineError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def follow(self, path: str, **query: str) -> Iterator[Any]:
        """GET of a stream: each JSON document as it comes, until the engine ends the connection."""
        connection = self._open("GET", self._path(path, list(query.items())), None, "")
        with contextlib.closing(connection), self._answering("GET", path):
            response = connection.getresponse()
            if response.status >= 400:
                reason = _reason(response.read())
                raise LabError(f"The Docker Engine on {self.socket_path} refused to follow {path}: {reason}.")
            connection.sock.settimeout(None)
            for line in iter(response.readline, b""):
                yield json.loads(line)

    def post(self, path: str, body: Any = None, **query: str) -> Any:
        """POST of a JSON document; returns the decoded answer, None when there is none."""
        return self._json("POST", path, query, None if body is None else json.dumps(body).encode())

    def download(self, path: str, target: BinaryIO) -> None:
        """GET of something large, which is written to a file."""
        self._request("GET", self._path(path, []), None, "", target)

    def upload(self, path: str, content: bytes | BinaryIO, query: list[tuple[str, str]]) -> Any:
        """POST of a tar archive, or of a file that holds one; returns the decoded progress messages, one a line."""
        answer = self._request("POST", self._path(path, query), content, "application/x-tar")
        messages = [json.loads(line) for line in answer.decode().splitlines() if line]
        for message in messages:
            if "error" in message:
                raise LabError(f"The Docker Engine on {self.socket_path} refused {path}: {message['error']}.")
        return messages

    def delete(self, path: str, **query: str) -> None:
        """DELETE; what is gone already is no error."""
        try:
            self._json("DELETE", path, query)
        except EngineError as error:
            if error.status != http.client.NOT_FOUND:
                raise

    def _json(self, method: str, path: str, query: dict[str, str], body: bytes | None = None) -> Any:
        answer = self._request(method, self._path(path, list(query.items())), body, "application/json")
        return json.loads(answer) if answer.strip() else None

    def _path(self, path: str, query: list[tuple[str, str]]) -> str:
        return self._version_prefix() + path + ("?" + urlencode(query) if query else "")

    def _version_prefix(self) -> str:
        if self._prefix is None:
            connection = self._open("GET", "/_ping", None, "")
            with contextlib.closing(connection), self._answering("GET", "/_ping"):
                offered = connection.getresponse().getheader("Api-Version", "1.41")
                major, minor = (int(part) for part in offered.split("."))
            version = min((major, minor), _WANTED_API)
            self._prefix = f"/v{version[0]}.{version[1]}"
        return self._prefix

    def _open(
        self, method: str, path: str, body: bytes | BinaryIO | None, content_type: str
    ) -> http.client.HTTPConnection:
        connection = _UnixConnection(self.socket_path, self._timeout)
        headers = {"Content-Type": content_type} if body is not None else {}
        try:
            connection.request(method, path, body, headers)
        except OSError as error:
            connection.close()
            raise EngineNotRunning(
                f"No Docker Engine answers on {os.uname().nodename}'s socket {self.socket_path} ({error.strerror}): "
                "start it ('systemctl start docker', or 'dockerd &' where systemd does not run), "
                "or name another socket in DOCKER_HOST."
            ) from error
        return connection

    @contextlib.contextmanager
    def _answering(self, method: str, path: str) -> Iterator[None]:
        """What keeps the engine from answering, within its time and in its protocol, is a LabError."""
        try:
            yield
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LabError(
                f"The Docker Engine on {self.socket_path} broke off while answering {method} {path} "
                f"({error or type(error).__name__}): see its journal ('journalctl -u docker') and run again."
            ) from error

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | BinaryIO | None,
        content_type: str,
        target: BinaryIO | None = None,
    ) -> bytes:
        """The answer; with ``target`` it goes there, unless it is a refusal."""
        connection = self._open(method, path, body, content_type)
        with contextlib.closing(connection), self._answering(method, path):
            response = connection.getresponse()
            if target is not None and response.status < 400:
                shutil.copyfileobj(response, target)
                return b""
            content = response.read()
        if response.status >= 400:
            reason = _reason(content)
            raise EngineError(
                f"The Docker Engine on {self.socket_path} refused {method} {path} "
                f"with status {response.status}: {reason}",
                response.status,
                reason,
            )
        return content


def _reason(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip()


def engine_is_installed() -> bool:
    """Whether this host has the program of a Docker Engine. Without it there is nothing to remove either."""
    return shutil.which("dockerd", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin") is not None


def container_pid(name: str, engine: Engine | None = None) -> int:
    """The process id, in this host's numbering, of a running container's first process.

    ``name`` may also be the id or the beginning of one.
    """
    engine = engine or Engine()
    try:
        found = engine.find(f"/containers/{quote(name, safe='')}/json")
    except EngineError:
        candidates = containers_with_id(engine, name)
        if len(candidates) < 2:
            raise
        raise LabError(
            f"'{name}' is the beginning of several containers' ids on {os.uname().nodename}: {', '.join(candidates)}. "
            "Give a name, or more of the id."
        ) from None
    if found is None:
        raise ContainerNotRunning(
            f"Container '{name}' does not exist on {os.uname().nodename}: 'docker ps --all' lists those that do."
        )
    if not found["State"]["Running"]:
        raise ContainerNotRunning(
            f"Container '{name}' on {os.uname().nodename} does not run (it is {found['State']['Status']}): "
            f"'docker start {name}' starts it."
        )
    return found["State"]["Pid"]


def containers_with_id(engine: Engine, beginning: str) -> list[str]:
    """Names and short ids of the containers, running or not, whose id begins so."""
    listed = engine.get("/containers/json", all="1")
    return sorted(f"{c['Names'][0].lstrip('/')} ({c['Id'][:12]})" for c in listed if c["Id"].startswith(beginning))
