# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kuryr and the other networks take each other's place, and leave nothing: pytest -m long, on the lab of Kuryr."""

from __future__ import annotations

import pytest

from tests.support.kuryr_view import HOSTS
from tests.support.lab_runs import Lab
from tests.support.networks import CALICO, FLANNEL, OVERLAY_ETCD, OVERLAY_SWARM, WEAVE, LabNetwork

LAB = Lab("kuryr")
OTHERS = {
    FLANNEL: ("cni=flannel",),
    CALICO: ("cni=calico",),
    WEAVE: ("cni=weave",),
    OVERLAY_ETCD: ("cni=docker_overlay", "docker_overlay_control_plane=etcd"),
    OVERLAY_SWARM: ("cni=docker_overlay", "docker_overlay_control_plane=swarm"),
}
OF_KURYR = (
    "ls /sys/class/net | grep -E '^(br-|tap|qbr|qvb|qvo|ovs-)'; iptables-save | grep -i neutron; "
    "iptables-save -t raw | grep -e '-j DROP'; ipset list -name | grep NIPv; "
    "docker network ls -q --filter driver=kuryr; "
    "ls -d /etc/container-network/kuryr /usr/local/lib/container-network-kuryr /run/container-network/kuryr "
    "/etc/docker/plugins/kuryr.spec /var/lib/rabbitmq/mnesia/rabbit@localhost /var/lib/mysql/neutron 2>/dev/null; "
    "ls /etc/systemd/system | grep -E 'neutron|kuryr|keystone|underlay'; "
    "pgrep -l 'ovs|mariadb|beam|neutron|kuryr|keystone|uwsgi'; true"
)
OF_OTHERS = (
    "ip -o link; iptables-save; ipset list -name; docker network ls; ls -R /etc/container-network /etc/systemd/system "
    "/run/docker/plugins /usr/local/bin; docker info --format 'swarm {{.Swarm.LocalNodeState}}'"
)


@pytest.mark.long
@pytest.mark.parametrize("network", OTHERS, ids=lambda network: network.name)
def test_networks_take_each_others_place(network: LabNetwork) -> None:
    assert all(host.output(OF_KURYR) for host in HOSTS.values())
    LAB.play("site.yml", *OTHERS[network])
    assert {name: host.output(OF_KURYR) for name, host in HOSTS.items()} == dict.fromkeys(HOSTS, "")
    assert all(traces_of(network).values())
    LAB.play("site.yml", "cni=kuryr")
    assert not any(traces_of(network).values())


def traces_of(network: LabNetwork) -> dict[str, list[str]]:
    """What the hosts show of a network."""
    shown = {name: host.output(OF_OTHERS).lower() for name, host in HOSTS.items()}
    return {name: [word for word in network.traces if word in text] for name, text in shown.items()}
