# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of Neutron's API, version 2.0, with a token of Keystone's where Neutron asks for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from ..errors import LabError
from .credentials import Credentials, read_credentials
from .keystone import Token, fetch_token
from .rest import Server

_OK, _MULTIPLE = 200, 300
_WHO = 401

Resource = dict[str, Any]


class NeutronError(LabError):
    """Neutron refused a request; the message has its reason."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def neutron_of(params: Mapping[str, Any]) -> Neutron:
    """The one that a module's arguments name (arguments.NEUTRON)."""
    if params["credentials"]:
        given = {key: value for key, value in params["credentials"].items() if value is not None}
        return Neutron(params["neutron_url"], Credentials(**given))
    file = params["credentials_file"]
    return Neutron(params["neutron_url"], read_credentials(Path(file)) if file else None)


class Neutron:
    """One Neutron, by the URL of its API, as http://192.168.1.68:9696; without credentials if it has no Keystone."""

    def __init__(self, url: str, credentials: Credentials | None = None) -> None:
        self._server = Server(url, "Neutron", "neutron_url")
        self._credentials = credentials
        self._token: Token | None = None

    def _known_token(self) -> Token | None:
        if self._credentials and self._token is None:
            self._token = fetch_token(self._credentials)
        return self._token

    @property
    def project_id(self) -> str | None:
        """The project in which resources are made; None without Keystone."""
        token = self._known_token()
        return token.project_id if token else None

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

    def text(self, path: str) -> str:
        """The document that Neutron has at a path behind its version, as ``ports?fields=id``."""
        return self._asked("GET", path)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        text = self._asked(method, path, body)
        return json.loads(text) if text else {}

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
        token = self._known_token()
        answer = self._server.ask(method, f"v2.0/{path}", body, {"X-Auth-Token": token.text} if token else {})
        if not _OK <= answer.status < _MULTIPLE:
            reason = _reason(answer.text) or answer.reason
            if answer.status == _WHO and not token:
                reason = "it asks for a token, and no credentials are given"
            raise NeutronError(f"Neutron at {self._server.url} refuses {method} {path}: {reason}", answer.status)
        return answer.text


def _reason(text: str) -> str:
    """What Neutron says is wrong: {"NeutronError": {"type": …, "message": …}}, or whatever stood before it."""
    try:
        return str(json.loads(text)["NeutronError"]["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()
