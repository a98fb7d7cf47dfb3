# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts of the network driver: Docker's messages, pool ids, names, configuration, and the plan of a resync."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_interface, ip_network

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.driver import libnetwork
from ansible_collections.container_network.lab.plugins.module_utils.driver.__main__ import workers
from ansible_collections.container_network.lab.plugins.module_utils.driver.config import Config
from ansible_collections.container_network.lab.plugins.module_utils.driver.converger import Converger, ResyncSchedule
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_names import (
    ContainerName,
    answers,
    hosts_text,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_views import (
    View,
    networks_by_address,
    plan_views,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.docker_view import DockerEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.driver.endpoints import (
    HeldAddress,
    StoredEndpoint,
    container_names,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.following import Following
from ansible_collections.container_network.lab.plugins.module_utils.driver.libnetwork import PoolId
from ansible_collections.container_network.lab.plugins.module_utils.driver.network import Network
from ansible_collections.container_network.lab.plugins.module_utils.driver.network_records import NetworkRecord
from ansible_collections.container_network.lab.plugins.module_utils.driver.reconcile_plan import (
    GraceTracker,
    Plan,
    plan,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.registry import (
    network_class,
    network_classes,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.service import Driver
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError


def endpoint(number: int, address: str, running: bool = True) -> DockerEndpoint:
    return DockerEndpoint(f"e{number}", "n", f"c{number}", f"name{number}", (address,), "net1", running)


def stored(number: int, address: str, container: str | None = None) -> StoredEndpoint:
    return StoredEndpoint(f"e{number}", "host1", "net1", (address,), f"cali{number}", container or f"name{number}")


def held(*addresses: str, space: str = "") -> set[HeldAddress]:
    return {HeldAddress(space, address) for address in addresses}


def planned(living=(), known=(), addresses=(), devices=(), space=lambda _network: "") -> Plan:
    by_id = {one.endpoint_id: one for one in living}
    device_of = {key: f"cali{key[1:]}" for key in by_id}
    return plan(by_id, {one.endpoint_id: one for one in known}, addresses, devices, device_of, space)


def test_a_host_in_order_needs_nothing():
    assert not planned([endpoint(1, "10.0.0.1")], [stored(1, "10.0.0.1")], held("10.0.0.1"), {"cali1"})


def test_a_vanished_container_loses_all_it_had_and_its_device_once_its_endpoint_is_forgotten():
    first = planned([], [stored(1, "10.0.0.1")], held("10.0.0.1"), {"cali1"})
    assert first == Plan(forgotten=("e1",), leaked=tuple(held("10.0.0.1")))
    assert planned([], [], held("10.0.0.1"), {"cali1"}) == Plan(
        leaked=tuple(held("10.0.0.1")), stray_devices=("cali1",)
    )


def test_a_living_container_gets_back_what_the_datastore_lost():
    one = endpoint(1, "10.0.0.1")
    assert planned([one], [], (), {"cali1"}) == Plan(unstored=(one,), unheld=((one, HeldAddress("", "10.0.0.1")),))


def test_a_living_container_without_a_device_or_with_another_name_is_reported():
    one = endpoint(1, "10.0.0.1")
    found = planned([one], [stored(1, "10.0.0.1", "old")], held("10.0.0.1"), ())
    assert found == Plan(detached=(one,), renamed=(one,))


def test_a_container_that_is_being_started_is_left_alone():
    assert not planned([endpoint(1, "10.0.0.1", running=False)], [], held("10.0.0.1"), {"cali1"})


def test_addresses_of_networks_with_spaces_of_their_own_are_told_apart():
    one = endpoint(1, "10.0.0.1")
    others = held("10.0.0.1", space="net2")
    found = planned([one], [stored(1, "10.0.0.1")], others, {"cali1"}, space=lambda network: network)
    assert found == Plan(leaked=tuple(others), unheld=((one, HeldAddress("net1", "10.0.0.1")),))


def test_the_grace_period_is_over_only_for_what_was_a_candidate_all_the_time():
    tracker = GraceTracker(35, 600)
    assert tracker.expired(["a", "b"], 100) == set()
    assert tracker.expired(["a"], 120) == set()
    assert tracker.expired(["a", "b"], 135) == {"a"}
    assert tracker.expired(["b"], 154) == set()


def test_a_container_that_starts_slowly_keeps_its_endpoint():
    tracker = GraceTracker(35, 600)
    assert tracker.expired(["a", "b"], 100, slow=["a"]) == set()
    assert tracker.expired(["a", "b"], 200, slow=["a"]) == {"b"}
    assert tracker.expired(["a"], 700, slow=["a"]) == {"a"}


@pytest.mark.parametrize(
    ("subnet", "token"), [(None, ""), ("17.2.0.0/16", ""), ("fd80:24e2:f998:72d6::/64", ""), ("10.0.0.0/24", "1a2b")]
)
def test_a_pool_id_says_what_it_was_made_of(subnet, token):
    network = ip_network(subnet) if subnet else None
    made = PoolId("calico", network.version if network else 4, network, token)
    assert PoolId.parse(made.text()) == made


@pytest.mark.parametrize("text", ["", "calico", "calico/5", "/4", "calico/4/17.2.0.0/99", "calico/4/10.0.0.0/8/1/2"])
def test_a_foreign_pool_id_is_refused(text):
    with pytest.raises(libnetwork.BadRequest, match="not a pool id"):
        PoolId.parse(text)


def test_an_endpoint_request_has_both_addresses():
    interface = {"Address": "192.168.119.0/32", "AddressIPv6": "fd80::1/128", "MacAddress": ""}
    request = libnetwork.EndpointRequest.parse({"NetworkID": "n", "EndpointID": "e", "Interface": interface})
    assert request.addresses == (ip_interface("192.168.119.0/32"), ip_interface("fd80::1/128"))


def test_a_gateway_request_is_told_from_others():
    options = {"RequestAddressType": "com.docker.network.gateway"}
    assert libnetwork.AddressRequest.parse({"PoolID": "calico/4", "Options": options}).for_gateway
    assert not libnetwork.AddressRequest.parse({"PoolID": "calico/4", "Address": "17.2.0.1"}).for_gateway


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "restarted in the middle"),
        ({"EndpointID": "e"}, "no NetworkID"),
        ({"NetworkID": "n", "EndpointID": "e", "Interface": {"Address": "17.2"}}, "Address '17.2' cannot be used"),
    ],
)
def test_a_broken_request_is_refused_with_words(document, words):
    with pytest.raises(libnetwork.BadRequest, match=words):
        libnetwork.EndpointRequest.parse(document)


def test_a_join_answer_is_what_docker_expects():
    answer = libnetwork.JoinAnswer("tmp1", "cali", "169.254.1.1", on_link=(ip_network("169.254.1.1/32"),))
    assert answer.document() == {
        "InterfaceName": {"SrcName": "tmp1", "DstPrefix": "cali"},
        "Gateway": "169.254.1.1",
        "GatewayIPv6": "",
        "StaticRoutes": [{"Destination": "169.254.1.1/32", "RouteType": 1}],
        "DisableGatewayService": False,
    }


def test_a_network_request_has_all_that_docker_tells():
    document = {
        "NetworkID": "n",
        "Options": {
            "com.docker.network.generic": {"com.docker.network.driver.mtu": "1400"},
            "com.docker.network.enable_ipv6": True,
            "com.docker.network.internal": True,
        },
        "IPv4Data": [
            {
                "AddressSpace": "Space",
                "Pool": "10.0.0.0/24",
                "Gateway": "10.0.0.1/24",
                "AuxAddresses": {"printer": "10.0.0.9/24"},
            }
        ],
        "IPv6Data": [{"AddressSpace": "Space", "Pool": "fd00::/64"}],
    }
    assert libnetwork.NetworkRequest.parse(document) == libnetwork.NetworkRequest(
        network_id="n",
        ipv6=True,
        internal=True,
        options={libnetwork.MTU_OPTION: "1400"},
        pools=(
            libnetwork.NetworkPool(
                "Space", ip_network("10.0.0.0/24"), ip_interface("10.0.0.1/24"), {"printer": "10.0.0.9/24"}
            ),
            libnetwork.NetworkPool("Space", ip_network("fd00::/64"), None, {}),
        ),
    )


def test_a_network_record_keeps_what_the_request_said():
    pools = [
        {"Pool": "10.0.0.0/24", "Gateway": "10.0.0.1/24"},
        {"Pool": "0.0.0.0/0", "Gateway": "0.0.0.0/0"},
    ]
    record = NetworkRecord.of_request(libnetwork.NetworkRequest.parse({"NetworkID": "n", "IPv4Data": pools}), ["t1"])
    assert record == NetworkRecord("n", subnets=("10.0.0.0/24",), gateways=("10.0.0.1/24",), tokens=("t1",))
    assert NetworkRecord.parse(record.text()) == record


def test_an_endpoint_answer_says_only_what_is_new():
    assert libnetwork.EndpointAnswer().document() == {"Interface": {}}
    assert libnetwork.EndpointAnswer(mac="ee:ee:ee:ee:ee:ee").document() == {
        "Interface": {"MacAddress": "ee:ee:ee:ee:ee:ee"}
    }


def test_the_oldest_container_keeps_its_short_name():
    names = [ContainerName("bbox1", "net2", ("10.0.0.2",), 9), ContainerName("bbox1", "net1", ("10.0.0.1", "fd::1"), 5)]
    assert hosts_text(answers(names)) == (
        "10.0.0.1 bbox1.net1.container bbox1\nfd::1 bbox1.net1.container bbox1\n10.0.0.2 bbox1.net2.container\n"
    )


def test_a_network_sees_its_own_short_names_and_all_long_ones():
    names = [ContainerName("web", "net1", ("10.0.0.1",), 5), ContainerName("web", "net2", ("10.0.0.2",), 9)]
    assert hosts_text(answers(names, {"net2"})) == "10.0.0.1 web.net1.container\n10.0.0.2 web.net2.container web\n"
    assert answers(names, {"net1", "net2"}) == answers(names)


def test_containers_share_a_name_within_the_networks_of_a_domain() -> None:
    names = [
        ContainerName("web", "weave", ("10.0.0.1",), shared_domain="weave.local"),
        ContainerName("web", "weave-2", ("10.0.1.1",), shared_domain="weave.local"),
        ContainerName("web", "", ("10.0.0.2",), shared_domain="weave.local"),  # attached
        ContainerName("web", "net1", ("10.1.0.1",), age=1),
    ]
    attached, one, other = (f"{address} web.weave.local web\n" for address in ("10.0.0.2", "10.0.0.1", "10.0.1.1"))
    assert hosts_text(answers(names, {"weave"})) == attached + one + other + "10.1.0.1 web.net1.container\n"
    assert hosts_text(answers(names, {"net1"})) == (
        "10.0.0.2 web.weave.local\n10.0.0.1 web.weave.local\n10.0.1.1 web.weave.local\n"
        "10.1.0.1 web.net1.container web\n"
    )


def test_an_alias_is_shared_within_a_network_and_stays_its_own():
    def known(name: str, network: str, number: int, *aliases: str) -> ContainerName:
        return ContainerName(name, network, (f"10.0.0.{number}",), number, aliases=aliases)

    names = [
        known("p-web-1", "net1", 1, "web", "Web.Front"),
        known("p-web-2", "net1", 2, "web"),
        known("web", "net1", 3),  # its own name, and the alias of others
        known("q-web-1", "net2", 4, "WEB"),  # net1 had it first, where both are seen
        known("odd", "net2", 5, "a b", "x\n10.9.9.9 y", "#", "", "a..b", "l" * 64),
    ]
    assert hosts_text(answers(names)) == (
        "10.0.0.1 p-web-1.net1.container p-web-1 web.net1.container web Web.Front.net1.container Web.Front\n"
        "10.0.0.2 p-web-2.net1.container p-web-2 web.net1.container web\n"
        "10.0.0.3 web.net1.container web\n"
        "10.0.0.4 q-web-1.net2.container q-web-1 WEB.net2.container\n"
        "10.0.0.5 odd.net2.container odd\n"
    )
    assert hosts_text(answers(names[3:4], ["net2"])).endswith("WEB.net2.container WEB\n")


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ("my net", "c"),
        ("网络", "c.xn--io0a7i.container c"),
        ("my.net.", "c"),
        ("proj_", "c.proj_.container c"),
        ("x\ny", "c"),
    ],
)
def test_a_network_whose_name_dns_cannot_have_has_short_names_only(network: str, names: str):
    assert hosts_text(answers([ContainerName("c", network, ("10.0.0.1",))])) == f"10.0.0.1 {names}\n"


def test_each_network_and_each_combination_has_a_view_that_keeps_its_port():
    one, two, both = frozenset(["net1"]), frozenset(["net2"]), frozenset(["net1", "net2"])
    sources = {"10.0.0.1": one, "10.0.0.2": one, "10.0.0.3": both}
    assert plan_views(["net1", "net2"], sources, {two: 5301, frozenset(["gone"]): 5302}) == [
        View(5302, one, frozenset(["10.0.0.1", "10.0.0.2"])),
        View(5303, both, frozenset(["10.0.0.3"])),
        View(5301, two),
    ]


def test_a_new_view_leaves_ports_to_those_who_have_them():
    one, two = frozenset(["net1"]), frozenset(["net2"])
    views = plan_views(["net1", "net2"], {}, {two: 5303}, lambda port: port not in (5301, 5302))
    assert views == [View(5304, one), View(5303, two)]


def test_an_address_that_two_containers_have_tells_them_not_apart():
    one, two = frozenset(["net1"]), frozenset(["net2"])
    found = networks_by_address([(one, ["10.0.0.2", "172.18.0.2"]), (two, ["10.0.0.2", "172.18.0.3"])])
    assert found == {"172.18.0.2": one, "172.18.0.3": two}


def test_a_containers_newer_endpoint_has_its_name():
    def known(revision: int, address: str) -> StoredEndpoint:
        return StoredEndpoint(f"e{revision}", "host1", "net1", (address,), "cali", "bbox1", revision)

    names = container_names([known(7, "10.0.0.7"), known(5, "10.0.0.5"), stored(3, "10.0.0.3", "")])
    assert names == [
        ContainerName("bbox1", "net1", ("10.0.0.7",), 7, endpoint_id="e7"),
        ContainerName("name3", "net1", ("10.0.0.3",), 0, endpoint_id="e3"),
    ]


def configuration(**changes) -> str:
    content = {
        "node": "h1",
        "etcd": {"endpoints": ["http://h:2379"]},
        "networks": {"calico": {"module": ".calico.driver"}},
    }
    return json.dumps({**content, **changes})


def test_a_configuration_names_all_its_problems():
    with pytest.raises(InvalidInput) as caught:
        Config.parse(configuration(node="", networks={"weave": {}}, color="red"))
    assert caught.value.problems == [
        "unknown key 'color'",
        "'node' is missing",
        "networks: 'weave' has no 'module', which is where the driver finds it",
    ]
    for node in ("my host", "a/b", "网络", "x\n", "-x", 7):
        with pytest.raises(InvalidInput, match="cannot be a part of keys in etcd: call it by up to 253 letters"):
            Config.parse(configuration(node=node))
    with pytest.raises(LabError, match="not an endpoint"):
        Config.parse(configuration(etcd={"endpoints": ["h:2379"]}))
    assert "etcd" not in repr(Config.parse(configuration()))


def test_a_network_is_found_by_its_module():
    assert network_class("calico", ".calico.driver").driver == "calico"
    with pytest.raises(InvalidInput, match=r"module '.calico.drivers' of 'calico' cannot be loaded"):
        network_class("calico", ".calico.drivers")
    for driver, module in (("weavemesh", ".calico.driver"), ("calico", ".calico.store")):
        with pytest.raises(InvalidInput, match=f"'{module}' has no NETWORK whose Docker driver is called '{driver}'"):
            network_class(driver, module)


def test_a_network_without_sockets_follows_the_keys_that_its_options_name(tmp_path):
    kind = network_class("flannel", ".flannel.driver")
    assert not issubclass(kind, Network)
    assert kind.watched_prefixes({"etcd_prefix": "flannel/"}) == ("/flannel/",)
    flannel = {"module": ".flannel.driver", "etcd_prefix": "/a", "interface": "lo", "address": "192.0.2.1"}
    options = {"flannel": flannel, "calico": {"module": ".calico.driver", "interface": "lo"}}
    found = workers(Config.parse(configuration(networks=options, plugins=str(tmp_path))))
    assert [type(worker) for worker in found] == [Following, Driver]
    with pytest.raises(InvalidInput, match="'flannel' needs the option 'address'"):
        network_classes({"flannel": {**flannel, "address": None}})


def test_a_wrong_option_is_named_with_all_others():
    networks = {
        "calico": {"module": ".calico.driver", "container_mtu": "1400", "colour": "red", "bgp_password": 17},
        "weavemesh": {"module": ".weave.driver", "mtu": True, "datapath": "fast", "checksum_offload": None},
        "overlay-etcd": {"module": ".overlay.driver", "interface": "eth0"},
        "plain": {"module": "tests.support.no_network"},
    }
    with pytest.raises(InvalidInput) as caught:
        network_classes(networks)
    assert caught.value.problems == [
        "networks: 'calico' has no option 'colour'. It has: bgp_password, bgp_peer_passwords, container_mtu, interface",
        "networks: 'calico' needs the option 'interface'",
        "networks: the option 'container_mtu' of 'calico' must be a whole number",
        "networks: the option 'bgp_password' of 'calico' must be a text",
        "networks: the option 'mtu' of 'weavemesh' must be a whole number",
        "networks: the option 'datapath' of 'weavemesh' is 'fast': it must be one of auto, openvswitch, bridge",
        "networks: the module 'tests.support.no_network' of 'plain' cannot be loaded: "
        "No module named 'tests.support.no_network'",
    ]


def test_a_network_from_elsewhere_is_found_by_the_whole_name_of_its_module():
    options = {"plain": {"module": "tests.support.plain_network"}}
    assert {name: kind.driver for name, kind in network_classes(options).items()} == {"plain": "plain"}


@contextmanager
def running(converger: Converger, converge: Callable[[bool], int]) -> Iterator[None]:
    """Its thread, which ends with the block."""
    worker = threading.Thread(target=converger.run, args=(converge,))
    worker.start()
    try:
        yield
    finally:
        converger.stop()
        worker.join(5)
    assert not worker.is_alive()


def test_requests_that_come_together_are_answered_by_one_round_and_a_failed_round_is_repeated():
    rounds: list[bool] = []
    latest = 0

    def converge(thorough: bool) -> int:
        rounds.append(thorough)
        if len(rounds) == 1:
            raise LabError("the first round fails")
        return latest

    converger = Converger(together=0.05, retry=(0.01, 0.01))
    with running(converger, converge):
        for latest in range(1, 51):
            converger.request(latest)
        assert converger.wait_for(50, 5)
        assert not converger.wait_for(51, 0.01)
    assert len(rounds) == 2


def telling(resynced: Callable[[], object]) -> Callable[[bool], int]:
    """What a converger runs, for a host that tells when it is resynced."""

    def converge(thorough: bool) -> int:
        if thorough:
            resynced()
        return 0

    return converge


def test_the_host_is_resynced_soon_after_a_request_also_while_more_of_them_arrive():
    """Docker puts its rules before ours when it makes a network, after it has asked the driver for it."""
    resynced = threading.Event()

    converger = Converger(together=0, resync=(0.05, 600))
    with running(converger, telling(resynced.set)):
        for _round in range(1000):
            converger.request(1)
            if resynced.wait(0.01):
                break
    assert resynced.is_set()


def test_an_invalidated_host_is_resynced_at_once():
    resyncs = threading.Semaphore(0)

    converger = Converger(together=0.05, resync=(600, 600))
    with running(converger, telling(resyncs.release)):
        converger.invalidate()
        assert resyncs.acquire(timeout=5)
        converger.request(1)
        converger.invalidate()
        assert resyncs.acquire(timeout=5), "a request that arrives together with an invalidation does not hide it"
        assert not resyncs.acquire(blocking=False)


def test_resyncs_become_rare_and_frequent_again_after_a_request(monkeypatch: pytest.MonkeyPatch):
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    schedule = ResyncSchedule(first=1.0, longest=60.0)
    times = []
    for _resync in range(8):
        now += schedule.due_in()
        times.append(now)
        schedule.begin(requested=False, invalidated=False)
    assert times == [1, 3, 7, 15, 31, 63, 123, 183]
    now += 10
    schedule.begin(requested=True, invalidated=False)
    assert schedule.due_in() == 1


def test_resyncs_that_take_long_are_rarer():
    schedule = ResyncSchedule(first=1.0, longest=60.0)
    for seconds, pause in {0.01: 1, 0.5: 10, 30: 60}.items():
        schedule.record(seconds)
        for _resync in range(8):
            schedule.begin(requested=False, invalidated=False)
        schedule.begin(requested=True, invalidated=False)
        assert schedule.due_in() == pytest.approx(pause, abs=0.5)
