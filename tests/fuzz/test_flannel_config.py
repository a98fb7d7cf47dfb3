# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever etcd holds in place of Flannel's configuration: no traceback, and what is accepted can be built."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput
from ansible_collections.container_network.lab.plugins.module_utils.flannel.backends.backend import Underlay
from ansible_collections.container_network.lab.plugins.module_utils.flannel.config import FlannelConfig
from ansible_collections.container_network.lab.plugins.module_utils.flannel.dataplane import HostState
from tests.support.fuzzing import fuzzed

one_of = st.sampled_from
anything = (
    st.none() | st.booleans() | st.integers(-1, 70000) | st.floats() | st.text(max_size=9) | st.just({}) | st.just([])
)
networks = one_of(["40.15.0.0/16", "40.15.0.1/16", "10.0.0.0/22", "10.0.0.0/28", "10.0.0.0/30"])
addresses = one_of(["40.15.1.0", "40.15.9.0", "0.0.0.0", "10.0.1.0"])
types = one_of(["vxlan", "VXLAN", "host-gw", "Host-GW", "udp"])
UNDERLAY = Underlay("eth0", ipaddress.IPv4Interface("192.168.1.68/24"), 1500)


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    numbers = {"VNI": one_of([0, 1, 7]), "Port": one_of([0, 4789]), "MTU": anything}
    flags = {"DirectRouting": st.booleans(), "GBP": st.booleans(), "Learning": st.booleans()}
    fields = {"SubnetLen": one_of([0, 24, 26, 30]), "SubnetMin": addresses, "SubnetMax": addresses}
    backend = st.fixed_dictionaries({"Type": types}, optional=numbers | flags)
    document = draw(st.fixed_dictionaries({"Network": networks, "Backend": backend}, optional=fields))
    for part in (document, document["Backend"]):
        if draw(st.integers(0, 3)) == 0:
            part[draw(one_of(sorted(part)))] = draw(anything)
    spelled = draw(one_of([str, str.lower, str.upper]))
    return {spelled(key): value for key, value in document.items()}


@fuzzed
@given(documents() | anything)
def test_configurations(document: Any) -> None:
    try:
        config = FlannelConfig.from_document(json.dumps(document))
    except InvalidInput:
        return
    assert config.same_meaning(config.document())
    assert config.differences(config) == []
    assert config.capacity > 0
    subnets = list(config.subnets())[:3]
    leases = [config.lease(subnet, f"192.168.{number}.9") for number, subnet in enumerate(subnets)]
    assert HostState.implied(config, leases[0], leases, UNDERLAY).described()["network"] == str(config.network)
