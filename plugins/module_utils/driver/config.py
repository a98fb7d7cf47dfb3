# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's configuration: /etc/container-network/driver.json, written by the role network_driver. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..datastore.etcd import Etcd
from ..errors import InvalidInput, LabError
from ..validation import NODE_NAME, NODE_NAME_RULE
from .host_options import MODULE

PLUGINS = Path("/run/docker/plugins")
"""Where every Docker Engine looks for plugins (https://docs.docker.com/engine/extend/plugin_api/)."""
_PATHS = ("docker_pid_file", "plugins", "hosts_file", "dnsmasq_pid_file")
_TEXTS = ("docker_socket", "dns_address")
_KEYS = {"node", "etcd", "networks", "reserved_names", *_TEXTS, *_PATHS}


@dataclass(frozen=True)
class Config:
    """The host, its datastore, and the networks that it serves, each with its options.

    Networks are by the name of their Docker driver; the option ``module`` is where `registry` finds them.
    """

    node: str
    networks: Mapping[str, Mapping[str, Any]]
    etcd: Mapping[str, Any] = field(repr=False)
    docker_socket: str = "/var/run/docker.sock"
    docker_pid_file: Path = Path("/var/run/docker.pid")
    plugins: Path = PLUGINS
    hosts_file: Path = Path("/run/container-network-dns/hosts")
    dnsmasq_pid_file: Path | None = None
    dns_address: str = ""  # the DNS server's address for containers; empty without views
    reserved_names: frozenset[str] = frozenset()
    """Names of hosts, in lower case, by which no container is answered."""

    @classmethod
    def parse(cls, text: str) -> Config:
        """From the file's text; InvalidInput names all problems."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise InvalidInput([f"the configuration is not JSON: {error}"]) from None
        if not isinstance(content, dict):
            raise InvalidInput(["the configuration is not a JSON object"])
        problems = [f"unknown key '{key}'" for key in sorted(set(content) - _KEYS)]
        problems += [f"'{key}' is missing" for key in ("node", "etcd", "networks") if not content.get(key)]
        node = content.get("node")
        if node and not (isinstance(node, str) and NODE_NAME.fullmatch(node)):
            problems.append(f"the node's name {node!r} cannot be a part of keys in etcd: {NODE_NAME_RULE}")
        networks = content.get("networks") or {}
        problems += [
            f"networks: '{name}' has no '{MODULE}', which is where the driver finds it"
            for name, options in networks.items()
            if not isinstance(options, dict) or not isinstance(options.get(MODULE), str) or not options[MODULE]
        ]
        reserved = content.get("reserved_names") or []
        if not (isinstance(reserved, list) and all(isinstance(name, str) for name in reserved)):
            problems.append("'reserved_names' is not a list of names")
        if problems:
            raise InvalidInput(problems)
        paths = {key: Path(content[key]) for key in _PATHS if content.get(key)}
        others = {key: content[key] for key in _TEXTS if content.get(key)}
        names = frozenset(map(str.lower, reserved))
        config = cls(content["node"], networks, content["etcd"], reserved_names=names, **others, **paths)
        config.etcd_client()  # refuses wrong endpoints and certificates now
        return config

    @classmethod
    def read(cls, path: Path) -> Config:
        """From a file."""
        try:
            return cls.parse(path.read_text())
        except OSError as error:
            raise LabError(f"{path} cannot be read: {error.strerror}.") from error
        except InvalidInput as error:
            raise InvalidInput([f"{path}: {problem}" for problem in error.problems]) from None

    def etcd_client(self) -> Etcd:
        """A new client."""
        return Etcd.from_arguments({f"etcd_{key}": value for key, value in self.etcd.items()})
