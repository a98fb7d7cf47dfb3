# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that the driver knows."""

from __future__ import annotations

from .calico import CalicoNetwork
from .network import Network
from .overlay import OverlayEtcdNetwork
from .weave import WeaveNetwork

NETWORKS: dict[str, type[Network]] = {each.driver: each for each in (CalicoNetwork, OverlayEtcdNetwork, WeaveNetwork)}
"""By the names that the configuration and Docker call them."""
