# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of many hosts for the programs that read test results."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ansible_collections.container_network.lab.plugins.filter.check_table import NO_RESULTS, Results, failure_text

# All that XML 1.0 has no way to write (https://www.w3.org/TR/xml/#charsets), such as a terminal's escape sequences.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def check_junit(results: Results) -> str:
    """A suite for each host and a case for each check, in the XML that JUnit writes; ``results`` as of the table.

    A failed check has what the table says of it. A host without results is a suite whose one case failed.
    """
    root = ElementTree.Element("testsuites", name="container_network.lab")
    for host, checks in results.items():
        suite = ElementTree.SubElement(root, "testsuite", name=host)
        for check in checks:
            case = ElementTree.SubElement(suite, "testcase", classname=host, name=_xml_text(check["name"]))
            if not check["passed"]:
                _add_failure(case, ", ".join(check["expected"]), failure_text(host, check).strip())
        if not checks:
            _add_failure(ElementTree.SubElement(suite, "testcase", classname=host, name="results"), NO_RESULTS, "")
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _add_failure(case: ElementTree.Element, message: str, text: str) -> None:
    ElementTree.SubElement(case, "failure", message=_xml_text(message)).text = _xml_text(text)


def _count(element: ElementTree.Element) -> None:
    element.set("tests", str(len(list(element.iter("testcase")))))
    element.set("failures", str(len(list(element.iter("failure")))))


def _xml_text(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


class FilterModule:
    """Filters of this file."""

    def filters(self):
        """The filters by name."""
        return {"check_junit": check_junit}
