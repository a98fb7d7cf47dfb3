# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datastore of overlay networks, from the module docker_overlay_datastore."""

from __future__ import annotations

from typing import Any

from ..datastore.etcd import Etcd
from ..outcome import Outcome
from .store import OverlayStore


def converge_datastore(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Remove what hosts have that left, or everything."""
    store = OverlayStore(Etcd.from_arguments(params), check_mode)
    before = _shown(store)
    if params["all"]:
        store.remove_all()
    for node in params["nodes"] or []:
        store.forget_node(node)
    return Outcome(before, _shown(store), warnings=store.warnings)


def _shown(store: OverlayStore) -> dict[str, Any]:
    networks = {name: sorted(network.nodes) for name, network in sorted(store.read().networks.items())}
    return {"keys": store.stored_keys(), "networks": networks}
