# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's forwarding of IPv6 packets: on while a network needs it, and afterwards off again where it was off before.

IPv4's is left to Docker, which turns it on when it starts. A host that forwards IPv6 no longer takes its own default
route from router advertisements (``accept_ra`` 1 in the kernel's ip-sysctl.rst); 2 makes it take them all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..atomic_file import remove_file
from ..outcome import Outcome
from . import sysctl

_SETTING = "net.ipv6.conf.all.forwarding"


@dataclass(frozen=True)
class Ipv6Forwarding:
    """The setting of the caller's network namespace, and the file that is there while it is on because of us.

    The file is where a boot removes it, as a boot turns the setting off.
    """

    note: Path = Path("/run/container-network/ipv6-forwarding")

    def converge(self, wanted: bool, check_mode: bool) -> Outcome:
        """Turn it on if it is wanted; if it is not, turn off what was turned on here."""
        is_on = sysctl.find(_SETTING) not in (None, "0")  # a kernel without IPv6 has none
        after = True if wanted else is_on and not self.note.exists()
        if after != is_on and not check_mode:
            if wanted:
                self.note.parent.mkdir(parents=True, exist_ok=True)
                self.note.touch()
            sysctl.write(_SETTING, str(int(after)))
        if not wanted and not check_mode and self.note.exists():
            remove_file(self.note)
        return Outcome({"ipv6_forwarding": is_on}, {"ipv6_forwarding": after})
