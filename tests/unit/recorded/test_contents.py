# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What records hold is read back as the desired state that it was made from."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.recorded.kinds import (
    CHAINS,
    FILES,
    LINKS,
    ROUTES,
    STATIC_TABLES,
    Kind,
)

VXLAN = {"id": 1, "local": "192.168.1.68", "dev": "eth0", "port": 8472, "learning": False}
OPTIONS = [
    (FILES, {"files": [{"path": "/run/a", "content": "b\n", "mode": "0600"}]}),
    (
        CHAINS,
        {
            "chains": [{"table": "nat", "name": "OURS", "rules": ["-j RETURN"]}],
            "jumps": [
                {"table": "filter", "chain": "FORWARD", "rule": "-j OURS"},
                {"table": "nat", "chain": "POSTROUTING", "rule": "-j OURS", "insert": True},
            ],
        },
    ),
    (
        LINKS,
        {
            "links": [
                {
                    "name": "flannel.1",
                    "kind": "vxlan",
                    "mac": "4e:55:ee:0a:90:38",
                    "mtu": 8951,
                    "addresses": ["40.15.43.0/32"],
                    "vxlan": VXLAN,
                },
                {"name": "br0", "kind": "bridge", "up": False, "addresses": []},
                {"name": "eth1", "master": "br0"},
            ]
        },
    ),
    (
        STATIC_TABLES,
        {
            "dev": "flannel.1",
            "fdb": [
                {"mac": "da:17:1b:07:d3:70", "dst": "192.168.1.254"},
                {"mac": "00:00:00:00:00:00", "dst": "192.168.1.254"},
            ],
            "arp": [{"ip": "fd00::1", "mac": "da:17:1b:07:d3:70"}],
            "purge": True,
        },
    ),
    (STATIC_TABLES, {"fdb": [], "arp": []}),
    (
        ROUTES,
        {
            "routes": [
                {"dst": "40.15.26.0/24", "via": "40.15.26.0", "dev": "flannel.1", "onlink": True},
                {"dst": "10.1.0.0/16", "dev": "eth0", "src": "10.1.0.1", "scope": "link", "metric": 7},
                {"dst": "fd00::/64", "dev": "eth0", "protocol": "12", "scope": "global", "metric": 1024},
                {"dst": "10.9.0.0/16", "scope": "global", "type": "blackhole"},
            ],
            "table": "100",
        },
    ),
]


@pytest.mark.parametrize(("kind", "options"), OPTIONS, ids=lambda value: getattr(value, "module", None))
def test_a_desired_state_is_described_by_the_options_that_mean_it(kind: Kind, options: dict) -> None:
    wanted = kind.parse(options, False)
    assert kind.content(wanted) == options
    assert kind.parse(kind.content(wanted), False) == wanted
