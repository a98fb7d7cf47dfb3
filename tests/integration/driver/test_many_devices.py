# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices of many containers on one host: when one of them goes, nobody looks at all the others."""

from __future__ import annotations

import subprocess
from types import ModuleType

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico import veth as calico
from ansible_collections.container_network.lab.plugins.module_utils.calico.driver import CalicoNetwork
from ansible_collections.container_network.lab.plugins.module_utils.driver.network import Network
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import find_link, read_links
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.kernel.netlink import NetlinkSocket
from ansible_collections.container_network.lab.plugins.module_utils.weave import veth as weave
from ansible_collections.container_network.lab.plugins.module_utils.weave.driver import WeaveNetwork
from tests.support.kernel_view import ip

PAIRS = 500


def _read_all(*_arguments: object) -> None:
    raise AssertionError("the links of all containers were read")


@pytest.mark.parametrize(
    ("kind", "veth", "name"),
    [
        pytest.param(CalicoNetwork, calico, "cali{:011x}", id="calico"),
        pytest.param(WeaveNetwork, weave, f"{weave.HOST_PREFIX}{{:09x}}", id="weave"),
    ],
)
def test_one_of_many_devices_is_found_without_the_others(
    netns: str, kind: type[Network], veth: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = kind.__new__(kind)  # what it asks the kernel needs no store, no Docker and no configuration
    names = [name.format(number) for number in range(PAIRS)]
    pairs = [f"link add {one} type veth peer name peer{number}" for number, one in enumerate(names)]
    no_pair = name.format(PAIRS)
    batch = "\n".join([*pairs, f"link add {no_pair} type bridge"])
    subprocess.run(["ip", "-n", netns, "-batch", "-"], input=batch, text=True, check=True)
    with inside(netns):
        assert network.devices() == set(names)
        monkeypatch.setattr(veth, "read_links", _read_all)
        assert network.has_device(names[7])
        for other in (no_pair, name.format(PAIRS + 1), "peer1", "lo", "", names[7] * 2, f"{names[7]}\n"):
            assert not network.has_device(other)


def test_a_link_is_found_by_each_of_its_names(netns: str) -> None:
    """As the underlay interface, which an inventory may name by any of them."""
    ip(netns, "link add eth0 type veth peer name eth1")
    ip(netns, "link property add dev eth0 altname ens6 altname a-name-longer-than-fifteen")
    with NetlinkSocket(netns) as netlink:
        eth0 = read_links(netlink)["eth0"]
        for name in ("eth0", "ens6", "a-name-longer-than-fifteen"):
            assert find_link(netlink, name) == eth0
        for name in ("eth7", "another-name-longer-than-fifteen"):
            assert find_link(netlink, name) is None
