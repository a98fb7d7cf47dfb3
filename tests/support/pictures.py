# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the documentation, made from what was seen on a real lab."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

from ansible_collections.container_network.lab.plugins.filter.draw import topology_drawing
from ansible_collections.container_network.lab.plugins.filter.walk import topology_walk_report

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "pictures"
FACTS = ROOT / "tests" / "unit" / "topology" / "recorded" / "pictures.json"
READMES = (ROOT / "README.md", ROOT / "README.zh.md")
TITLE = "four_nodes"
_README_WALK = re.compile(r"^    A packet from .*?(?=^\S)", re.MULTILINE | re.DOTALL)


def pictures(facts: dict[str, Any]) -> dict[str, str]:
    """The files by name: the lab, a walk in it, and the walk's text."""
    drawing = topology_drawing(facts["hosts"], facts["routers"], TITLE)
    walk = {name: value for name, value in facts.items() if name != "hosts"}
    report = topology_walk_report(facts["hosts"], title=TITLE, **walk)
    return {"four_nodes.svg": drawing["svg"], "walk.svg": report["svg"], "walk.txt": report["text"]}


def readme_with(readme: str, walk: str) -> str:
    """The README with the first steps of the walk, up to the wire."""
    shown = walk[: walk.index("\n  4 ")].rstrip()
    block = textwrap.indent(f"{shown}\n\n  …\n", "    ", lambda line: bool(line.strip()))
    return _README_WALK.sub(lambda _found: f"{block}\n", readme, count=1)


def without_machine(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts without what only the machine has that they were found on: its boot, kernel, other containers."""
    boots = {
        namespace["id"].partition("/")[0]
        for seen in (*(each["topology"] for each in facts["hosts"].values()), facts["routers"])
        for namespace in seen["namespaces"]
    }
    text = json.dumps(facts)
    for boot in boots:
        text = text.replace(boot, "boot")
    found = json.loads(text)
    for seen in (*(each["topology"] for each in found["hosts"].values()), found["routers"]):
        seen["kernel"] = ""
        for namespace in seen["namespaces"]:
            namespace["tables"]["resolver"] = []
    found["hosts"] = {name: {"topology": each["topology"]} for name, each in found["hosts"].items()}
    found["routers"].update(name="localhost", system="", engine=None, engine_problem="", containers=[], services={})
    return found
