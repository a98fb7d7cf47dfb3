# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a server of OpenStack's, with documents of JSON in both directions."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from ..errors import LabError
from .credentials import is_server

ANSWER_SECONDS = 30.0
"""How long the server may take to answer: a busy host needs seconds to remove a port."""
_CONNECTIONS: dict[str, type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}
_UNITS = {"Neutron": "neutron-server", "Keystone": "keystone"}


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    reason: str
    headers: Message
    text: str


class Server:
    """One server by its URL, which may have a path; ``option`` is the one that names it."""

    def __init__(self, url: str, name: str, option: str) -> None:
        if not is_server(url):
            raise LabError(f"{option} '{url}' is not the URL of a server, as http://192.168.1.68:9696")
        self.url = url.rstrip("/")
        self._name = name
        parts = urlsplit(self.url)
        self._path = parts.path
        self._connection = _CONNECTIONS[parts.scheme](parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Answer:
        """One request; LabError if the server does not answer."""
        sent = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        try:
            self._connection.request(method, f"{self._path}/{path}", json.dumps(body) if body else None, sent)
            response = self._connection.getresponse()
            return Answer(response.status, response.reason, response.headers, response.read().decode())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise LabError(
                f"{self._name} at {self.url} does not answer ({error or type(error).__name__}): see "
                f"'systemctl status {_UNITS[self._name]}' on the controller"
            ) from error
