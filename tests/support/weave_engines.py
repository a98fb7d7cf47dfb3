# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts of a Weave network with a real Docker Engine and the driver on each, and a real etcd."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.weave.snapshot import checked_config
from ansible_collections.container_network.lab.plugins.module_utils.weave.store import WeaveStore
from tests.support.driver_hosts import DriverHost, running_cluster

DRIVER = ("--driver=weavemesh", "--ipam-driver=weavemesh", "--opt=works.weave.multicast=true")
FIRST, SECOND = "172.111.222.1", "172.111.222.128"  # the first address of each host's part of the ring


class Hosts:
    """The hosts, and what etcd has."""

    def __init__(self, first: DriverHost, second: DriverHost, endpoint: str) -> None:
        self.first = first
        self.second = second
        self.both = (first, second)
        self.etcd = Etcd([endpoint])
        self.store = WeaveStore(self.etcd)

    def keys(self, prefix: str) -> list[str]:
        """What is stored below a prefix."""
        return [item.key for item in self.etcd.get_prefixes(prefix)[0]]


@contextmanager
def running_hosts(netns_factory: Callable[[], str], folder: Path, busybox_path: str) -> Iterator[Hosts]:
    """The hosts with their drivers, without a Docker network."""
    with running_cluster(netns_factory, folder) as cluster:
        hosts = Hosts(*(cluster.add_host(name, busybox_path) for name in ("host1", "host2")), cluster.endpoint)
        hosts.store.configure(checked_config("172.111.222.0/24", None))
        names = ("7a:00:00:00:00:01", "7a:00:00:00:00:02")
        hosts.store.join({host.name: (host.address, name) for host, name in zip(hosts.both, names)})
        for host in hosts.both:
            options = {"module": ".weave.driver", "mtu": 1376, "datapath": "bridge"}
            host.start_driver(etcd={"endpoints": [cluster.endpoint]}, networks={"weavemesh": options})
        yield hosts


def neighbour(host: DriverHost, container: str, address: str) -> str:
    """The MAC address at which a container looks for an address."""
    found = re.search(rf"^{address} .* lladdr (\S+)", host.docker("exec", container, "ip", "neigh"), re.MULTILINE)
    return found[1] if found else ""
