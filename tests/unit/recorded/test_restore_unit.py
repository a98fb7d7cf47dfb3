# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore unit: what it says."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.recorded import restore_unit


def test_the_unit() -> None:
    text = next(text for path, text in restore_unit.wanted_files().items() if path.name == restore_unit.UNIT)
    assert "Before=docker.service" in text
    assert "ConditionDirectoryNotEmpty=/etc/container-network\n" in text
    assert "Environment=PYTHONPATH=/usr/local/lib/container-network\n" in text
    assert "TimeoutStartSec=90\n" in text
    assert "{" not in text
