# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token of OpenStack's Keystone, by its API version 3: https://docs.openstack.org/api-ref/identity/v3."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..errors import LabError
from .credentials import Credentials
from .rest import Server

_CREATED, _UNAUTHORIZED = 201, 401


@dataclass(frozen=True)
class Token:
    """What a server is shown in place of a password, and the project that it is for, by its id."""

    text: str
    project_id: str


def fetch_token(credentials: Credentials) -> Token:
    """A token for the user's project; LabError names what is wrong, but not the password."""
    url = credentials.auth_url.rstrip("/")
    server = Server(url if url.endswith("/v3") else f"{url}/v3", "Keystone", "auth_url")
    user = {
        "name": credentials.username,
        "domain": {"name": credentials.user_domain_name},
        "password": credentials.password,
    }
    project = {"name": credentials.project_name, "domain": {"name": credentials.project_domain_name}}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": project},
        }
    }
    answer = server.ask("POST", "auth/tokens", body, {})
    if answer.status == _UNAUTHORIZED:
        raise LabError(
            f"Keystone at {server.url} gives {credentials.username} of project {credentials.project_name} no token: "
            "correct username, password, project_name or the domains of user and project"
        )
    if answer.status != _CREATED:
        raise LabError(
            f"what answers at {server.url} is no Keystone, or has a defect ({answer.status} {answer.reason}): correct "
            "auth_url, or see 'journalctl -u keystone' there"
        )
    return Token(answer.headers["X-Subject-Token"], json.loads(answer.text)["token"]["project"]["id"])
