# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of etcd's v3 API, through the JSON gateway that every etcd 3.4 and newer serves under ``/v3/``.

The gateway carries keys and values as base64 and 64-bit numbers as strings; both stop at this file.
It knows keys and transactions, and no network.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import LabError, raise_if_any
from .answers import TokenRefused, Unavailable, not_etcd, read_answer, unavailable, way_out

CONNECT_SECONDS = 2.0
"""How long one endpoint may take to accept a connection."""
ANSWER_SECONDS = 4.0
"""How long an endpoint may take to answer; an etcd without a quorum accepts connections and answers nothing."""
TOTAL_SECONDS = 8.0
"""When no further endpoint is tried for one request."""


class EtcdUnreachable(LabError):
    """No endpoint answered; the message lists every one that was tried, and its error."""


@dataclass(frozen=True)
class KeyValue:
    """A key as it is stored. ``lease`` is 0 for a key that does not expire."""

    key: str
    value: str
    mod_revision: int
    lease: int


@dataclass(frozen=True)
class Extent:
    """How far some keys go: the revision of their latest change that is known, and how many there are."""

    latest: int
    keys: int


@dataclass(frozen=True)
class Compare:
    """One condition of a transaction, on a key's VERSION (0 if it does not exist), MOD (revision) or VALUE."""

    key: str
    target: str
    operand: int | str

    def as_request(self) -> dict[str, Any]:
        """The condition as the gateway takes it."""
        field = {"VERSION": "version", "MOD": "mod_revision", "VALUE": "value"}[self.target]
        operand = encoded(self.operand) if isinstance(self.operand, str) else str(self.operand)
        return {"key": encoded(self.key), "target": self.target, "result": "EQUAL", field: operand}


def unchanged_since(key: str, mod_revision: int) -> Compare:
    """The key was not written since it was read with this revision; 0: it still does not exist."""
    return Compare(key, "VERSION", 0) if mod_revision == 0 else Compare(key, "MOD", mod_revision)


def holds(key: str, value: str) -> Compare:
    """The key has this value."""
    return Compare(key, "VALUE", value)


@dataclass(frozen=True)
class Put:
    """Write a key; with ``lease`` it expires with that lease."""

    key: str
    value: str
    lease: int = 0

    def as_request(self) -> dict[str, Any]:
        """The body of a put, alone or inside a transaction."""
        body = {"key": encoded(self.key), "value": encoded(self.value)}
        return {**body, "lease": str(self.lease)} if self.lease else body


@dataclass(frozen=True)
class Delete:
    """Delete one key."""

    key: str

    def as_request(self) -> dict[str, Any]:
        """The body of a deletion, alone or inside a transaction."""
        return {"key": encoded(self.key)}


class Etcd:
    """One etcd, behind any of its endpoints, over one kept connection."""

    def __init__(
        self,
        endpoints: Sequence[str],
        ca_cert: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self._endpoints = list(endpoints)
        raise_if_any(endpoint_problems(self._endpoints))
        self._credentials = {"name": username, "password": password or ""} if username else None
        self._user = username
        self._tls_files = (ca_cert, client_cert, client_key)
        if any(map(_is_tls, self._endpoints)):
            with suppress(Unavailable):
                _tls_context(*self._tls_files)  # says now what is wrong with them; those that are missing may come
        self._connection: http.client.HTTPConnection | None = None
        # Of the connection, which gives it up where an answer is said to be the last one, as by "Connection: close".
        self._socket: socket.socket | None = None
        self._token: str | None = None

    @classmethod
    def from_arguments(cls, params: dict[str, Any]) -> Etcd:
        """The client that a module's arguments ``ETCD`` describe."""
        names = ("ca_cert", "client_cert", "client_key", "username", "password")
        return cls(params["etcd_endpoints"], **{name: params.get(f"etcd_{name}") for name in names})

    def get(self, key: str) -> KeyValue | None:
        """One key, or None if it does not exist."""
        found = self.call("kv/range", {"key": encoded(key)}).get("kvs", [])
        return _key_value(found[0]) if found else None

    def get_prefixes(self, *prefixes: str) -> list[list[KeyValue]]:
        """All keys that begin with each prefix, in order of the keys, all seen at one and the same revision."""
        return self.snapshot(*prefixes)[1]

    def snapshot(self, *prefixes: str) -> tuple[int, list[list[KeyValue]]]:
        """The keys that `get_prefixes` returns, after the revision at which they were seen: a watch can go on there."""
        answer = self.call("kv/txn", {"success": [{"request_range": prefix_range(prefix)} for prefix in prefixes]})
        found = [
            [_key_value(item) for item in response["response_range"].get("kvs", [])]
            for response in answer.get("responses", [])
        ]
        return int(answer["header"]["revision"]), found

    def extents(self, *prefixes: str) -> tuple[int, list[Extent]]:
        """The revision of etcd, and how far the keys that begin with each prefix go there."""
        latest = {"limit": 1, "sort_target": "MOD", "sort_order": "DESCEND", "keys_only": True}
        ranges = [{"request_range": {**prefix_range(prefix), **latest}} for prefix in prefixes]
        answer = self.call("kv/txn", {"success": ranges})
        found = [response["response_range"] for response in answer.get("responses", [])]
        return int(answer["header"]["revision"]), [
            Extent(max((int(item["mod_revision"]) for item in one.get("kvs", [])), default=0), int(one.get("count", 0)))
            for one in found
        ]

    def watch_documents(self, start_revisions: dict[str, int]) -> Iterator[dict[str, Any]]:
        """The gateway's answers to a watch of prefixes, each from a revision on, as they come; see `mirror`.

        Answers name the prefix by its place in the dictionary, from 1 on, as ``watch_id``.
        It keeps the client's connection for itself: one client, one watch. It ends when the connection does, or if etcd
        has not begun to watch all of the prefixes in time, and raises EtcdUnreachable when no endpoint takes the
        request. An etcd member that loses its leader ends the watch.
        """
        response = self._first_answer(lambda endpoint: self._open_watch(endpoint, watch_requests(start_revisions)))
        # With its first answer, Go's server throws away what the gateway has not read yet of the request: etcd may
        # never hear of the last prefixes, and would then say nothing of them for as long as the watch lasts.
        missing, deadline = len(start_revisions), time.monotonic() + ANSWER_SECONDS
        while not missing or time.monotonic() < deadline:
            try:
                line = response.readline()
            except (OSError, http.client.HTTPException):
                line = b""  # broken off, or not in time
            if not line:
                break
            answer = _watch_answer(line)
            if missing and answer.get("result", {}).get("created"):
                missing -= 1
                if not missing:
                    self._wait_long()
            yield answer
        self.close()

    def watch_refusal(self, reason: str) -> LabError:
        """The error for a watch that etcd has ended with a reason."""
        return LabError(f"etcd refused the watch: {reason}. {way_out(reason, self._user)}")

    def put(self, key: str, value: str, lease: int = 0) -> int:
        """Write a key; returns the revision that has it."""
        return int(self.call("kv/put", Put(key, value, lease).as_request())["header"]["revision"])

    def delete(self, key: str) -> None:
        """Delete a key; it need not exist."""
        self.call("kv/deleterange", Delete(key).as_request())

    def commit(self, conditions: Sequence[Compare], changes: Sequence[Put | Delete]) -> bool:
        """Apply all changes in one step if all conditions hold; whether they did."""
        operations = [
            {"request_put" if isinstance(change, Put) else "request_delete_range": change.as_request()}
            for change in changes
        ]
        request = {"compare": [condition.as_request() for condition in conditions], "success": operations}
        return bool(self.call("kv/txn", request).get("succeeded"))

    def grant(self, seconds: int) -> int:
        """A new lease that lives so long; returns its id."""
        return int(self.call("lease/grant", {"TTL": str(seconds)})["ID"])

    def time_to_live(self, lease: int) -> tuple[int, int]:
        """The seconds that a lease still lives, -1 if it has ended, and those for which it was granted."""
        answer = self.call("lease/timetolive", {"ID": str(lease)})
        return int(answer.get("TTL", 0)), int(answer.get("grantedTTL", 0))

    def keep_alive(self, lease: int) -> None:
        """Let a lease live as long again as it was granted for; nothing happens to one that has ended."""
        self.call("lease/keepalive", {"ID": str(lease)})

    def _open(self, endpoint: str) -> None:
        self.close()
        self._connect(endpoint)
        self._authenticate()

    def _open_watch(self, endpoint: str, body: str) -> http.client.HTTPResponse:
        self._open(endpoint)
        connection = self._open_connection()
        headers = {**self._headers(), "Grpc-Metadata-hasleader": "true"}
        connection.request("POST", "/v3/watch", body=body, headers=headers)
        response = connection.getresponse()
        if response.status != http.client.OK or not response.chunked:  # a watch has no end
            self._read(connection, "watch", response.status, response.read())
            raise not_etcd(response.status, b"")
        return response

    def _wait_long(self) -> None:
        """A watch may be silent for hours, so the kernel looks meanwhile whether the other side is still there."""
        watched = self._socket
        if watched is None:
            raise _closed_meanwhile()
        watched.settimeout(None)
        _notice_dead_peers(watched)

    def authenticate(self) -> None:
        """Get a token, to learn whether etcd takes the user; every other request does so by itself."""
        self._first_answer(self._open)

    def call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST to the first endpoint that answers. Repeating is safe: all our writes are conditional or idempotent."""
        return self._first_answer(lambda endpoint: self._call_endpoint(endpoint, method, body))

    def _first_answer(self, ask: Callable[[str], Any]) -> Any:
        deadline = time.monotonic() + TOTAL_SECONDS
        errors, ways_out = [], []
        for endpoint in list(self._endpoints):
            if time.monotonic() >= deadline:
                errors.append(f"{endpoint}: not tried any more after {TOTAL_SECONDS:g} s")
                continue
            try:
                return ask(endpoint)
            except (OSError, http.client.HTTPException, Unavailable) as error:
                self.close()
                self._prefer_others(endpoint)
                cause = unavailable(error, _is_tls(endpoint))
                errors.append(f"{endpoint}: {cause}")
                ways_out.append(cause.way_out)
        raise EtcdUnreachable(f"etcd cannot be reached: {'; '.join(errors)}. {' '.join(dict.fromkeys(ways_out))}")

    def _call_endpoint(self, endpoint: str, method: str, body: dict[str, Any]) -> dict[str, Any]:
        fresh = self._connection is None
        try:
            return self._post(endpoint, method, body)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            if fresh:
                raise
            self.close()  # A kept connection may be closed by the server at any time; a new one tells.
            return self._post(endpoint, method, body)

    def _post(self, endpoint: str, method: str, body: dict[str, Any]) -> dict[str, Any]:
        if self._connection is None:
            self._connect(endpoint)
        if not self._token:
            self._authenticate()
            return self._exchange(method, body)
        try:
            return self._exchange(method, body)
        except TokenRefused:
            self._authenticate()
            return self._exchange(method, body)

    def _authenticate(self) -> None:
        """Get a new token. Etcd forgets one that was not used for its --auth-token-ttl, five minutes by default."""
        self._token = None
        if self._credentials:
            self._token = self._exchange("auth/authenticate", self._credentials).get("token")

    def _connect(self, endpoint: str) -> None:
        """Make a new connection; the TLS files are read anew, since they are renewed while a service runs."""
        url = urlsplit(endpoint)
        place = (url.hostname, url.port or 2379)
        if _is_tls(endpoint):
            context = _tls_context(*self._tls_files)
            connection = http.client.HTTPSConnection(*place, timeout=CONNECT_SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(*place, timeout=CONNECT_SECONDS)
        connection.connect()
        connection.sock.settimeout(ANSWER_SECONDS)
        self._connection, self._socket = connection, connection.sock

    def _exchange(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = self._open_connection()
        connection.request("POST", f"/v3/{method}", body=json.dumps(body), headers=self._headers())
        response = connection.getresponse()
        return self._read(connection, method, response.status, response.read())

    def _open_connection(self) -> http.client.HTTPConnection:
        connection = self._connection
        if connection is None:
            raise _closed_meanwhile()
        return connection

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", **({"Authorization": self._token} if self._token else {})}

    def _read(self, connection: http.client.HTTPConnection, method: str, status: int, content: bytes) -> dict[str, Any]:
        place = f"{connection.host}:{connection.port}"
        return read_answer(place, method, self._user, status, content)

    def _prefer_others(self, endpoint: str) -> None:
        """An endpoint that failed is tried last from now on, so that its time-out is spent only once."""
        self._endpoints.remove(endpoint)
        self._endpoints.append(endpoint)

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        connection = self._connection
        self._connection = self._socket = self._token = None
        if connection is not None:
            connection.close()

    def interrupt(self) -> None:
        """From another thread: break off what the client waits for, such as a watch.

        The connection itself is left to the thread that uses it, which would find it gone in the middle of a step.
        """
        using = self._socket
        if using is not None:
            with suppress(OSError):  # not connected any more
                socket.socket.shutdown(using, socket.SHUT_RDWR)  # that of TLS would take its state away, too


def endpoint_problems(endpoints: list[str]) -> list[str]:
    """What is wrong with a list of client URLs of etcd."""
    if not endpoints:
        return ["etcd_endpoints is empty: name at least one, as http://192.168.1.68:2379"]
    return [
        f"etcd_endpoints, entry {index}: '{_without_password(endpoint)}' is not an endpoint: {_ENDPOINT_RULE}"
        for index, endpoint in enumerate(endpoints)
        if not _is_endpoint(endpoint)
    ]


_ENDPOINT_RULE = "write it as http://192.168.1.68:2379"


def _is_tls(endpoint: str) -> bool:
    return endpoint.startswith("https://")


def _is_endpoint(text: str) -> bool:
    try:
        url = urlsplit(text)
        server = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        return False
    beyond = url.path.rstrip("/") or url.query or url.fragment or "@" in url.netloc
    return server and not beyond and text.isascii() and text.isprintable() and " " not in text


def _without_password(text: str) -> str:
    scheme, separator, rest = text.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


_MISSING = (
    "The role etcd provides certificates for the etcd of the inventory (site.yml with the tag etcd); those of another "
    "one must be files on the host that runs the task: etcd_ca_cert, etcd_client_cert, etcd_client_key."
)


def _tls_context(ca_cert: str | None, client_cert: str | None, client_key: str | None) -> ssl.SSLContext:
    """Certificates are always verified: no option turns that off."""
    try:
        context = ssl.create_default_context(cafile=ca_cert)
        if client_cert:
            context.load_cert_chain(client_cert, client_key)
    except FileNotFoundError:
        missing = [path for path in (ca_cert, client_cert, client_key) if path and not os.path.exists(path)]
        raise Unavailable(f"{', '.join(missing)} is missing on this host", _MISSING) from None
    except (OSError, ssl.SSLError) as error:
        raise LabError(
            f"the TLS files cannot be used (etcd_ca_cert={ca_cert}, etcd_client_cert={client_cert}, "
            f"etcd_client_key={client_key}): {error}. They must be readable PEM files on the host that runs the task."
        ) from error
    return context


def _closed_meanwhile() -> Unavailable:
    return Unavailable("the client was closed meanwhile")


def _notice_dead_peers(connection: socket.socket) -> None:
    """Let the kernel end a connection whose other side is silent for 5 s, and then to three probes, for 6 s."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


def _watch_answer(line: bytes) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError:
        return {"error": f"it sent what is no JSON: {line[:80]!r}"}


def _key_value(item: dict[str, Any]) -> KeyValue:
    return KeyValue(
        key=decoded(item["key"]),
        value=decoded(item.get("value", "")),
        mod_revision=int(item["mod_revision"]),
        lease=int(item.get("lease", 0)),
    )


def watch_requests(start_revisions: dict[str, int]) -> str:
    """What begins the watches of prefixes: a line each, without blanks.

    The gateway takes the first 512 bytes in one go (Go's json.Decoder), and may miss what is behind them: see
    `Etcd.watch_documents`.
    """
    requests = [
        {"create_request": {**prefix_range(prefix), "start_revision": revision, "watch_id": number}}
        for number, (prefix, revision) in enumerate(start_revisions.items(), start=1)
    ]
    return "\n".join(json.dumps(request, separators=(",", ":")) for request in requests)


def prefix_range(prefix: str) -> dict[str, Any]:
    """The range of all keys with a prefix ends before the prefix with its last byte increased; ours end in '/'."""
    *beginning, last = prefix.encode()
    end = bytes([*beginning, last + 1])
    return {"key": encoded(prefix), "range_end": base64.b64encode(end).decode()}


def encoded(text: str) -> str:
    """Keys and values as the gateway takes them."""
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """The same as a text, whatever the bytes are."""
    return base64.b64decode(text).decode(errors="replace")
