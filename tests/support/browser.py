# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages in headless Chromium, asked by a script behind them."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

_BEFORE = '<script>window.failures = []; addEventListener("error", event => failures.push(event.message));</script>'


def browse(page: str, folder: Path, *options: str, behind: str, size: str = "1400,900") -> dict[str, Any]:
    """What ``behind``, HTML in place of the body's end, leaves as JSON in the element ``report``."""
    probed = folder / "page.html"
    probed.write_text(page.replace("<head>", f"<head>{_BEFORE}", 1).replace("</body>", behind, 1))
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
        f"--window-size={size}", *options, "--virtual-time-budget=5000", "--dump-dom", probed.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    report = re.search(r'<pre id="report">(.*?)</pre>', done.stdout, re.DOTALL)
    assert report, done.stdout[-2000:]
    return json.loads(unescape(report[1]))
