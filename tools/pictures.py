# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/pictures from a walk on the lab four_nodes; keeps what was seen, from which a test makes them again."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from tests.support.pictures import FACTS, FOLDER, READMES, pictures, readme_with, without_machine  # noqa: E402

ENDS = ("from=node-1/busybox", "to=node-4/busybox")


def main() -> None:
    """Walk, and draw."""
    with tempfile.TemporaryDirectory() as folder:
        facts = Path(folder) / "facts.json"
        words = [*ENDS, "expect=delivered", f"walk_facts={facts}", f"dest={folder}"]
        playbook = ["ansible-playbook", "-i", "inventories/four_nodes", "playbooks/walk.yml"]
        variables = [word for each in words for word in ("-e", each)]
        subprocess.run([str(ROOT / "tools" / "as_root"), *playbook, *variables], check=True, cwd=ROOT)
        found = without_machine(json.loads(facts.read_text()))
    FACTS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    FOLDER.mkdir(exist_ok=True)
    made = pictures(found)
    for name, text in made.items():
        (FOLDER / name).write_text(text)
    for readme in READMES:
        readme.write_text(readme_with(readme.read_text(), made["walk.txt"]))


if __name__ == "__main__":
    main()
