# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that are given by hand, by ``weave dns-add`` and ``weave expose -h``. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from ..errors import LabError
from .constants import DOMAIN
from .ring import Address
from .snapshot import Endpoint

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_LONGEST = 253  # characters of a full name: RFC 1035, 2.3.4


def checked_name(text: str) -> str:
    """A name of Weave's domain, without the domain: ``web`` from ``Web.weave.local``, and from ``web``."""
    full = text.lower().rstrip(".")
    name = full.removesuffix(f".{DOMAIN}")
    if name == full and "." in name:
        raise LabError(
            f"the name '{text}' is not in {DOMAIN}, which is all that is answered here: write NAME.{DOMAIN}."
        )
    if not _NAME.fullmatch(name) or len(f"{name}.{DOMAIN}") > _LONGEST:
        raise LabError(
            f"the name '{text}' cannot be one of DNS: write NAME.{DOMAIN}, with letters, digits, '-' and '_', up to 63 "
            "between two dots."
        )
    return name


def split_targets(targets: Iterable[str]) -> tuple[list[Address], str | None]:
    """Addresses, and the container if there is one."""
    addresses, others = [], []
    for text in targets:
        try:
            addresses.append(Address(text))
        except ValueError:
            others.append(text)
    if len(others) > 1:
        raise LabError(
            f"'{' '.join(others)}' is more than one container: name one, and addresses as 172.111.222.5 before it."
        )
    return addresses, others[0] if others else None


def addresses_of(endpoints: Iterable[Endpoint]) -> list[Address]:
    """All addresses of a container's connections."""
    return [ipaddress.IPv4Interface(text).ip for one in endpoints for text in one.addresses]
