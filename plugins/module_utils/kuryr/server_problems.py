# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with how the servers are named that the hosts ask: Neutron, Keystone, RabbitMQ. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .constants import AUTHENTICATIONS, KEYSTONE, NO_KEYSTONE
from .credentials import credential_problems, is_server

_PLACE = re.compile(r"[^\s:@,/]+:\d{1,5}\Z")
_RABBITMQ_KEYS = ("hosts", "username", "password", "virtual_host")


def server_problems(config: Mapping[str, Any]) -> list[str]:
    """All problems of ``auth``, ``neutron_url``, ``credentials`` and ``rabbitmq``; none tells a password."""
    auth, url = config.get("auth", NO_KEYSTONE), config.get("neutron_url")
    given = {f"kuryr_{name}": config.get(name) for name in ("credentials", "rabbitmq")}
    found = []
    if auth not in AUTHENTICATIONS:
        found.append(f"kuryr_auth '{auth}' is not known: write one of {', '.join(AUTHENTICATIONS)}")
    if not url:
        return found + [
            f"{variable} is given, and kuryr_neutron_url is not: the controller makes its own; leave it out, or name "
            "the Neutron that it is for"
            for variable, value in given.items()
            if value
        ]
    if not is_server(str(url)):
        found.append(f"kuryr_neutron_url '{url}' is not the URL of a server, as http://192.168.1.68:9696")
    found += _rabbitmq_problems(given["kuryr_rabbitmq"] or {})
    if auth == KEYSTONE:
        found += credential_problems("kuryr_credentials", given["kuryr_credentials"] or {})
    elif given["kuryr_credentials"]:
        found.append(
            f"kuryr_credentials are given, and with kuryr_auth {auth} nobody asks for them: set kuryr_auth to "
            f"{KEYSTONE}, or leave them out"
        )
    return found


def _rabbitmq_problems(given: Any) -> list[str]:
    if not isinstance(given, Mapping):
        return [f"kuryr_rabbitmq is not a mapping: write {', '.join(_RABBITMQ_KEYS)}"]
    found = [
        f"kuryr_rabbitmq: unknown key '{key}'; known are {', '.join(_RABBITMQ_KEYS)}"
        for key in sorted(set(given) - set(_RABBITMQ_KEYS))
    ]
    found += [
        f"kuryr_rabbitmq: {key} is missing: the hosts' agents hear from kuryr_neutron_url's Neutron by its RabbitMQ, "
        "and its neutron.conf has how to reach it (transport_url)"
        for key in ("hosts", "username", "password")
        if not given.get(key)
    ]
    hosts = given.get("hosts") or ()
    places = [hosts] if isinstance(hosts, str) else hosts
    return found + [
        f"kuryr_rabbitmq: host '{place}' is not an address and a port, as 192.168.1.68:5672"
        for place in places
        if isinstance(hosts, str) or not _PLACE.match(str(place))
    ]
