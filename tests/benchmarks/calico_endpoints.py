# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand containers on one Calico host: what one more costs, against plain commands."""

from __future__ import annotations

import hashlib
import ipaddress
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.container_network.lab.plugins.module_utils.calico.bird import Bird
from ansible_collections.container_network.lab.plugins.module_utils.calico.blocks import Block
from ansible_collections.container_network.lab.plugins.module_utils.calico.dataplane import (
    Dataplane,
    HostSettings,
    plan_host,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.profiles import profile_spec
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    Node,
    Profile,
    WorkloadEndpoint,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot
from ansible_collections.container_network.lab.plugins.module_utils.calico.tunnels import Underlay
from ansible_collections.container_network.lab.plugins.module_utils.calico.veth import attach, detach
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside

from .measuring import batch, median_ms, namespaces, processor_seconds, seconds, table
from .simulated_hosts import UNDERLAY_MTU, plug_in

ENDPOINTS = 1000
SAMPLES = 20
TARGET = 3.0  # calls of iptables: what the rules and sets of one container more may cost at most
POOL = IPPool("pool", ipaddress.ip_network("10.244.0.0/20"), 20)
SETTINGS = HostSettings(Underlay("eth0", UNDERLAY_MTU))
NETWORK, NODE = "cal_net1", "host"


def measure() -> str:
    """Attach all, bring about their rules; then one container after the other comes, with one rule update each."""
    endpoints = [_endpoint(number) for number in range(ENDPOINTS + SAMPLES)]
    with tempfile.TemporaryDirectory() as folder, namespaces(2) as (underlay, host):
        plug_in(underlay, [host], [ipaddress.IPv4Interface("10.0.0.1/16")])
        dataplane = Dataplane(Bird(Path(folder, "bird.conf"), Path(folder, "bird.ctl")))
        with inside(host):
            attached = [seconds(lambda: attach(one)) for one in endpoints[:ENDPOINTS]]  # noqa: B023
            first = seconds(lambda: _converge(dataplane, endpoints[:ENDPOINTS]))
            late, updates, rule, worked, rule_worked = [], [], [], [], []
            for count in range(ENDPOINTS + 1, ENDPOINTS + SAMPLES + 1):
                newest = endpoints[count - 1]
                late.append(seconds(lambda: attach(newest)))  # noqa: B023
                # In turns: other work on the machine slows both down.
                for times, work, action in (
                    (updates, worked, lambda: _converge(dataplane, endpoints[:count])),  # noqa: B023
                    (rule, rule_worked, _rule_by_hand),
                ):
                    work.append(processor_seconds(lambda: times.append(seconds(action))))  # noqa: B023
            dataplane.resync()
            look = seconds(lambda: _converge(dataplane, endpoints))
            for one in endpoints[-SAMPLES:]:
                detach(one.endpoint_id)
        cable = [seconds(lambda: _cable_by_hand(host, number)) for number in range(SAMPLES)]  # noqa: B023
    rows = [
        ["attach: the first containers", f"{median_ms(attached[:SAMPLES]):.2f}", _ratio(attached[:SAMPLES], cable)],
        [f"attach: one more beside {ENDPOINTS}", f"{median_ms(late):.2f}", _ratio(late, cable)],
        ["   reference: its cable by ip -batch", f"{median_ms(cable):.2f}", "1.00"],
        [f"rules and sets: one more beside {ENDPOINTS}", f"{median_ms(updates):.2f}", _ratio(updates, rule)],
        ["   reference: one rule by iptables", f"{median_ms(rule):.2f}", "1.00"],
        ["   processors' work for one more", f"{median_ms(worked):.2f}", _ratio(worked, rule_worked)],
        ["   processors' work for one rule", f"{median_ms(rule_worked):.2f}", "1.00"],
        [f"rules and sets: all {ENDPOINTS} at once", f"{first * 1000:.0f}", _ratio([first], rule)],
        ["a full look that finds nothing to do", f"{look * 1000:.0f}", _ratio([look], rule)],
    ]
    title = (
        f"{ENDPOINTS} containers on one Calico host: median ms. Target: one more costs {TARGET:g} calls of iptables.\n"
        "Beside other work on the machine the time that passes says less than how long the processors work."
    )
    return table(title, ["what", "ms", "ratio"], rows)


def _endpoint(number: int) -> WorkloadEndpoint:
    """Its id is one of any, as Docker's are, and the same in each run."""
    address = f"{POOL.cidr.network_address + number}/32"
    endpoint_id = hashlib.sha256(str(number).encode()).hexdigest()
    return WorkloadEndpoint.of_container(NODE, endpoint_id, (address,), (NETWORK,))


def _converge(dataplane: Dataplane, endpoints: Sequence[WorkloadEndpoint]) -> None:
    """What the driver does when the datastore has changed."""
    block = Block.new(POOL.cidr, NODE)
    snapshot = Snapshot(
        pools=(POOL,),
        blocks={block.cidr: block},
        nodes={NODE: Node(NODE, ipv4_address="10.0.0.1/16")},
        profiles={NETWORK: Profile(NETWORK, profile_spec(NETWORK))},
        endpoints=tuple(endpoints),
    )
    outcome = dataplane.converge(plan_host(NODE, snapshot, SETTINGS))
    if outcome.warnings:
        raise RuntimeError("; ".join(outcome.warnings))


def _cable_by_hand(host: str, number: int) -> None:
    name, address = f"hand{number}", f"10.245.0.{number}"
    lines = [
        f"link add {name} type veth peer name tmp{name}",
        f"link set {name} up",
        f"route add {address} dev {name} scope link",
        f"neigh add {address} lladdr ee:ee:ee:ee:ee:ee dev {name} nud permanent",
    ]
    batch("ip", lines, netns=host)


def _rule_by_hand() -> None:
    subprocess.run(["iptables", "-A", "FORWARD", "-s", "10.245.0.0/16", "-j", "ACCEPT"], check=True)


def _ratio(times: Sequence[float], reference: Sequence[float]) -> str:
    return f"{median_ms(times) / median_ms(reference):.2f}"
