# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the generated pages need to stand in this site.

Their references to Ansible's own documentation lead to its site: asking it for its list of labels, as Sphinx can,
would need the network for each build. Their tables of contents go, since the theme has one beside each page.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
PLACES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
PLUGIN = re.compile(r"ansible_collections\.(\w+)\.(\w+)\.(\w+)")


def page_of(label: str) -> str | None:
    """The address of what the label names, or None if it is none of Ansible's."""
    if label in PLACES:
        return f"{ANSIBLE}/{PLACES[label]}"
    plugin = PLUGIN.match(label)
    return f"{ANSIBLE}/collections/{plugin[1]}/{plugin[2]}/{plugin[3]}.html" if plugin else None


def link_to_ansible(_app: Any, _env: Any, reference: Any, text: nodes.Node) -> nodes.Node | None:
    """A link in the place of the reference; a label that nobody knows stays, and fails the build."""
    address = page_of(reference["reftarget"]) if reference["reftype"] == "ref" else None
    return nodes.reference("", "", text, internal=False, refuri=address) if address else None


def without_contents(_app: Any, page: str, source: list[str]) -> None:
    """Takes the table of contents out of a generated page."""
    if page.startswith("reference/"):
        source[0] = re.sub(r"^\.\. contents::\n(?: +:.*\n)*", "", source[0], flags=re.MULTILINE)


def setup(app: Any) -> dict[str, bool]:
    """Registers the extension."""
    app.connect("source-read", without_contents)
    app.connect("missing-reference", link_to_ansible)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
