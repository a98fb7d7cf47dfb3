# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two modes of iptables, nft and legacy: a packet passes the rules of both, and each program sees its own only.

Docker and our modules write rules by the command iptables, whose mode is chosen by update-alternatives(1). When it is
changed while Docker runs, Docker's rules stay behind in the other mode, with a policy DROP for what is forwarded.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from .command import run

NFT, LEGACY = "nft", "legacy"
_LEGACY_TABLES = Path("/proc/net/ip_tables_names")
_SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_CHAINS = ("DOCKER", "CONTAINER-NAMES")
"""Docker's, and those that lead containers to the servers of their names."""


def mode_problems(chains_of_networks: Sequence[str]) -> list[str]:
    """What is wrong with the mode of this host's iptables: rules of Docker or of a network are in the other one.

    ``chains_of_networks`` is what the names of the networks' chains begin with.
    """
    program = shutil.which("iptables", path=_SEARCH_PATH)
    if program is None:
        return []
    mode = NFT if "nft" in os.path.realpath(program) else LEGACY
    other = LEGACY if mode == NFT else NFT
    chains = _chains_in(other, (*_CHAINS, *chains_of_networks))
    if not chains:
        return []
    return [
        f"{os.uname().nodename}: iptables is in the mode {mode}, and there are rules of the mode {other} "
        f"({_named(chains)}), which packets pass as well, and nobody keeps any more: restart the host, "
        f"so that Docker and the network write theirs anew, or go back to the other mode ('update-alternatives --set "
        f"iptables /usr/sbin/iptables-{other}' there)"
    ]


def _named(chains: list[str]) -> str:
    return f"chains {', '.join(chains[:3])}{' …' if len(chains) > 3 else ''}"


def _chains_in(mode: str, beginnings: Sequence[str]) -> list[str]:
    """The chains of a mode whose names begin so."""
    if mode == LEGACY and not _has_legacy_tables():
        return []
    program = shutil.which(f"iptables-{mode}-save", path=_SEARCH_PATH)
    if program is None:
        return []
    rules = run([program], package="iptables").splitlines()
    names = [line[1:].split()[0] for line in rules if line.startswith(":")]
    return [name for name in names if name.startswith(tuple(beginnings))]


def _has_legacy_tables() -> bool:
    """Whether the kernel has any; asking the program would make them."""
    try:
        return bool(_LEGACY_TABLES.read_text().strip())
    except OSError:
        return False
