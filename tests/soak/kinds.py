# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that are soaked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from tests.soak.actions import DRIVER
from tests.support import flannel_view
from tests.support.calico_view import CALICO
from tests.support.driver_network import DriverNetwork, Place
from tests.support.overlay_view import OVERLAY
from tests.support.weave_view import WEAVE

EXTRA_NETWORKS = ("soak-a", "soak-b")


@dataclass(frozen=True)
class Kind:
    """One of them."""

    name: str
    variables: tuple[str, ...]
    """With which site.yml makes it."""
    disagreements: Callable[[Place], list[str]]
    services: tuple[str, ...] = (DRIVER, "docker")
    driver: DriverNetwork | None = None
    """If Docker asks the network driver for its containers."""
    extra_networks: tuple[str, ...] = ()
    """Docker networks that users make and remove."""


def _of_driver(name: str, network: DriverNetwork, *services: str) -> Kind:
    all_services = (DRIVER, "docker", *services)
    return Kind(name, network.variables, network.view, all_services, network, EXTRA_NETWORKS)


# What Docker says is compared with the rest, and a container that is attached is in no network of Docker's.
KINDS = (
    Kind("flannel", ("cni=flannel",), flannel_view.disagreements),
    _of_driver("calico", CALICO, "bird"),
    _of_driver("weave", dataclasses.replace(WEAVE, variables=(*WEAVE.variables, '{"weave_attachments": []}'))),
    _of_driver("overlay", OVERLAY),
)
