# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's pools and selectors: documents of v1 and v3, and every rule."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import (
    IPPool,
    change_problems,
    checked_pools,
    name_of_cidr,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput


def v1(cidr: str, **spec) -> dict:
    return {"apiVersion": "v1", "kind": "ipPool", "metadata": {"cidr": cidr}, "spec": spec}


def pool(cidr: str, **fields) -> IPPool:
    return checked_pools([{"cidr": cidr, **fields}], [])[0]


def problems_of(*pools: dict, documents=()) -> list[str]:
    with pytest.raises(InvalidInput) as failure:
        checked_pools(pools, documents)
    return failure.value.problems


def test_the_course_s_documents():
    tunnelled, dual = checked_pools(
        [],
        [
            v1("197.19.0.0/16", **{"ipip": {"enabled": True, "mode": "cross-subnet"}, "nat-outgoing": True}),
            v1("fd80:24e2:f998:72d6::/64"),
        ],
    )
    assert tunnelled.fields() == {
        "cidr": "197.19.0.0/16",
        "vxlanMode": "Never",
        "ipipMode": "CrossSubnet",
        "natOutgoing": True,
        "disabled": False,
        "blockSize": 26,
        "nodeSelector": "all()",
        "allowedUses": ["Workload", "Tunnel"],
    }
    assert (tunnelled.name, tunnelled.tunnel) == ("197-19-0-0-16", "ipip")
    assert (dual.name, dual.block_size, dual.tunnel) == ("fd80-24e2-f998-72d6---64", 122, "")


@pytest.mark.parametrize(
    ("ipip", "mode"),
    [({"enabled": False, "mode": "always"}, "Never"), ({"enabled": True}, "Always"), (None, "Never")],
)
def test_v1_ipip(ipip, mode):
    assert checked_pools([], [v1("17.2.0.0/16", **({"ipip": ipip} if ipip else {}))])[0].ipip_mode == mode


def test_v3_document():
    document = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "IPPool",
        "metadata": {"name": "default-ipv4-ippool"},
        "spec": {"cidr": "192.168.0.0/16", "blockSize": 28, "vxlanMode": "CrossSubnet", "disabled": True},
    }
    read = checked_pools([], [document])[0]
    assert (read.name, read.block_size, read.vxlan_mode, read.disabled) == (
        "default-ipv4-ippool",
        28,
        "CrossSubnet",
        True,
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cidr": "192.168.1.0/16"}, "cidr '192.168.1.0/16' is not a network (did you mean 192.168.0.0/16?)"),
        ({"cidr": "pool"}, "cidr 'pool' is not a network: write it as 192.168.0.0/16 or fd80::/64"),
        ({"cidr": "10.0.0.0/16", "block_size": 19}, "block size 19 is out of range: Calico takes 20 to 32 for IPv4"),
        ({"cidr": "fd80::/64", "block_size": 115}, "block size 115 is out of range: Calico takes 116 to 128 for IPv6"),
        ({"cidr": "10.0.0.0/27"}, "10.0.0.0/27 is smaller than one block of /26"),
        ({"cidr": "169.254.0.0/20"}, "overlaps the link-local range 169.254.0.0/16"),
        ({"cidr": "fe80::/64"}, "overlaps the link-local range fe80::/10"),
        ({"cidr": "10.0.0.0/16", "ipip_mode": "always", "vxlan_mode": "always"}, "has both IPIP and VXLAN"),
        ({"cidr": "fd80::/64", "ipip_mode": "always"}, "IPIP carries IPv4 only"),
        ({"cidr": "10.0.0.0/16", "ipip_mode": "often"}, "ipip_mode 'often' is not a mode"),
        ({"cidr": "10.0.0.0/16", "node_selector": "a && b"}, "the selector 'a && b' is none"),
    ],
)
def test_rules(fields, message):
    assert message in problems_of(fields)[0]


def test_all_problems_at_once():
    found = problems_of({"cidr": "x"}, {"cidr": "10.0.0.0/16", "block_size": 4}, documents=[{"apiVersion": "v9"}])
    assert len(found) == 3
    assert found[2].startswith("documents, entry 0: apiVersion 'v9', kind 'None' is not a pool")


def test_unknown_fields_of_documents():
    found = problems_of(documents=[v1("10.0.0.0/16", **{"natOutgoing": True, "ipip": {"mode": "sometimes"}})])
    assert "spec.ipip.mode 'sometimes' is not a mode of v1" in found[0]
    assert "spec has 'natOutgoing', which this collection does not know" in found[1]


def test_overlap():
    (problem,) = problems_of({"cidr": "10.0.0.0/8"}, {"cidr": "10.1.0.0/16"})
    assert problem.startswith("pool 10-1-0-0-16 (10.1.0.0/16) overlaps pool 10-0-0-0-8 (10.0.0.0/8)")


def test_what_never_changes():
    assert change_problems(pool("10.0.0.0/16"), pool("10.0.0.0/16", nat_outgoing=True)) == []
    (size,) = change_problems(pool("10.0.0.0/16"), pool("10.0.0.0/16", block_size=28))
    assert "the block size is /26 and cannot become /28" in size
    (cidr,) = change_problems(pool("10.0.0.0/16", name="a"), pool("10.1.0.0/16", name="a"))
    assert "the cidr is 10.0.0.0/16 and cannot become 10.1.0.0/16" in cidr


def test_blocks_of_a_pool():
    small = pool("10.0.0.0/24")
    assert [str(block) for block in small.blocks(first=3)] == [
        "10.0.0.192/26",
        "10.0.0.0/26",
        "10.0.0.64/26",
        "10.0.0.128/26",
    ]
    assert str(small.block_of(ipaddress.ip_address("10.0.0.77"))) == "10.0.0.64/26"
    assert next(iter(pool("fd80::/48").blocks(first=2**70))) == ipaddress.ip_network("fd80:0:0:1000::/122")


def test_names():
    assert name_of_cidr(ipaddress.ip_network("fd80::/48")) == "fd80---48"
