# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``neutron-get`` of a host: prints what Neutron has at a path, as ``neutron-get ports?fields=id``."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import LabError
from .credentials import read_credentials
from .neutron import Neutron

_USAGE = "usage: neutron-get PATH, as neutron-get 'ports?fields=id&fields=status'"


def main(arguments: list[str]) -> int:
    """Arguments: the URL of Neutron, the file of credentials or an empty text, and the path."""
    try:
        url, file, path = arguments
    except ValueError:
        sys.stderr.write(f"{_USAGE}\n")
        return 2
    try:
        found = Neutron(url, read_credentials(Path(file)) if file else None).text(path)
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
