# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m tests.benchmarks [NAME …]``, as root, from the root of the repository.

Without a name, all are measured that need no lab: not the throughput, which needs one with a network on it, not the
runs of ``site.yml``, which need one that is up, and not what further hosts cost, which makes one.
"""

from __future__ import annotations

import os
import sys

from . import (
    calico_endpoints,
    calico_hosts,
    flannel_hosts,
    further_hosts,
    netlink_ways,
    overlay_endpoints,
    site_runs,
    tables,
    throughput,
    veth_pairs,
)

BENCHMARKS = {
    "tables": tables.measure,
    "netlink": netlink_ways.measure,
    "veth": veth_pairs.measure,
    "flannel": flannel_hosts.measure,
    "calico-endpoints": calico_endpoints.measure,
    "calico-hosts": calico_hosts.measure,
    "overlay-endpoints": overlay_endpoints.measure,
    "throughput": throughput.measure,
    "site": site_runs.measure,
    "further-hosts": further_hosts.measure,
}
ON_A_LAB = ("throughput", "site", "further-hosts")


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("measuring needs root", file=sys.stderr)
        return 2
    for name in names or [name for name in BENCHMARKS if name not in ON_A_LAB]:
        print(BENCHMARKS[name](), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
