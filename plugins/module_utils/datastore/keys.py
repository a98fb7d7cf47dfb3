# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that people chose, as parts of keys of etcd. Pure.

Keys are paths, and a name may have a slash, or a line's end. What would divide a key, or hide in a terminal, is
written as in a URL; all else stays readable.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

_WRITTEN_OTHERWISE = re.compile(r"[%/\x00-\x1f\x7f]")


def key_part(name: str) -> str:
    """A name as one part of a key; different names never become one."""
    return _WRITTEN_OTHERWISE.sub(lambda found: quote(found[0], safe=""), name)


def name_of_part(part: str) -> str:
    """The name of a part."""
    return unquote(part)
