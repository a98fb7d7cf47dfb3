# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that the DNS server's unit runs before it starts: queries to port 53 of its address come to its own port.

So containers are answered also while the network driver does not run, as early in a boot. Rules of views, which the
driver has added, stay.

usage: python3 -m container_network.driver.dns_redirect ADDRESS
"""

from __future__ import annotations

import sys
from dataclasses import replace

from ..errors import LabError
from ..kernel import iptables
from ..kernel.host_lock import alone_on_the_host
from .dns_views import redirection


def ensure_redirection(address: str) -> None:
    """Make the chain and the jumps to it, unless they are there. The network driver may do so in the same moment."""
    alone = redirection((), address)
    with alone_on_the_host(check_mode=False):
        current = iptables.read("ipv4")
        chains = {key: current.get(key) or rules for key, rules in alone.chains.items()}
        steps = iptables.plan(replace(alone, chains=chains), [], current)
        if steps:
            iptables.restore("ipv4", steps)


def main() -> None:
    """Run as a program, whose errors are lines on standard error."""
    try:
        ensure_redirection(sys.argv[1])
    except LabError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
