# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others break on a host, as a firewall's reload or a restart of the network, mends itself without a run.

What is Docker's own, as the masquerading of docker_gwbridge, is back when Docker has started again.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.support.lab_runs import Lab, await_success, on_host, reach_each_other
from tests.support.networks import CALICO, OVERLAY_ETCD, OVERLAY_SWARM, WEAVE, LabNetwork

pytestmark = pytest.mark.long

MENDED_SECONDS = 90.0
"""The service looks at everything again after a minute at the latest."""
_CARD = "ens160"
_SAVED = "/run/saved-by-hand"


@dataclass(frozen=True)
class Fault:
    """What somebody types on a host."""

    name: str
    command: str
    rules_of_docker: bool = False
    """Whether rules that are Docker's own go with it."""


FAULTS = (
    Fault("iptables flushed", "for t in filter nat mangle raw; do iptables -t $t -F; done", rules_of_docker=True),
    Fault("ruleset flushed", "nft flush ruleset", rules_of_docker=True),
    Fault(
        "firewall reloaded",
        f"printf '*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\nCOMMIT\n*nat\nCOMMIT\n' > {_SAVED}; "
        f"iptables-restore {_SAVED}; iptables -P FORWARD ACCEPT",
        rules_of_docker=True,
    ),
    Fault(
        "underlay down and up",
        f"ip route show dev {_CARD} | grep via | grep -v 'proto bird' > {_SAVED}; "
        f"ip link set {_CARD} down; ip link set {_CARD} up; "
        f"while read -r route; do ip route replace $route dev {_CARD}; done < {_SAVED}",
    ),
    Fault("no forwarding", "sysctl -w net.ipv4.ip_forward=0"),
    # As systemd-networkd does when it starts again, unless it is told to leave them (ManageForeignRoutes).
    Fault("foreign routes removed", "ip route flush proto bird; ip route flush scope link proto boot"),
)


@pytest.fixture(
    scope="module",
    params=[pytest.param(network, id=network.name) for network in (CALICO, WEAVE, OVERLAY_ETCD, OVERLAY_SWARM)],
)
def network(request: pytest.FixtureRequest, fresh_lab: Lab) -> LabNetwork:
    """The lab with one of the networks converged and verified; each test leaves it so."""
    fresh_lab.play("site.yml", *request.param.variables)
    return request.param


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name.replace(" ", "-")) for fault in FAULTS])
def test_what_others_break_is_mended(network: LabNetwork, fault: Fault, fresh_lab: Lab) -> None:
    on_host("host1", "sh", "-c", fault.command)
    reach_each_other(MENDED_SECONDS)
    if fault.name == "no forwarding" and network.driver:
        await_success("host1", "sh", "-c", "[ $(sysctl -n net.ipv4.ip_forward) = 1 ]", seconds=MENDED_SECONDS)
    if fault.rules_of_docker or not network.driver:
        on_host("host1", "systemctl", "restart", "docker")
        reach_each_other(MENDED_SECONDS)
    fresh_lab.play("verify.yml")
