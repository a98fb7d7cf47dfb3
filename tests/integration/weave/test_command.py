# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``weave``, on hosts with a real Docker Engine and the driver."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.weave.snapshot import ADDRESSES, ENDPOINTS, NAMES
from tests.support.driver_hosts import DriverHost, create_on_all, eventually
from tests.support.weave_engines import DRIVER, FIRST, Hosts, neighbour, running_hosts

_ROOT = Path(__file__).resolve().parents[3]
COMMAND = "ansible_collections.container_network.lab.plugins.module_utils.weave.command"


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, busybox_path: str, module_netns_factory: Callable[[], str]
) -> Iterator[Hosts]:
    with running_hosts(module_netns_factory, tmp_path_factory.mktemp("weave"), busybox_path) as hosts:
        create_on_all(hosts.both, "weavemesh", "weave", *DRIVER)
        yield hosts


@pytest.fixture
def hosts(running: Hosts) -> Iterator[Hosts]:
    """Without containers, and afterwards without anything that a test left in etcd."""
    yield running
    for host in running.both:
        try_weave(host, "hide")
        for name in host.docker("ps", "--quiet").split():
            try_weave(host, "detach", name)
            host.docker("rm", "--force", name)
    for prefix in (ADDRESSES, ENDPOINTS, NAMES):
        assert eventually(lambda prefix=prefix: not running.keys(prefix)), prefix


def try_weave(host: DriverHost, *arguments: str) -> subprocess.CompletedProcess:
    """The finished command."""
    path = f"PYTHONPATH={_ROOT}:{_ROOT}/collections"
    command = ["env", path, sys.executable, "-m", COMMAND, str(host.folder / "driver.json")]
    done = host.run(*command, *arguments, check=False)
    assert "Traceback" not in done.stderr
    return done


def weave(host: DriverHost, *arguments: str) -> list[str]:
    """What the command prints, which must succeed."""
    done = try_weave(host, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def refused(host: DriverHost, *arguments: str) -> str:
    """The sentence of a command that must fail."""
    done = try_weave(host, *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr.rstrip("\n")


def run(host: DriverHost, name: str, *options: str) -> str:
    host.docker("run", "--detach", f"--name={name}", *options, "busybox", "sleep", "infinity")
    return name


def routes(host: DriverHost, container: str) -> list[str]:
    return [" ".join(line.split()) for line in host.docker("exec", container, "ip", "route").splitlines()]


def test_the_network_as_it_is(hosts: Hosts) -> None:
    run(hosts.second, "c2", "--network=weave")
    eventually(lambda: weave(hosts.first, "dns-lookup", "c2"))  # Docker tells names late
    for part in ([], ["connections"], ["peers"], ["ipam"], ["dns"]):
        assert weave(hosts.first, "status", *part)
    assert weave(hosts.first, "status", "targets") == [hosts.second.address]
    assert len(weave(hosts.first, "version")) == 1
    report = json.loads("\n".join(weave(hosts.first, "report")))
    assert report["Router"]["Targets"] == [hosts.second.address]
    assert {entry["Nickname"]: (entry["Size"], entry["Active"]) for entry in report["IPAM"]["Entries"]} == {
        "host1": (128, 0),
        "host2": (128, 1),
    }
    assert [entry["Hostname"] for entry in report["DNS"]["Entries"]] == ["c2.weave.local."]


def test_an_exposed_host_has_a_name_while_it_is_exposed(hosts: Hosts) -> None:
    address = weave(hosts.first, "expose", "-h", "gateway.weave.local")
    assert weave(hosts.second, "dns-lookup", "gateway") == address
    assert f"gateway      {address[0]:<15} weave:expose 7a:00:00:00:00:01" in weave(hosts.second, "status", "dns")
    eventually(lambda: f"{address[0]} gateway.weave.local gateway\n" in (hosts.second.folder / "hosts").read_text())
    assert "is not in weave.local" in refused(hosts.first, "expose", "-h", "gateway.example.com")
    assert weave(hosts.first, "hide") == address
    assert weave(hosts.second, "dns-lookup", "gateway") == []


def test_further_names_of_a_container_and_of_others(hosts: Hosts) -> None:
    run(hosts.first, "c1")
    (address,) = weave(hosts.first, "attach", "c1")
    weave(hosts.first, "dns-add", "c1", "-h", "web.weave.local")
    weave(hosts.first, "dns-add", "192.0.2.77", "-h", "web")
    assert weave(hosts.second, "dns-lookup", "web") == [address, "192.0.2.77"]
    eventually(lambda: f"{address} web.weave.local web\n" in (hosts.second.folder / "hosts").read_text())
    weave(hosts.first, "dns-remove", "192.0.2.77", "-h", "web")
    assert weave(hosts.second, "dns-lookup", "web") == [address]
    assert "no such name was given on this host" in refused(hosts.second, "dns-remove", address)
    weave(hosts.first, "dns-add", "c1", "-h", "other")
    weave(hosts.first, "dns-remove", "c1", "-h", "other")
    assert weave(hosts.second, "dns-lookup", "web") == [address]
    weave(hosts.first, "detach", "c1")
    assert weave(hosts.second, "dns-lookup", "web") == []
    assert "'c1' is not on the Weave network" in refused(hosts.first, "dns-add", "c1", "-h", "web")
    assert "c1 is NAME.weave" not in refused(hosts.first, "dns-add", "c1")


def test_aliases_of_docker_are_listed_and_looked_up(hosts: Hosts) -> None:
    run(hosts.first, "p-web-1", "--network=weave", "--network-alias=web", "--hostname=front.weave.local")
    address = hosts.first.address_of("p-web-1", "weave")
    for name in ("web", "front.weave.local", "p-web-1"):
        eventually(lambda name=name: weave(hosts.second, "dns-lookup", name) == [address])
    assert [line.split()[0] for line in weave(hosts.second, "status", "dns")] == ["front", "p-web-1", "web"]


def test_the_names_of_a_container_go_with_it(hosts: Hosts) -> None:
    run(hosts.first, "c1", "--network=weave")
    eventually(lambda: weave(hosts.first, "dns-lookup", "c1"))
    weave(hosts.first, "dns-add", "c1", "-h", "web")
    hosts.first.docker("rm", "--force", "c1")
    eventually(lambda: hosts.keys(NAMES) == [])


def test_attaching_and_detaching_leave_the_route_of_multicast_as_it_was(hosts: Hosts) -> None:
    run(hosts.first, "c1", "--network=weave")
    before = routes(hosts.first, "c1")
    assert "224.0.0.0/4 dev ethwe0 scope link" in before
    (address,) = weave(hosts.first, "attach", "c1")
    assert [one for one in routes(hosts.first, "c1") if address not in one] == before
    assert weave(hosts.first, "detach", "c1") == [address]
    assert routes(hosts.first, "c1") == before

    run(hosts.first, "c2")
    weave(hosts.first, "attach", "--no-multicast-route", "c2")
    assert not [one for one in routes(hosts.first, "c2") if one.startswith("224.")]
    weave(hosts.first, "attach", "c2")
    assert "224.0.0.0/4 dev ethwe scope link" in routes(hosts.first, "c2")


def test_a_shared_namespace_has_one_connection(hosts: Hosts) -> None:
    run(hosts.first, "s1")
    run(hosts.first, "s2", "--network=container:s1")
    run(hosts.first, "s3", "--network=container:s2")
    (address,) = weave(hosts.first, "attach", "s1")
    # Not IPv6, of whose addresses the kernel says for a while that they are tentative.
    before = hosts.first.docker("exec", "s1", "ip", "-o", "-4", "addr")
    for verb in ("attach", "detach", "ps"):
        assert refused(hosts.first, verb, "s2") == (
            "container 's2' shares the network of container 's1' (--net container:s1): give that name; both are on "
            "Weave then."
        )
    assert "shares the network of container 's" in refused(hosts.first, "attach", "s3")
    assert hosts.first.docker("exec", "s2", "ip", "-o", "-4", "addr") == before
    assert weave(hosts.first, "detach", "s1") == [address]
    run(hosts.first, "h1", "--network=host")
    run(hosts.first, "h2", "--network=container:h1")
    assert "shares the network of container 'h1'" in refused(hosts.first, "attach", "h2")
    assert "expose the host instead" in refused(hosts.first, "attach", "h1")


def test_a_connection_that_somebody_cut_is_detached(hosts: Hosts) -> None:
    run(hosts.first, "c1")
    (address,) = weave(hosts.first, "attach", "c1")
    (endpoint,) = hosts.store.read().endpoints
    hosts.first.run("ip", "link", "delete", endpoint.device)
    assert weave(hosts.first, "detach", "c1") == [address]
    assert hosts.keys(ADDRESSES) == []


def test_one_of_two_addresses_of_a_subnet_is_detached(hosts: Hosts) -> None:
    run(hosts.first, "c1")
    both = weave(hosts.first, "attach", "172.111.222.5/24", "172.111.222.6/24", "c1")
    assert both == ["172.111.222.5 172.111.222.6"]
    assert weave(hosts.first, "detach", "172.111.222.5/24", "c1") == ["172.111.222.5"]
    shown = hosts.first.docker("exec", "c1", "ip", "-o", "-4", "addr", "show", "dev", "ethwe")
    assert "172.111.222.6/24" in shown
    assert "172.111.222.5/24" not in shown
    assert "172.111.222.0/24 dev ethwe scope link src 172.111.222.6" in routes(hosts.first, "c1")
    assert "224.0.0.0/4 dev ethwe scope link" in routes(hosts.first, "c1")


def test_a_container_is_run_and_attached(hosts: Hosts) -> None:
    second = run(hosts.second, "c2", "--network=weave")
    (identifier,) = weave(hosts.first, "run", "172.111.222.9/24", "--name", "c1", "busybox", "sleep", "infinity")
    assert hosts.first.docker("ps", "--quiet", "--no-trunc") == identifier
    eventually(lambda: hosts.second.pings(second, "172.111.222.9"))
    assert weave(hosts.second, "dns-lookup", "c1") == ["172.111.222.9"]
    assert "started no container" in refused(hosts.first, "run", "--name", "c1", "busybox")
    assert "net:10.2.0.0/16 is no part of" in refused(hosts.first, "run", "net:10.2.0.0/16", "busybox")
    refused_later = refused(hosts.first, "run", "--network=host", "--name=h1", "busybox", "sleep", "infinity")
    assert "is not on the network: container" in refused_later


def test_an_attached_container_answers_to_its_host_name(hosts: Hosts) -> None:
    """If it is of Weave's domain, as Weave has it."""
    run(hosts.first, "c1", "--hostname=Web.weave.local")
    run(hosts.first, "c2", "--hostname=web.example.com")
    (address,) = weave(hosts.first, "attach", "c1")
    weave(hosts.first, "attach", "c2")
    assert weave(hosts.second, "dns-lookup", "web.weave.local") == [address]
    assert [one.rpartition("/")[0].rpartition("/")[2] for one in hosts.keys(NAMES)] == ["web"]
    (more,) = weave(hosts.first, "attach", "172.111.222.9/24", "c1")
    assert weave(hosts.second, "dns-lookup", "web") == [address, more]
    weave(hosts.first, "detach", "c1")
    assert hosts.keys(NAMES) == []


def test_a_container_of_docker_is_not_detached_without_a_word(hosts: Hosts) -> None:
    run(hosts.first, "c1", "--network=weave")
    eventually(lambda: weave(hosts.first, "dns-lookup", "c1") == [FIRST])
    assert refused(hosts.first, "detach", "c1") == (
        "container 'c1' is not attached; it is on Weave by Docker's network 'weave': 'docker network disconnect weave "
        "c1' takes it away."
    )
    hosts.first.docker("rm", "--force", "c1")
    run(hosts.first, "c1")
    assert weave(hosts.first, "detach", "c1") == []


def test_an_address_that_another_one_had_is_announced(hosts: Hosts) -> None:
    """Whether a container gets it, or the host."""
    run(hosts.second, "c2", "--network=weave")
    for name in ("c1", "c3"):
        run(hosts.first, name)
    eventually(lambda: weave(hosts.first, "attach", "172.111.222.9/24", "c1"))
    eventually(lambda: hosts.second.pings("c2", "172.111.222.9"))
    weave(hosts.first, "detach", "c1")
    weave(hosts.first, "attach", "172.111.222.9/24", "c3")
    (endpoint,) = hosts.store.read().endpoints_of("host1").values()
    eventually(lambda: neighbour(hosts.second, "c2", "172.111.222.9") == endpoint.mac, 2)
    weave(hosts.first, "detach", "c3")
    weave(hosts.first, "expose", "172.111.222.9/24")
    eventually(lambda: neighbour(hosts.second, "c2", "172.111.222.9") == "7a:00:00:00:00:01", 2)
