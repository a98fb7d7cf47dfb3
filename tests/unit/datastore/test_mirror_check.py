# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a copy of etcd's keys is wrong, and that a request for a watch is as short as Go's decoder wants it."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.driver import CalicoNetwork
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Extent, watch_requests
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror_check import missed
from ansible_collections.container_network.lab.plugins.module_utils.flannel.driver import FlannelNetwork
from ansible_collections.container_network.lab.plugins.module_utils.overlay.driver import OverlayEtcdNetwork
from ansible_collections.container_network.lab.plugins.module_utils.weave.driver import WeaveNetwork

BEFORE = {"/a/": Extent(7, 2), "/b/": Extent(5, 1)}
AT_ONCE = 512  # bytes that Go's json.Decoder reads first
LATE = 10**10  # a revision that no etcd of ours reaches


@pytest.mark.parametrize(
    ("revision", "stored", "after", "wrong"),
    [
        pytest.param(7, BEFORE, BEFORE, [], id="nothing changed"),
        pytest.param(9, {**BEFORE, "/a/": Extent(9, 3)}, {**BEFORE, "/a/": Extent(9, 3)}, [], id="it has come"),
        pytest.param(9, {**BEFORE, "/a/": Extent(9, 3)}, {**BEFORE, "/a/": Extent(12, 2)}, [], id="and more"),
        pytest.param(9, {**BEFORE, "/a/": Extent(9, 3)}, BEFORE, ["/a/"], id="a change has not come"),
        pytest.param(9, {**BEFORE, "/b/": Extent(9, 1)}, {**BEFORE, "/a/": Extent(12, 2)}, ["/b/"], id="of one"),
        pytest.param(9, {**BEFORE, "/a/": Extent(6, 1)}, BEFORE, ["/a/"], id="a deletion has not come"),
        pytest.param(9, {**BEFORE, "/a/": Extent(6, 1)}, {**BEFORE, "/a/": Extent(9, 1)}, [], id="a deletion has come"),
        pytest.param(9, {**BEFORE, "/b/": Extent(0, 0)}, {**BEFORE, "/b/": Extent(9, 0)}, [], id="the last one, too"),
        pytest.param(6, {**BEFORE, "/a/": Extent(6, 2)}, BEFORE, ["/a/"], id="etcd was restored"),
        pytest.param(9, {**BEFORE, "/a/": Extent(9, 3)}, {}, [], id="it is being read again"),
    ],
)
def test_a_copy_is_wrong_if_it_lacks_what_etcd_had(revision, stored, after, wrong):
    assert missed(BEFORE, revision, stored, after) == wrong


@pytest.mark.parametrize("network", [CalicoNetwork, FlannelNetwork, OverlayEtcdNetwork, WeaveNetwork])
def test_the_watch_of_a_network_is_asked_for_in_what_is_read_at_once(network):
    prefixes = network.watched_prefixes({"etcd_prefix": "/coreos.com/network"})
    assert prefixes
    assert len(watch_requests(dict.fromkeys(prefixes, LATE))) <= AT_ONCE
