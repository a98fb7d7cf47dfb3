# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has to reach an etcd with TLS and users, as a role compares it with what the host must have."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ..errors import LabError
from .cluster import CA_FILE, CLIENT_FILE, ETCDCTL, ETCDCTL_FILE

PATHS = tuple(map(Path, (CA_FILE, CLIENT_FILE, ETCDCTL_FILE, ETCDCTL)))


def look() -> dict[str, str]:
    """The SHA-256 checksum of each file that is there, by its path."""
    try:
        return {str(path): sha256(path.read_bytes()).hexdigest() for path in PATHS if path.is_file()}
    except OSError as error:
        raise LabError(f"{error.filename} cannot be read: {error.strerror}.") from error
