# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes to a plugin's socket in place of Docker's requests is read, or refused in words."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.container_network.lab.plugins.module_utils.driver import libnetwork
from ansible_collections.container_network.lab.plugins.module_utils.driver.plugin_socket import PluginServer
from tests.support.fuzzing import broken, fuzzed

IDS = {"NetworkID": "a" * 64, "EndpointID": "b" * 64}
POOL = {
    "AddressSpace": "CalicoGlobalAddressSpace",
    "Pool": "10.0.0.0/16",
    "Gateway": "10.0.0.1/16",
    "AuxAddresses": {"printer": "10.0.0.9/16"},
}
PORT = {"Proto": 6, "IP": "", "Port": 80, "HostIP": "0.0.0.0", "HostPort": 8080, "HostPortEnd": 8080}
NETWORK_OPTIONS = {
    "com.docker.network.enable_ipv6": False,
    "com.docker.network.internal": True,
    "com.docker.network.generic": {"com.docker.network.driver.mtu": "1400"},
}


@dataclass(frozen=True)
class Request:
    """A request of Docker's, and who reads it."""

    parse: Any
    right: dict[str, Any]


REQUESTS = {
    "RequestPool": Request(
        libnetwork.PoolRequest.parse,
        {"AddressSpace": "x", "Pool": "10.0.0.0/16", "SubPool": "10.0.1.0/24", "Options": {"a": "b"}, "V6": False},
    ),
    "ReleasePool": Request(libnetwork.PoolId.of, {"PoolID": "calico/4/10.0.0.0/16/token"}),
    "RequestAddress": Request(
        libnetwork.AddressRequest.parse,
        {"PoolID": "calico/4", "Address": "10.0.0.9", "Options": {"RequestAddressType": libnetwork.GATEWAY_DATA}},
    ),
    "CreateNetwork": Request(
        libnetwork.NetworkRequest.parse,
        {"NetworkID": "a" * 64, "Options": NETWORK_OPTIONS, "IPv4Data": [POOL], "IPv6Data": []},
    ),
    "CreateEndpoint": Request(
        libnetwork.EndpointRequest.parse,
        {
            **IDS,
            "Interface": {"Address": "10.0.0.9/16", "AddressIPv6": "fd80::9/64", "MacAddress": "02:42:0a:00:00:09"},
        },
    ),
    "Join": Request(libnetwork.JoinRequest.parse, {**IDS, "SandboxKey": "/var/run/docker/netns/0123456789ab"}),
    "Publish": Request(
        libnetwork.PublishRequest.parse,
        {**IDS, "Options": {"com.docker.network.portmap": [PORT, {**PORT, "Proto": 17}]}},
    ),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_the_right_ones_are_read(request_: Request) -> None:
    request_.parse(request_.right)


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@fuzzed
@given(st.data())
def test_any_request_is_read_or_refused_in_words(request_: Request, data: st.DataObject) -> None:
    document = data.draw(broken(request_.right))
    if not isinstance(document, dict):
        return  # which the socket itself refuses, see below
    found = _outcome(request_, document)
    if isinstance(found, libnetwork.BadRequest):
        assert str(found).isprintable()
        return
    ids = {key: value for key, value in asdict(found).items() if key in ("network_id", "endpoint_id")}
    assert all(one.isalnum() for one in ids.values())  # they become a part of keys
    if isinstance(found, libnetwork.NetworkRequest):
        libnetwork.check_options("--opt", found.options, list(found.options), "calico")
        assert all(address.partition("/") for pool in found.pools for address in pool.auxiliary.values())
    if isinstance(found, libnetwork.EndpointRequest):
        assert isinstance(found.mac, str)


def _outcome(request_: Request, document: dict[str, Any]) -> Any:
    """The value, or why there is none."""
    try:
        return request_.parse(document)
    except libnetwork.BadRequest as refused:
        return refused


@fuzzed
@given(
    st.binary(max_size=40)
    | st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000, b"\x1f\x8b\x08", b"null", b"[]", b"7"])
)
def test_any_body_is_answered(body: bytes) -> None:
    with ThreadPoolExecutor(1) as executor:
        server = PluginServer(Path("x.sock"), {"Echo": lambda document: {"Value": dict(document)}}, executor)
        answer = server.answer("Echo", body)
    assert answer.keys() in ({"Err", "Error"}, {"Value"})
    json.dumps(answer)
