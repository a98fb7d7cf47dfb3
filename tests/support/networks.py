# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that there are, and what the tests of whole labs need to know of each.

A further network is one more entry: the tests that run on all of them then run on it too.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.calico_view import CALICO as CALICO_DRIVER
from tests.support.driver_network import DriverNetwork
from tests.support.overlay_view import OVERLAY as OVERLAY_DRIVER
from tests.support.weave_view import WEAVE as WEAVE_DRIVER


@dataclass(frozen=True)
class LabNetwork:
    """A network, or one of its kinds, on the two hosts of tests/lab.

    Runs die as soon as a named task begins; those of a list are in the order in which a run comes to them.
    """

    name: str
    role: str
    variables: tuple[str, ...]
    """With which site.yml makes it."""
    tasks: tuple[str, ...]
    """Tasks of site.yml at which a run dies."""
    removal: tuple[str, ...]
    """Tasks of teardown.yml at which a run dies."""
    replaced_at: str
    """The task of its removal at which the first run of another network dies that takes its place."""
    traces: tuple[str, ...]
    """Words of its links, rules, files, Docker networks and swarm: none is left when another network took its place."""
    etcd: tuple[str, ...] = ()
    """What its keys in etcd begin with."""
    driver: DriverNetwork | None = None
    """If it is one of the network driver."""
    long: bool = True
    """Whether its killed runs are part of "make fault-tests" alone."""


_OVERLAY_ROLE = "docker_overlay"
FLANNEL = LabNetwork(
    "flannel",
    "flannel",
    ("cni=flannel",),
    tasks=(
        "Mark the host, and guard it against its containers",
        "Write the network's configuration and the hosts' leases to etcd",
        "Start the driver, and have Docker use it",
        "Start the workloads",
    ),
    removal=(
        "Remove the driver, what it created, and Docker's use of its DNS server",
        "Take back what Docker was told",
        "Give Docker its own addresses again",
    ),
    replaced_at="Remove the service and all that it made",
    traces=("flannel",),
    etcd=("/coreos.com/network/", "/container_network/flannel/"),
    long=False,
)
CALICO = LabNetwork(
    "calico",
    "calico",
    CALICO_DRIVER.variables,
    tasks=(
        "Keep BIRD's configuration, to be given back",
        "Describe the cluster",
        "Start the driver, and have Docker use it",
        "Make the Docker networks",
        "Start the workloads",
    ),
    removal=(
        "Remove the driver's networks",
        "Remove the driver, what it created, and Docker's use of its DNS server",
        "Give BIRD its unit and its configuration back",
    ),
    replaced_at="Take the cluster out of etcd",
    traces=("cali", "cal_net"),
    etcd=("/calico/", "/container_network/calico/"),
    driver=CALICO_DRIVER,
)
WEAVE = LabNetwork(
    "weave",
    "weave",
    WEAVE_DRIVER.variables,
    tasks=(
        "Install the command weave",
        "Divide the range between the hosts",
        "Start the driver, and have Docker use it",
        "Make docker_gwbridge, the way to the outside",
        "Make the Docker networks",
        "Start the workloads",
    ),
    removal=("Remove the driver's networks", "Remove docker_gwbridge", "Remove the command weave"),
    replaced_at="Take the network out of etcd",
    traces=("weave",),
    etcd=("/container_network/weavemesh/",),
    driver=WEAVE_DRIVER,
)
OVERLAY_SWARM = LabNetwork(
    "docker_overlay-swarm",
    _OVERLAY_ROLE,
    ("cni=docker_overlay",),
    tasks=(
        "Make docker_gwbridge, the way to the outside",
        "Found the swarm",
        "Join the swarm",
        "Make the overlays",
        "Start the workloads",
    ),
    removal=("Leave the swarm", "Remove docker_gwbridge"),
    replaced_at="Leave the swarm",
    traces=("swarm active", "ingress", "docker-overlay-containers"),
)
OVERLAY_ETCD = LabNetwork(
    "docker_overlay-etcd",
    _OVERLAY_ROLE,
    OVERLAY_DRIVER.variables,
    tasks=(
        "Start the driver, and have Docker use it",
        "Make docker_gwbridge, the way to the outside",
        "Make the overlays",
        "Start the workloads",
    ),
    removal=(
        "Remove docker_gwbridge",
        "Remove the driver's networks",
        "Remove the driver, what it created, and Docker's use of its DNS server",
    ),
    replaced_at="Remove the networks, the driver and all that it made",
    traces=("overlay-etcd",),
    etcd=("/docker/", "/container_network/overlay-etcd/"),
    driver=OVERLAY_DRIVER,
)
OWN_LAB = ("kuryr",)
"""Networks whose programs the hosts of tests/lab do not have: their scenarios of Molecule have labs of their own."""
NETWORKS = (FLANNEL, CALICO, WEAVE, OVERLAY_ETCD, OVERLAY_SWARM)
