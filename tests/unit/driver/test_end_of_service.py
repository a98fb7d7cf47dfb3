# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the service ends, and what it tells of itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_SERVICE = """
import signal, sys, threading
from pathlib import Path
from ansible_collections.container_network.lab.plugins.module_utils.driver.__main__ import serve

class Worker:
    synced = threading.Event()

    def start(self):
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        main = Path(f"/proc/self/task/{threading.main_thread().native_id}/stat")
        while main.read_text().rpartition(") ")[2][0] != "S":  # until it waits, see proc_pid_stat(5)
            pass
        for name in sys.argv[1:]:
            signal.pthread_kill(threading.get_ident(), getattr(signal, name))
        threading.Event().wait()

    def stop(self):
        print("stopped", flush=True)

Worker.synced.set()
serve([Worker()])
"""


def _ends(*signals: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", _SERVICE, *signals]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT / "collections")}
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True, env=environment)


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_the_service_ends_whichever_thread_gets_the_signal(number):
    """The kernel may choose any thread for a signal to a process, see signal(7); the main thread waits meanwhile."""
    assert _ends(number).stdout == "stopped\n"


def test_on_sigusr1_the_service_tells_where_each_thread_is_and_goes_on():
    ended = _ends("SIGUSR1", "SIGTERM")
    assert ended.stdout == "stopped\n"
    assert "Current thread" in ended.stderr
    assert "in work" in ended.stderr
    assert "in serve" in ended.stderr
