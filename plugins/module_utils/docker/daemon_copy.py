# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that runs before each start and each reload of Docker: a copy of daemon.json without its DNS servers.

dockerd reads the copy, since its containers ask a DNS server of the host; that one asks the servers of the file, or
those of /etc/resolv.conf if the file has none.

usage: python3 -m container_network.docker.daemon_copy UPSTREAM FILE COPY
"""

from __future__ import annotations

import ipaddress
import json
import sys
from pathlib import Path

from ..atomic_file import replace_by_link, replace_file
from ..errors import LabError

RESOLV_CONF = Path("/etc/resolv.conf")


def split(content: bytes) -> tuple[bytes, list[str]]:
    """A daemon.json without its DNS servers, and these.

    What is not as dockerd wants it stays as it is, so that dockerd says what is wrong with it.
    """
    try:
        document = json.loads(content) if content.strip() else {}
        servers = [str(ipaddress.ip_address(server)) for server in document.get("dns") or []]
    except (AttributeError, TypeError, ValueError):
        return content, []
    document.pop("dns", None)
    return (json.dumps(document, indent=1) + "\n").encode(), servers


def write_copy(file: Path, copy: Path) -> list[str]:
    """Make the copy, which root alone may read; returns the DNS servers of the file."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        content = b""
    except OSError as error:
        raise LabError(f"{file} cannot be read: {error.strerror}.") from error
    kept, servers = split(content)
    replace_file(copy, kept, 0o600)
    return servers


def write_upstream(upstream: Path, servers: list[str]) -> None:
    """Write the servers that the host's DNS server asks, in the form of resolv.conf(5); it notices another file."""
    if servers:
        replace_file(upstream, "".join(f"nameserver {server}\n" for server in servers).encode(), 0o644)
        return
    replace_by_link(upstream, RESOLV_CONF)


def main() -> None:
    """Run as a program, whose errors are lines on standard error."""
    upstream, file, copy = map(Path, sys.argv[1:])
    try:
        write_upstream(upstream, write_copy(file, copy))
    except LabError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
