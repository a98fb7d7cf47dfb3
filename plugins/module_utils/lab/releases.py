# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian releases of which a lab host is made: its own, and the one that its Docker Engine comes from. Pure."""

from __future__ import annotations

HOST_RELEASES = ("bookworm", "trixie")
ENGINE_RELEASES = ("bookworm", "trixie", "forky", "sid")
"""From old to new."""
# Packages need a C library that is not much older than their release: those of trixie and forky ask for one
# that bookworm lacks, and trixie has.
ENGINES_OF_HOST = {"bookworm": ("bookworm",), "trixie": ENGINE_RELEASES}


def release_problems(host: str, engine: str) -> list[str]:
    """What is wrong with the variables lab_debian_release and lab_engine_release."""
    found = []
    if host not in HOST_RELEASES:
        found.append(f"lab_debian_release '{host}': a lab host is made of {' or '.join(HOST_RELEASES)}.")
    if engine not in ENGINE_RELEASES:
        known = ", ".join(ENGINE_RELEASES)
        found.append(f"lab_engine_release '{engine}': the Docker Engine is taken from one of {known}.")
    if not found and engine not in ENGINES_OF_HOST[host]:
        fitting = [other for other, engines in ENGINES_OF_HOST.items() if engine in engines]
        found.append(
            f"lab_engine_release '{engine}': the packages of its Docker Engine need a newer C library than that of "
            f"{host}: set lab_debian_release to {' or '.join(fitting)}, or lab_engine_release to "
            f"{' or '.join(ENGINES_OF_HOST[host])}."
        )
    return found
