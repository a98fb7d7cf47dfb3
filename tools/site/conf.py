# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the site. The pages are Markdown as a repository shows it, in the folders of the repository."""

import sys
from pathlib import Path

import sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = html_title = "container_network.lab"
copyright = "2026, container_network.lab contributors"
root_doc = "docs/index"
include_patterns = [
    "README*.md",
    "SECURITY.md",
    "docs/**.md",
    "roles/*/README.md",
    "tests/**/README.md",
    "reference/*.rst",
]
exclude_patterns = [".*", "collections"]
extensions = [
    "myst_parser",
    "sphinx_antsibull_ext",
    "reference_pages",
    "navigation",
    "pictures",
    "two_languages",
    "two_language_search",
]

myst_heading_anchors = 6
myst_enable_extensions = ["html_image"]
suppress_warnings = ["misc.highlighting_failure", "myst.header"]

language = "en"
html_theme = "furo"
templates_path = [str(HERE / "templates")]
# Sphinx's own Chinese for what scripts write on pages is taken by two_languages.
html_static_path = [str(HERE / "static"), str(Path(sphinx.package_dir, "locale/zh_CN/LC_MESSAGES/sphinx.js"))]
html_css_files = ["site.css"]
html_search_scorer = str(HERE / "scorer.js")
html_copy_source = False
html_use_index = False
# Of straight quotation marks they would make curved ones, which point the wrong way behind a Chinese letter.
smartquotes = False
html_show_sphinx = False
