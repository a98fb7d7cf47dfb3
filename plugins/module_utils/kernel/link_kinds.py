# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of links: which module of the kernel makes them."""

from __future__ import annotations

# Where the module is not called like the kind (MODULE_ALIAS_RTNL_LINK in the kernel's sources).
_MODULES = {
    "bond": "bonding",
    "can": "can-dev",
    "erspan": "ip_gre",
    "gre": "ip_gre",
    "gretap": "ip_gre",
    "ip6erspan": "ip6_gre",
    "ip6gre": "ip6_gre",
    "ip6gretap": "ip6_gre",
    "ip6tnl": "ip6_tunnel",
    "ipoib": "ib_ipoib",
    "lowpan": "ieee802154_6lowpan",
    "vlan": "8021q",
    "vti": "ip_vti",
    "vti6": "ip6_vti",
    "xfrm": "xfrm_interface",
}
_NAMED_LIKE_THEIR_KIND = (
    "amt", "bareudp", "batadv", "bridge", "dummy", "geneve", "gtp", "hsr", "ifb", "ipip", "ipvlan", "ipvtap", "macsec",
    "macvlan", "macvtap", "nlmon", "sit", "team", "tun", "veth", "virt_wifi", "vrf", "vsockmon", "vxcan", "vxlan",
    "wireguard", "wwan",
)  # fmt: skip


def module_of(kind: str) -> str | None:
    """The module that makes links of a kind; None if no kernel is known to have the kind."""
    return kind if kind in _NAMED_LIKE_THEIR_KIND else _MODULES.get(kind)


def advice(kind: str) -> str:
    """What to do about a kind that the running kernel does not know."""
    module = module_of(kind)
    if module is None:
        return "check the kind's name, or boot a kernel that has it"
    return f"load its module (modprobe {module}), or boot a kernel that has it"
