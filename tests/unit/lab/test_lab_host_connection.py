# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use the connection lab_host."""

from __future__ import annotations

import os

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext

from ansible_collections.container_network.lab.plugins.connection.lab_host import Connection


def test_a_user_learns_how_to_enter_a_lab_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "get_option", lambda _self, option: {"container": "node-1"}[option])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("LOGNAME", "anna")
    with pytest.raises(AnsibleConnectionFailure) as failure:
        Connection(PlayContext()).exec_command("true")
    assert str(failure.value) == (
        "lab host node-1 can be entered by root only, and this is user 'anna': "
        'run the same with sudo and your own search path, sudo env "PATH=$PATH" ansible-playbook ...'
    )
