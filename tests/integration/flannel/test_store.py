# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flannel modules against a real etcd, with foreign leases, races and wrong input."""

from __future__ import annotations

import itertools
import multiprocessing
import secrets
import time
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.flannel.backends.vxlan import vtep_mac
from tests.support import etcd_process
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

NETWORK = "40.15.0.0/16"


class Network:
    """One Flannel network of a test, under a prefix of its own."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.prefix = f"/test-{secrets.token_hex(4)}/network"
        self.common = {"etcd_endpoints": [endpoint], "prefix": self.prefix}
        self.etcd = Etcd([endpoint])
        self._no_env = str(folder / "subnet.env")

    def config(self, **arguments):
        return self.common | {"network": NETWORK} | arguments

    def host(self, number: int, **arguments):
        node = {"node": f"node-{number}", "public_ip": f"192.168.1.{number}", "subnet_env": self._no_env}
        return self.common | node | arguments

    def underlay(self, number: int, **arguments):
        fields = {"interface": "eth0", "public_ip": f"192.168.1.{number}", "prefix_length": 24, "mtu": 9001}
        return self.common | fields | arguments

    def stored(self) -> dict[str, str]:
        found = self.etcd.get_prefixes(f"{self.prefix}/")[0]
        return {item.key.removeprefix(f"{self.prefix}/"): item.value for item in found}

    def registry(self) -> dict[str, str]:
        prefix = f"/container_network/flannel{self.prefix}/"
        return {item.key.removeprefix(prefix): item.value for item in self.etcd.get_prefixes(prefix)[0]}

    def foreign_lease(self, subnet: str, public_ip: str, backend: str = "host-gw") -> None:
        value = f'{{"PublicIP":"{public_ip}","PublicIPv6":null,"BackendType":"{backend}"}}'
        self.etcd.put(f"{self.prefix}/subnets/{subnet}", value, self.etcd.grant(3600))


@pytest.fixture
def network(endpoint, tmp_path) -> Network:
    return Network(endpoint, tmp_path)


@pytest.fixture
def configured(network) -> Network:
    run_module("flannel_config", **network.config())
    return network


def test_config_is_written_as_flanneld_reads_it(network):
    result = assert_converges("flannel_config", **network.config())
    assert result["document"] == '{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan"}}'
    assert network.stored() == {"config": '{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan"}}'}
    assert result["diff"]["before"] == {
        f"{network.prefix}/config": None,
        f"/container_network/flannel{network.prefix}/config": None,
    }


def test_a_foreign_config_that_means_the_same_stays(network):
    text = '{ "Network": "40.15.0.0/16", "SubnetLen": 24, "Backend": { "Type": "vxlan", "VNI": 1 } }'
    network.etcd.put(f"{network.prefix}/config", text)
    assert_unchanged("flannel_config", **network.config())
    assert_unchanged("flannel_config", **network.common, state="absent")
    assert network.stored() == {"config": text}


def test_a_foreign_config_is_kept_with_options_of_its_own_or_refused(network):
    text = '{"network":"40.15.0.1/16","SubnetMin":"40.15.9.0","Backend":{"Type":"VXLAN","directRouting":true}}'
    network.etcd.put(f"{network.prefix}/config", text)
    assert assert_unchanged("flannel_config", **network.config())["document"] == text
    for arguments, problem in (
        ({"network": "40.16.0.0/16"}, "its Network is 40.15.0.0/16, and network is 40.16.0.0/16"),
        ({"subnet_min": "40.15.1.0"}, "its SubnetMin is 40.15.9.0, and subnet_min is 40.15.1.0"),
        ({"backend": {"direct_routing": False}}, "its DirectRouting is True, and direct_routing is False"),
    ):
        with pytest.raises(ModuleFailed) as failure:
            run_module("flannel_config", **network.config(**arguments))
        assert f"config was written by somebody else, and is left alone: {problem}" in str(failure.value)
    assert network.stored() == {"config": text}


def test_a_foreign_config_that_only_flanneld_builds_is_refused(network):
    text = '{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan","DirectRouting":true,"GBP":true}}'
    network.etcd.put(f"{network.prefix}/config", text)
    with pytest.raises(ModuleFailed, match="Backend.GBP is True, which this collection does not build"):
        run_module("flannel_config", **network.config())
    assert network.stored() == {"config": text}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "40.15.0.1/16"}, "network '40.15.0.1/16' is not an IPv4 network (did you mean 40.15.0.0/16?)"),
        ({"subnet_len": 31}, "subnet_len 31 is out of range for network 40.15.0.0/16: flannel takes 18"),
        (
            {"backend": {"type": "ipip"}},
            "backend 'ipip' is not one that this collection builds: use one of vxlan, host-gw, aws-vpc",
        ),
        ({"backend": {"vni": 0}}, "vni 0 is out of range: VXLAN takes 1 to 16777215"),
        ({"nodes": ["a"], "pins": {"a": "x"}}, "'x' is not an IPv4 subnet"),
    ],
)
def test_wrong_config_changes_nothing(network, arguments, message):
    with pytest.raises(ModuleFailed) as failure:
        run_module("flannel_config", **network.config(**arguments))
    assert message in str(failure.value)
    assert network.stored() == {}


def test_lease_is_byte_for_byte_flannelds(configured):
    assert_converges("flannel_subnet", **configured.host(68, subnet="40.15.43.0/24"))
    mac = vtep_mac("192.168.1.68", 1)
    assert configured.stored()["subnets/40.15.43.0-24"] == (
        '{"PublicIP":"192.168.1.68","PublicIPv6":null,"BackendType":"vxlan",'
        f'"BackendData":{{"VNI":1,"VtepMAC":"{mac}"}}}}'
    )
    assert configured.registry()["reservations/node-68"] == "40.15.43.0-24"


def test_backend_change_rewrites_the_lease(configured):
    run_module("flannel_subnet", **configured.host(68, subnet="40.15.43.0/24"))
    run_module("flannel_config", **configured.config(backend={"type": "host-gw"}))
    assert_converges("flannel_subnet", **configured.host(68, subnet="40.15.43.0/24"))
    assert configured.stored()["subnets/40.15.43.0-24"] == (
        '{"PublicIP":"192.168.1.68","PublicIPv6":null,"BackendType":"host-gw"}'
    )


def test_pin_moves_the_lease_in_one_step(configured):
    run_module("flannel_subnet", **configured.host(68, subnet="40.15.43.0/24"))
    assert_converges("flannel_subnet", **configured.host(68, subnet="40.15.44.0/24"))
    assert sorted(configured.stored()) == ["config", "subnets/40.15.44.0-24"]
    assert configured.registry()["reservations/node-68"] == "40.15.44.0-24"


def test_new_address_keeps_the_subnet(configured):
    first = run_module("flannel_subnet", **configured.host(68))
    second = run_module("flannel_subnet", **configured.host(68, public_ip="192.168.1.70"))
    assert second["changed"]
    assert second["subnet"] == first["subnet"]
    assert len(configured.stored()) == 2


def test_network_change_moves_leases(configured):
    run_module("flannel_subnet", **configured.host(68, subnet="40.15.43.0/24"))
    run_module("flannel_config", **configured.config(network="40.16.0.0/16"))
    result = assert_converges("flannel_subnet", **configured.host(68))
    assert result["subnet"].startswith("40.16.")
    assert len(configured.stored()) == 2


def test_pin_of_a_foreign_lease_is_refused(configured):
    configured.foreign_lease("40.15.43.0-24", "192.168.1.99")
    before = configured.stored()
    with pytest.raises(ModuleFailed) as failure:
        run_module("flannel_subnet", **configured.host(68, subnet="40.15.43.0/24"))
    assert str(failure.value) == (
        "the subnet 40.15.43.0/24 is pinned to node-68 (192.168.1.68), and 192.168.1.99 "
        "(lease of a running flanneld) holds it. Pin another subnet, or let its holder release it first "
        "(stop its flanneld and delete its key)."
    )
    assert configured.stored() == before


def test_pin_of_another_host_is_refused_naming_both(configured):
    run_module("flannel_subnet", **configured.host(1, subnet="40.15.43.0/24"))
    with pytest.raises(ModuleFailed, match=r"pinned to node-2 \(192.168.1.2\), and node-1 \(192.168.1.1\) holds it"):
        run_module("flannel_subnet", **configured.host(2, subnet="40.15.43.0/24"))


def test_swapped_pins_converge(configured):
    run_module("flannel_subnet", **configured.host(1, subnet="40.15.43.0/24"))
    run_module("flannel_subnet", **configured.host(2, subnet="40.15.44.0/24"))
    pins = {"node-1": "40.15.44.0/24", "node-2": "40.15.43.0/24", "node-3": None}
    assert_converges("flannel_config", **configured.config(nodes=list(pins), pins=pins))
    for number, subnet in ((1, "40.15.44.0/24"), (2, "40.15.43.0/24")):
        assert run_module("flannel_subnet", **configured.host(number, subnet=subnet))["subnet"] == subnet


def test_running_flannelds_lease_with_our_address_becomes_a_reservation(configured):
    configured.foreign_lease("40.15.9.0-24", "192.168.1.68")
    result = assert_converges("flannel_subnet", **configured.host(68))
    assert result["subnet"] == "40.15.9.0/24"
    assert configured.etcd.get(f"{configured.prefix}/subnets/40.15.9.0-24").lease == 0


def test_subnet_env_is_remembered(configured, tmp_path):
    env = tmp_path / "env"
    env.write_text("FLANNEL_NETWORK=40.15.0.0/16\nFLANNEL_SUBNET=40.15.25.1/24\nFLANNEL_MTU=8951\n")
    assert run_module("flannel_subnet", **configured.host(1, subnet_env=str(env)))["subnet"] == "40.15.25.0/24"
    assert run_module("flannel_subnet", **configured.host(2, subnet_env=str(env)))["subnet"] != "40.15.25.0/24"


def test_free_choice_avoids_other_hosts_pins(configured):
    run_module("flannel_config", **configured.config(network="40.15.0.0/22", subnet_len=24))
    result = run_module("flannel_subnet", **configured.host(4, avoid=["40.15.1.0/24", "40.15.2.0/24"]))
    assert result["subnet"] == "40.15.3.0/24"
    with pytest.raises(ModuleFailed, match=r"node-5 \(192.168.1.5\) gets no subnet: all 3 of network 40.15.0.0/22"):
        run_module("flannel_subnet", **configured.host(5, avoid=["40.15.1.0/24", "40.15.2.0/24"]))


def test_absent_releases_our_reservation_only(configured):
    run_module("flannel_subnet", **configured.host(1, subnet="40.15.43.0/24"))
    configured.foreign_lease("40.15.9.0-24", "192.168.1.99")
    assert_converges("flannel_subnet", **configured.host(1, state="absent"))
    assert sorted(configured.stored()) == ["config", "subnets/40.15.9.0-24"]
    assert sorted(configured.registry()) == ["config"]


def test_a_foreign_reservation_is_used_and_stays(configured):
    key = f"{configured.prefix}/subnets/40.15.7.0-24"
    configured.etcd.put(key, '{"PublicIP":"192.168.1.1"}')
    assert run_module("flannel_subnet", **configured.host(1))["subnet"] == "40.15.7.0/24"
    assert_unchanged("flannel_subnet", **configured.host(1))
    assert_unchanged("flannel_subnet", **configured.host(1, state="absent"))
    assert configured.etcd.get(key)


def test_a_host_that_left_the_inventory_is_released_exactly(configured):
    for number in (1, 2):
        run_module("flannel_subnet", **configured.host(number, subnet=f"40.15.{number}.0/24"))
    configured.foreign_lease("40.15.9.0-24", "192.168.1.99")
    configured.etcd.put(f"{configured.prefix}/subnets/40.15.8.0-24", '{"PublicIP":"192.168.1.98"}')
    assert_converges("flannel_config", **configured.config(nodes=["node-1"]))
    assert sorted(configured.stored()) == [
        "config",
        "subnets/40.15.1.0-24",
        "subnets/40.15.8.0-24",
        "subnets/40.15.9.0-24",
    ]


def test_many_hosts_are_released_within_etcds_limits(configured):
    for number in range(1, 71):
        run_module("flannel_subnet", **configured.host(number, subnet=f"40.15.{number}.0/24"))
    stored = configured.stored()
    assert_unchanged("flannel_config", **configured.config(nodes=[]))
    run_module("flannel_config", **configured.common, nodes=[], state="absent")
    assert configured.stored() == stored, "an empty list of hosts names none that have left"
    assert_converges("flannel_config", **configured.common, all=True, state="absent")
    assert configured.stored() == {}
    assert configured.registry() == {}


def test_absent_config_stays_while_a_lease_is_left(configured):
    configured.foreign_lease("40.15.9.0-24", "192.168.1.99")
    assert_unchanged("flannel_config", **configured.common, all=True, state="absent")


def test_info_gives_what_the_kernel_modules_take(configured):
    for number, subnet in ((68, "40.15.43.0/24"), (254, "40.15.26.0/24"), (245, "40.15.56.0/24")):
        run_module("flannel_subnet", **configured.host(number, subnet=subnet))
    configured.foreign_lease("40.15.9.0-24", "192.168.1.99")
    flannel = run_module("flannel_subnet_info", **configured.underlay(68))["flannel"]
    assert flannel["routes"] == [
        {"dst": "40.15.26.0/24", "via": "40.15.26.0", "dev": "flannel.1", "onlink": True},
        {"dst": "40.15.56.0/24", "via": "40.15.56.0", "dev": "flannel.1", "onlink": True},
    ]
    assert flannel["fdb"][0] == {"mac": vtep_mac("192.168.1.254", 1), "dst": "192.168.1.254"}
    assert flannel["arp"][0] == {"ip": "40.15.26.0", "mac": vtep_mac("192.168.1.254", 1)}
    assert flannel["links"][0]["addresses"] == ["40.15.43.0/32"]
    assert flannel["mtu"] == 8951


def test_info_predicts_in_check_mode(network, endpoint):
    config = run_module("flannel_config", _check=True, **network.config())
    predicted = {"predicted_config": config["document"]}
    hosts = [
        run_module("flannel_subnet", _check=True, **network.host(number, **predicted))["lease"] for number in (1, 2)
    ]
    flannel = run_module(
        "flannel_subnet_info", _check=True, **network.underlay(1, predicted_leases=hosts, **predicted)
    )["flannel"]
    assert [peer["public_ip"] for peer in flannel["peers"]] == ["192.168.1.2"]
    assert network.stored() == {}


def whole(network: Network, *numbers: int, **arguments) -> dict:
    """The arguments of flannel_network for these hosts."""
    underlay = {"interface": "eth0", "prefix_length": 24, "mtu": 9001}
    hosts = [{"node": f"node-{number}", "public_ip": f"192.168.1.{number}", **underlay} for number in numbers]
    return network.config(hosts=hosts, nodes=[host["node"] for host in hosts], **arguments)


def test_one_task_writes_the_configuration_and_all_leases(network):
    result = assert_converges("flannel_network", **whole(network, 68, 254, pins={"node-68": "40.15.43.0/24"}))
    assert result["document"] == network.stored()["config"]
    leases = {lease["public_ip"]: lease for lease in result["leases"]}
    assert leases["192.168.1.68"]["subnet"] == "40.15.43.0/24"
    assert leases["192.168.1.68"]["data"] == {"VNI": 1, "VtepMAC": vtep_mac("192.168.1.68", 1)}
    assert len(network.stored()) == 3
    assert set(network.registry()) == {"config", "reservations/node-68", "reservations/node-254"}
    assert_converges("flannel_network", **whole(network, 254))
    assert [key for key in network.registry() if "node" in key] == ["reservations/node-254"]


def test_pins_of_hosts_that_take_no_part_are_not_given_away_and_former_subnets_are_kept(network):
    arguments = whole(network, 1, 2, pins={"node-3": "40.15.1.0/24", "node-1": None}, subnet_len=24)
    arguments = {**arguments, "network": "40.15.0.0/22", "nodes": ["node-1", "node-2", "node-3"]}
    arguments["hosts"][0]["previous"] = "40.15.1.0/24"
    arguments["hosts"][1]["previous"] = "40.15.3.0/24"
    leases = {lease["public_ip"]: lease["subnet"] for lease in run_module("flannel_network", **arguments)["leases"]}
    assert leases == {"192.168.1.1": "40.15.2.0/24", "192.168.1.2": "40.15.3.0/24"}


def test_hosts_go_over_to_another_backend_in_one_step(network):
    numbers = range(1, 21)
    run_module("flannel_network", **whole(network, *numbers))
    assert_converges("flannel_network", **whole(network, *numbers, backend={"type": "host-gw"}))
    found = network.etcd.get_prefixes(f"{network.prefix}/subnets/")[0]
    assert len(found) == 20
    assert len({item.mod_revision for item in found}) == 1
    assert all('"BackendType":"host-gw"' in item.value for item in found)


def test_more_hosts_than_one_transaction_takes_and_pins_that_are_exchanged(network):
    numbers = range(1, 61)
    pins = {f"node-{number}": f"40.15.{number}.0/24" for number in numbers}
    assert len(run_module("flannel_network", **whole(network, *numbers, pins=pins))["leases"]) == 60
    pins.update({"node-1": pins["node-60"], "node-60": pins["node-1"]})
    result = assert_converges("flannel_network", **whole(network, *numbers, pins=pins))
    subnets = {lease["public_ip"]: lease["subnet"] for lease in result["leases"]}
    assert (subnets["192.168.1.1"], subnets["192.168.1.60"]) == ("40.15.60.0/24", "40.15.1.0/24")
    assert len(set(subnets.values())) == 60


def test_leases_of_others_are_returned_and_those_that_cannot_be_used_are_named(network):
    network.foreign_lease("40.15.9.0-24", "192.168.1.99")
    result = run_module("flannel_network", **whole(network, 1, 2))
    assert "192.168.1.99" in {lease["public_ip"] for lease in result["leases"]}
    assert str(result["warnings"]).count("the lease 40.15.9.0/24 of 192.168.1.99 is left out") == 1


def test_a_network_is_predicted_with_its_leases(network):
    arguments = whole(network, 1, 2, pins={"node-1": "40.15.43.0/24"})
    predicted = run_module("flannel_network", _check=True, **arguments)
    assert network.stored() == {}
    made = run_module("flannel_network", **arguments)
    assert made == predicted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "40.15.0.1/16"}, "did you mean 40.15.0.0/16?"),
        ({"pins": {"node-1": "40.15"}}, "'40.15' is not an IPv4 subnet"),
        ({"mtu": 600}, "MTU 600 of eth0 leaves 550 bytes for containers with vxlan, and 576 are the least (RFC 791)"),
        ({"public_ip": "192.168.1"}, "public_ip: '192.168.1' is not an IPv4 address"),
        ({"previous": "x"}, "'x' is not an IPv4 subnet"),
    ],
)
def test_wrong_input_of_a_network_changes_nothing(network, arguments, message):
    given = whole(network, 1)
    host = given["hosts"][0]
    of_host = {option: value for option, value in arguments.items() if option in (*host, "previous")}
    given["hosts"] = [{**host, **of_host}]
    given.update({option: value for option, value in arguments.items() if option not in of_host})
    with pytest.raises(ModuleFailed) as failure:
        run_module("flannel_network", **given)
    assert message in str(failure.value)
    assert network.stored() == {}


def test_check_mode_without_etcd_predicts_from_nothing(network):
    closed = f"http://127.0.0.1:{etcd_process.free_port()}"
    arguments = network.config(etcd_endpoints=[closed])
    predicted = run_module("flannel_config", _check=True, **arguments)
    assert predicted["changed"]
    started = time.monotonic()
    with pytest.raises(ModuleFailed) as failure:
        run_module("flannel_config", **arguments)
    assert time.monotonic() - started < 8
    assert str(failure.value).startswith(f"etcd cannot be reached: {closed}: Connection refused. Check that etcd runs")


def test_no_configuration_is_an_error(network):
    with pytest.raises(ModuleFailed, match=f"etcd holds no network configuration at {network.prefix}/config"):
        run_module("flannel_subnet", **network.host(1))


def _take(arguments, barrier, results):
    barrier.wait()
    try:
        results.put((arguments["node"], run_module("flannel_subnet", **arguments)["subnet"]))
    except ModuleFailed as error:
        results.put((arguments["node"], str(error)))


def _at_once(hosts: list[dict]) -> list[tuple[str, str]]:
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(len(hosts)), context.Queue()
    processes = [context.Process(target=_take, args=(host, barrier, results)) for host in hosts]
    for process in processes:
        process.start()
    answers = [results.get(timeout=60) for _process in processes]
    for process in processes:
        process.join()
    return answers


def test_simultaneous_hosts_get_different_subnets(configured):
    for _round in range(3):
        run_module("flannel_config", **configured.config(network="40.15.0.0/20", subnet_len=24))
        answers = _at_once([configured.host(number) for number in range(1, 13)])
        subnets = [subnet for _node, subnet in answers]
        assert len(set(subnets)) == 12, answers
        assert len(configured.stored()) == 13
        run_module("flannel_config", **configured.common, all=True, state="absent")


def test_two_runs_of_the_same_inventory_agree(configured):
    hosts = [configured.host(number) for number in (1, 2, 3)]
    answers = sorted(_at_once([*hosts, *hosts]))
    for _node, pair in itertools.groupby(answers, key=lambda answer: answer[0]):
        assert len({subnet for _name, subnet in pair}) == 1, answers
    assert len(configured.stored()) == 4


def test_one_pin_for_two_hosts_at_once_goes_to_one(configured):
    answers = _at_once([configured.host(number, subnet="40.15.43.0/24") for number in (1, 2, 3, 4)])
    winners = [node for node, answer in answers if answer == "40.15.43.0/24"]
    losers = [answer for _node, answer in answers if "holds it" in answer]
    assert (len(winners), len(losers)) == (1, 3), answers
