# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks Neutron, where its Keystone wants to know that: as people write it, and as a file on a host has it."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import LabError

SECTION = "neutron"
"""Kuryr's own section, so that Kuryr reads the same file: https://docs.openstack.org/kuryr-libnetwork."""
_NEEDED = ("auth_url", "username", "password", "project_name")


@dataclass(frozen=True)
class Credentials:
    """A user of a project, by the names that Keystone's password method takes."""

    auth_url: str
    username: str
    password: str
    project_name: str
    user_domain_name: str = "Default"
    project_domain_name: str = "Default"


_KEYS = tuple(field.name for field in fields(Credentials))


def credential_problems(variable: str, given: Any) -> list[str]:
    """What is wrong with credentials that people write; no problem tells the password."""
    if not isinstance(given, Mapping):
        return [f"{variable} is not a mapping: write {', '.join(_NEEDED)}"]
    found = [
        f"{variable}: unknown key '{key}'; known are {', '.join(_KEYS)}" for key in sorted(set(given) - set(_KEYS))
    ]
    found += [f"{variable}: {key} is missing, and Keystone asks for it" for key in _NEEDED if not given.get(key)]
    for key in _KEYS:
        if any(not character.isprintable() for character in str(given.get(key) or "")):
            found.append(
                f"{variable}: {key} has a line break or another character that cannot be in a file: leave it out"
            )
    url = str(given.get("auth_url") or "")
    if url and not is_server(url):
        found.append(f"{variable}: auth_url '{url}' is not the URL of a server, as http://192.168.1.68:5000/v3")
    return found


def is_server(url: str) -> bool:
    """Whether it is a URL by which a server is reached over HTTP."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def read_credentials(path: Path) -> Credentials:
    """Those in a file as the role ``kuryr`` writes it; LabError if it cannot be read, without a word of what it has."""
    parser = configparser.RawConfigParser()
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
        found = {key: _plain(value) for key, value in parser[SECTION].items() if key in _KEYS}
        return Credentials(**found)
    except OSError as error:
        raise LabError(f"credentials_file {path} cannot be read: {error.strerror}") from None
    except (configparser.Error, KeyError, TypeError, UnicodeDecodeError):
        raise LabError(
            f"credentials_file {path} has no section [{SECTION}] with {', '.join(_NEEDED)}: run the role again, which "
            "writes it"
        ) from None


def _plain(value: str) -> str:
    """A value as oslo.config reads it: without the quotes around it, and with one ``$`` for two."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return value.replace("$$", "$")
