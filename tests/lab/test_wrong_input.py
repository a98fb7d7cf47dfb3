# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong input: a clear message that names variable, value, rule and way out, and no change at all.

Every single message is the subject of tests/unit/test_flannel_problems.py; here a run stops before its first change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.support.lab_runs import HOSTS, Lab, on_host
from tests.support.snapshot import assert_unchanged, host_state

# Networks are compared once each value is one.
WRONG = {
    "values": (
        {"flannel_vni": 16777216, "flannel_subnet_len": 31, "flannel_subnet": "10.1.2.0/24"},
        ("flannel_vni 16777216", "flannel_subnet_len 31", "flannel_subnet 10.1.2.0/24"),
    ),
    "networks": (
        {"flannel_network": "10.12.0.0/16", "flannel_subnet": "10.12.7.0/24"},
        (
            "flannel_network 10.12.0.0/16 overlaps the underlay of host1 (10.12.28.0/22 on ens160)",
            "flannel_subnet 10.12.7.0/24 is pinned to host1 and host2: a subnet belongs to one host",
        ),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused_all_together(bare: Lab, hosts_before: dict[str, dict], case: str) -> None:
    variables, messages = WRONG[case]
    text = bare.fail("site.yml", "cni=flannel", json.dumps(variables))
    assert [words for words in messages if words not in text] == [], text
    assert "Traceback" not in text
    assert_unchanged(hosts_before)


def test_an_etcd_that_would_listen_at_a_name_is_refused_before_the_first_change(
    bare: Lab, hosts_before: dict[str, dict]
) -> None:
    text = bare.fail("site.yml", "cni=flannel", "underlay_address=etcd.example.org")
    assert "host1: etcd would listen at 'etcd.example.org', and must at an IP address" in text.replace("''", "'")
    assert_unchanged(hosts_before)


@pytest.fixture
def index_out_of_reach(bare: Lab) -> Iterator[None]:
    """Hosts whose pip is told of an index that does not answer."""
    for host in HOSTS:
        on_host(host, "sh", "-c", "printf '[global]\nindex-url = http://127.0.0.1:9/simple\n' > /etc/pip.conf")
    yield
    for host in HOSTS:
        on_host(host, "rm", "/etc/pip.conf")


@pytest.mark.usefixtures("index_out_of_reach")
def test_packages_that_cannot_be_had_are_named(bare: Lab) -> None:
    before = {host: host_state(host) for host in HOSTS}
    text = bare.fail("site.yml", "cni=kuryr")
    for host, controller_package in {"host1": "neutron-server", "host2": ""}.items():
        (debian,) = set(re.findall(rf"{host}: apt does not find what has to be installed \(([^)]*)\)", text))
        (python,) = set(re.findall(rf"{host}: pip does not find what has to be installed \(([^)]*)\)", text))
        wanted = {"neutron-openvswitch-agent", "openvswitch-switch", "bridge-utils", "python3-neutronclient"}
        assert wanted | set(controller_package.split()) <= set(debian.split()), host
        assert python.split() == ["kuryr-libnetwork==18.0.0", "kuryr-lib==3.5.0"], host
    assert "Traceback" not in text
    assert_unchanged(before)


def test_an_interface_that_is_not_there_is_named(bare: Lab, hosts_before: dict[str, dict]) -> None:
    text = bare.fail("site.yml", "cni=flannel", "underlay_interface=eth9")
    assert "host2 has no interface 'eth9'; it has docker0, ens160" in text
    assert "Traceback" not in text
    assert_unchanged(hosts_before)


def test_names_that_others_have_on_docker_are_told_before_anything_changes(bare: Lab) -> None:
    on_host("host1", "docker", "create", "--name", "bbox1", "busybox")
    on_host("host2", "docker", "network", "create", "--internal", "cal_net1")
    try:
        before = {host: host_state(host) for host in HOSTS}
        text = bare.fail("site.yml", "cni=calico")
        assert "host1: Container 'bbox1' exists and was not made by container_network.lab" in text
        assert "host2: network 'cal_net1' exists already and was not made by this collection" in text
        assert_unchanged(before)
    finally:
        on_host("host1", "docker", "rm", "bbox1")
        on_host("host2", "docker", "network", "rm", "cal_net1")


def test_an_unknown_network_is_refused(bare: Lab, hosts_before: dict[str, dict]) -> None:
    text = bare.fail("site.yml", "cni=flanel")
    assert "cni is 'flanel', and must be one of: " in text
    assert "flannel" in text
    assert "Traceback" not in text
    assert_unchanged(hosts_before)


def test_an_etcd_that_does_not_answer_is_named(bare: Lab) -> None:
    text = bare.fail("site.yml", "cni=flannel", '{"etcd_endpoints": ["http://10.12.31.211:1"]}')
    assert "http://10.12.31.211:1" in text
    assert "refused" in text
