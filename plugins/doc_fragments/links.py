# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that lists links."""

from __future__ import annotations


class ModuleDocFragment:
    """Option ``links``; it mirrors ``LINKS`` of module_utils/kernel/arguments.py."""

    DOCUMENTATION = r"""
options:
  links:
    description: The links.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the device, 1 to 15 characters.
        type: str
        required: true
      mac:
        description: MAC address, such as C(4e:55:ee:0a:90:38). Left as it is when not given.
        type: str
      mtu:
        description: MTU in bytes, from 68 to 65535. Left as it is when not given.
        type: int
      up:
        description: Whether the device is up.
        type: bool
        default: true
      master:
        description: Bridge (or other master) of the device, in the same namespace. Left as it is when not given.
        type: str
      addresses:
        description:
          - The exact set of global addresses, each with its prefix length. Other global addresses are removed.
          - Loopback and link-local addresses may be listed, and stay if they are not.
          - Left as they are when not given.
        type: list
        elements: str
      kind:
        description:
          - Link type, such as V(bridge), V(vxlan), V(macvlan), V(vlan) or V(ipip). V(veth) is for
            M(container_network.lab.veth_pair).
          - Without it the device must exist, and only its settings are converged.
          - Needed with O(state=absent).
        type: str
      link:
        description: Device below, for kinds that are made on one (V(macvlan), V(ipvlan), V(vlan)).
        type: str
      attributes:
        description:
          - Attributes of the kind, by pyroute2's names, which are those of the kernel's C(linux/if_link.h) in lower
            case without C(IFLA_). So a macvlan has C(macvlan_mode), an ipvlan C(ipvlan_mode), a VLAN device C(vlan_id),
            a tunnel C(gre_local), C(gre_remote) and C(gre_ttl), a bridge C(br_stp_state) and C(br_forward_delay) (in
            hundredths of a second), a tun device C(tun_type). The answer to an unknown name is the list of known ones.
          - Values are what pyroute2 takes and shows. Most are numbers; addresses are text, macvlan_mode is V(bridge),
            V(private), V(vepa) or V(passthru). Attributes that hold a device, such as C(gre_link), take its name.
          - What is not listed stays as it is. A change that the kernel refuses on a living device is an error; one that
            it silently leaves out, such as another id of a VLAN device, makes the device be recreated. What the kernel
            does not show as it was given is an error.
          - Links with attributes need pyroute2 on the host to be looked at, too. Not for O(links[].kind=vxlan).
        type: dict
      vxlan:
        description: What makes a VXLAN device (RFC 7348); for O(links[].kind=vxlan).
        type: dict
        suboptions:
          id:
            description: VNI, from 0 to 16777215.
            type: int
            required: true
          local:
            description: Address of this VTEP.
            type: str
          dev:
            description: Device below.
            type: str
          port:
            description: UDP port. The default is the one that IANA assigned; Flannel uses 8472, the kernel's own.
            type: int
            default: 4789
          learning:
            description: Whether the device learns from received packets which MAC address lives behind which VTEP.
            type: bool
            default: true
          proxy:
            description: Whether the device answers ARP requests from its table.
            type: bool
            default: false
          l2miss:
            description: Whether the kernel reports MAC addresses that the forwarding table lacks.
            type: bool
            default: false
          l3miss:
            description: Whether the kernel reports IP addresses that the ARP table lacks.
            type: bool
            default: false
          udp6zerocsumrx:
            description: Whether UDP packets over IPv6 without a checksum are accepted.
            type: bool
            default: false
          underlay_netns:
            description:
              - The network namespace in which the encapsulated packets travel. So the device may be in a namespace
                that has no other egress, as those of Docker's overlay networks.
              - The name of a namespace in C(/run/netns), a path, or the id of a process in it; V(1) is the host's own.
              - Without it the packets travel in the namespace of the device. Not together with
                O(links[].vxlan.dev).
            type: str
"""
