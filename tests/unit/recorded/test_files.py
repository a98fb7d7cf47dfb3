# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.recorded import records
from ansible_collections.container_network.lab.plugins.module_utils.recorded.files import RecordedFile, converge_files


def test_the_folder_of_all_records_goes_with_the_last_marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RECORDS", tmp_path / "container-network")
    markers = [RecordedFile(records.RECORDS / "networks" / name, "", 0o644) for name in ("first", "second")]
    converge_files(markers, [], False)
    converge_files(markers[:1], [markers], False)
    assert markers[0].path.exists()
    converge_files([], [markers], False)
    assert list(tmp_path.iterdir()) == []
