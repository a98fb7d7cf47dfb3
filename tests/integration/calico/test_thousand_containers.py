# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand containers of one host, on a real Docker Engine: Docker, etcd, the kernel and the names say the same."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import Node
from ansible_collections.container_network.lab.plugins.module_utils.calico.store import CalicoStore
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from tests.support.calico_view import KERNEL_VIEW
from tests.support.driver_hosts import DriverHost, eventually, running_cluster
from tests.support.driver_network import rows_of, unlike
from tests.support.kernel_view import links

pytestmark = pytest.mark.long

CONTAINERS = 1000
AT_ONCE = 8
TIMEOUT = 5400.0
"""Seconds for all starts, and for all removals: most of it is Docker's own work, and others may be at work, too."""
AGREEMENT_SECONDS = 600.0
NETWORK = "cal_net1"


@dataclass(frozen=True)
class Thousand:
    """The host, and Calico's datastore."""

    host: DriverHost
    store: CalicoStore

    def start(self, names: list[str]) -> None:
        run = f"run --detach --stop-signal=KILL --name=NAME --network={NETWORK} busybox sleep infinity"
        self._each(names, f"-I NAME docker --host={self.host.docker_host} {run}")

    def remove(self, names: list[str]) -> None:
        """One a command: of many names Docker removes all at once, and misses the ends of some where a hundred end."""
        self._each(names, f"-n 1 docker --host={self.host.docker_host} rm --force --volumes")

    def _each(self, names: list[str], command: str) -> None:
        """A command for all of the names, several of them at once."""
        done = subprocess.run(
            ["sh", "-c", f"xargs -P {AT_ONCE} {command}"],
            input="\n".join(names),
            check=False,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, done.stderr[-3000:]

    def connections(self) -> dict[str, str]:
        """What Docker says: the address of each running container."""
        found = self.host.view.network(NETWORK)["Containers"].values()
        return {one["Name"]: one["IPv4Address"].partition("/")[0] for one in found}

    def kernel(self) -> dict[str, list[tuple[str, ...]]]:
        return rows_of(self.host.run("sh", "-c", KERNEL_VIEW).stdout)

    def names(self) -> list[tuple[str, str]]:
        """All that the host's name server is told: each name with its address."""
        lines = (self.host.folder / "hosts").read_text().splitlines()
        return [(name, line.split()[0]) for line in lines if line[:1].isdigit() for name in line.split()[1:]]

    def disagreements(self) -> list[str]:
        """Where etcd, the kernel and the names say anything else than Docker, or something twice."""
        running = self.connections()
        kernel = self.kernel()
        endpoints = self.store.endpoints()
        device = {one.addresses[0].partition("/")[0]: one.interface for one in endpoints}
        addresses = {str(address) for address in self.store.read(ipam=True).allocations()}
        full = {(f"{name}.{NETWORK}.container", address) for name, address in running.items()}
        names = self.names()
        chains = {(f"cali-{direction}w-{one}",) for one in device.values() for direction in "tf"}
        found = unlike(
            "endpoints in etcd",
            ((one.container, one.addresses) for one in endpoints),
            ((name, (f"{address}/32",)) for name, address in running.items()),
        )
        found += unlike("addresses in use in etcd", addresses, running.values())
        found += [f"etcd: {wrong}" for wrong in [self.store.findings(0)] if wrong]
        found += unlike("routes", kernel.get("route", ()), device.items())
        found += unlike("links", kernel.get("link", ()), ((one,) for one in device.values()))
        found += unlike("chains", kernel.get("chain", ()), chains)
        found += unlike("members of sets", kernel.get("member", ()), ((one,) for one in running.values()))
        found += unlike("names", names, full | set(running.items()))
        for what, entries in (
            ("addresses", running.values()),
            ("endpoints", [one.container for one in endpoints]),
            ("routes", kernel.get("route", ())),
            ("names", names),
        ):
            found += [f"{what}: {entry} {count} times" for entry, count in Counter(entries).items() if count > 1]
        return found

    def await_agreement(self) -> None:
        """As soon as the last names are learnt, or what went is gone."""
        found: list[str] = ["not yet looked"]

        def agree() -> bool:
            found[:] = self.disagreements()
            return not found

        try:
            eventually(agree, AGREEMENT_SECONDS)
        except AssertionError:
            raise AssertionError("\n".join(found)[:5000]) from None


@pytest.fixture
def host(netns_factory: Callable[[], str], tmp_path: Path, busybox_path: str) -> Iterator[DriverHost]:
    with running_cluster(netns_factory, tmp_path) as cluster:
        yield cluster.add_host("host1", busybox_path)


def keys(etcd: Etcd) -> set[str]:
    return {item.key for item in etcd.get_prefixes("/")[0]}


def refusals(host: DriverHost) -> str:
    """What Docker and the driver say of endpoints that did not go."""
    lines = [*(host.folder / "dockerd.log").read_text().splitlines(), *host.log().splitlines()]
    return "\n".join([line for line in lines if "endpoint" in line or "sandbox" in line][-30:])


def test_of_a_thousand_containers_none_is_lost_none_is_double_and_nothing_is_left(host: DriverHost) -> None:
    etcd = Etcd([host.endpoint])
    store = CalicoStore(etcd)
    store.put_pools([IPPool("pool", ip_network("17.2.0.0/20"), 26)])
    store.put_node(Node("host1", f"{host.address}/24"))
    before = keys(etcd)
    options = {"calico": {"module": ".calico.driver", "interface": "eth0"}}
    host.start_driver(etcd={"endpoints": [host.endpoint]}, networks=options)
    thousand = Thousand(host, store)
    host.docker("network", "create", "--driver=calico", "--ipam-driver=calico-ipam", NETWORK)

    names = [f"box{number}" for number in range(CONTAINERS)]
    thousand.start(names)
    assert set(thousand.connections()) == set(names)
    thousand.await_agreement()

    thousand.start(["late"])
    first, last = (thousand.connections()[name] for name in (names[0], names[-1]))
    assert host.pings("late", first)
    assert host.pings("late", last)
    assert host.pings(names[-1], thousand.connections()["late"])
    thousand.await_agreement()

    devices = links(host.netns)
    host.kill_driver()
    host.start_driver()
    thousand.await_agreement()
    assert links(host.netns) == devices  # none was made again
    thousand.remove(names[: CONTAINERS // 2])
    thousand.await_agreement()
    thousand.remove([*names[CONTAINERS // 2 :], "late"])
    thousand.await_agreement()
    assert thousand.connections() == {}, refusals(host)
    # Docker 20.10 keeps the number of endpoints beside them. Where many go at once it does not subtract all,
    # and refuses to remove the network. It counts them again when it starts.
    host.stop_engine()
    host.start_engine()
    assert thousand.connections() == {}
    removal = host.try_docker("network", "rm", NETWORK)
    assert removal.returncode == 0, f"{removal.stderr}\n{refusals(host)}"
    # What is left is the host's blocks, which are empty.
    eventually(lambda: all(key.startswith("/calico/ipam/v2/") for key in keys(etcd) - before))
    assert store.read(ipam=True).allocations() == {}
    assert thousand.kernel() == {}
    assert "Traceback" not in host.log()
    assert "failed in the network driver" not in host.log()
