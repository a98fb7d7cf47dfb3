# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of Neutron's API, version 2.0, as a server without Keystone offers it (auth_strategy noauth)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ..errors import LabError

ANSWER_SECONDS = 30.0
"""How long the server may take to answer: a busy host needs seconds to remove a port."""
_OK, _MULTIPLE = 200, 300

Resource = dict[str, Any]


class NeutronError(LabError):
    """Neutron refused a request; the message has its reason."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Neutron:
    """One Neutron, by the URL of its API, as http://192.168.1.68:9696."""

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        if parts.scheme not in _CONNECTIONS or not parts.hostname:
            raise LabError(f"neutron_url '{url}' is not the URL of a server, as http://192.168.1.68:9696")
        self._connection = _CONNECTIONS[parts.scheme](parts.hostname, parts.port, timeout=ANSWER_SECONDS)

    def list(self, collection: str, **filters: str) -> list[Resource]:
        """All resources of a collection, as ``networks`` or ``security-groups``."""
        query = f"?{urlencode(filters)}" if filters else ""
        return self._call("GET", f"{collection}{query}")[collection.replace("-", "_")]

    def create(self, collection: str, values: Mapping[str, Any]) -> Resource:
        """A new resource, as Neutron then has it."""
        singular = collection.replace("-", "_")[:-1]
        return self._call("POST", collection, {singular: dict(values)})[singular]

    def update(self, collection: str, identifier: str, values: Mapping[str, Any]) -> None:
        """Change some values of a resource."""
        singular = collection.replace("-", "_")[:-1]
        self._call("PUT", f"{collection}/{quote(identifier)}", {singular: dict(values)})

    def delete(self, collection: str, identifier: str) -> None:
        """Delete a resource."""
        self._call("DELETE", f"{collection}/{quote(identifier)}")

    def add_tag(self, collection: str, identifier: str, tag: str) -> None:
        """Give a resource a tag, which it may have already."""
        self._call("PUT", f"{collection}/{quote(identifier)}/tags/{quote(tag, safe='')}")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            self._connection.request(method, f"/v2.0/{path}", json.dumps(body) if body else None, headers)
            response = self._connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise LabError(
                f"Neutron at {self._url} does not answer ({error or type(error).__name__}): see "
                "'systemctl status neutron-server' on the controller"
            ) from error
        if not _OK <= response.status < _MULTIPLE:
            reason = _reason(text) or response.reason
            raise NeutronError(f"Neutron at {self._url} refuses {method} {path}: {reason}", response.status)
        return json.loads(text) if text else {}


_CONNECTIONS: dict[str, type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}


def _reason(text: str) -> str:
    """What Neutron says is wrong: {"NeutronError": {"type": …, "message": …}}, or whatever stood before it."""
    try:
        return str(json.loads(text)["NeutronError"]["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()
