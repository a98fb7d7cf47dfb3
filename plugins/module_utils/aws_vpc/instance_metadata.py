# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance metadata of EC2, version 2 (IMDSv2): what an instance is told about itself.

Source: the EC2 user guide. The environment variable that botocore reads names another endpoint.
"""

from __future__ import annotations

import http.client
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import LabError

ENDPOINT_VARIABLE = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
_DEFAULT_ENDPOINT = "http://169.254.169.254"
_SECONDS = 2
_TOKEN_LIFE = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
_INSTANCE_ID = re.compile(r"i-[0-9a-z]+")


@dataclass(frozen=True)
class Identity:
    """Which instance this host is."""

    instance_id: str
    region: str


def own_identity() -> Identity:
    """Ask; LabError if nobody answers, as on every host that is no instance."""
    endpoint = urlsplit(os.environ.get(ENDPOINT_VARIABLE) or _DEFAULT_ENDPOINT)
    connection = http.client.HTTPConnection(endpoint.hostname or "", endpoint.port or 80, timeout=_SECONDS)
    try:
        token = _answer(connection, "PUT", "/latest/api/token", _TOKEN_LIFE)
        headers = {"X-aws-ec2-metadata-token": token}
        instance_id = _answer(connection, "GET", "/latest/meta-data/instance-id", headers)
        region = _answer(connection, "GET", "/latest/meta-data/placement/region", headers)
    except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
        raise LabError(
            f"no instance metadata at {endpoint.geturl()} ({error or type(error).__name__}): this host is no EC2 "
            "instance, or may not ask for them. Give instance_id or private_ip, and region"
        ) from error
    finally:
        connection.close()
    if not _INSTANCE_ID.fullmatch(instance_id):
        raise LabError(f"what {endpoint.geturl()} says is no instance id ({instance_id[:40]!r}): give instance_id")
    return Identity(instance_id, region)


def _answer(connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str]) -> str:
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    text = response.read().decode()
    if response.status != http.client.OK:
        raise OSError(f"{method} {path} is answered by {response.status} {response.reason}")
    return text.strip()
