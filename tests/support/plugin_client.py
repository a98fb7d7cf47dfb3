# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speaks to a plugin's socket as Docker does."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class PluginConnection(http.client.HTTPConnection):
    """One connection, which is kept for further requests."""

    def __init__(self, path: Path) -> None:
        super().__init__("plugin")
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)

    def ask(self, method: str, body: bytes | str) -> tuple[int, bytes]:
        """The answer's status and body."""
        self.request("POST", f"/{method}", body)
        answer = self.getresponse()
        return answer.status, answer.read()


def post(path: Path, method: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request, over a connection of its own."""
    connection = PluginConnection(path)
    try:
        status, answer = connection.ask(method, json.dumps(document))
        assert status == 200, answer
        return json.loads(answer)
    finally:
        connection.close()
