# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the modules of a Calico cluster's resources share."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments ``calico.pools``, ``calico.profiles`` …; they mirror module_utils/calico/arguments.py."""

    POOLS = r"""
options:
  pools:
    description: Pools by their v3 fields. To remove one, the name or the range is enough.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name. Without it, a pool of this range keeps the name that it has, and a new one gets one from its
            range, such as C(197-19-0-0-16), as pools of v1 do.
        type: str
      cidr:
        description: The range, IPv4 or IPv6, such as V(192.168.0.0/16) or V(fd80:24e2:f998:72d6::/64).
        type: str
        required: true
      block_size:
        description:
          - Prefix length of the blocks that hosts get. IPv4 takes 20 to 32, and IPv6 116 to 128.
          - Calico's default is 26 for IPv4 and 122 for IPv6, which is 64 addresses.
        type: int
      ipip_mode:
        description: When packets between hosts travel in IPIP. V(cross-subnet) leaves hosts of one subnet without it.
        type: str
        choices: [never, always, cross-subnet]
        default: never
      vxlan_mode:
        description: When packets between hosts travel in VXLAN; likewise.
        type: str
        choices: [never, always, cross-subnet]
        default: never
      nat_outgoing:
        description: Whether traffic from the pool to what is outside all pools is masqueraded.
        type: bool
        default: false
      disabled:
        description: Whether the pool gives no further addresses. Those in use stay.
        type: bool
        default: false
      node_selector:
        description:
          - Which hosts take addresses from the pool when they do not ask for a certain one.
          - One of C(all()), C(has(label)), C(label == "value") and C(label != "value"), by the labels of the nodes.
        type: str
        default: all()
  documents:
    description:
      - Pools as C(calicoctl) and C(kubectl) print them, in YAML or JSON as data. Either C(apiVersion) V(v1) with
        C(kind) V(ipPool) and C(metadata.cidr), C(spec.ipip.enabled), C(spec.ipip.mode), C(spec.nat-outgoing),
        C(spec.disabled); or V(projectcalico.org/v3) or V(crd.projectcalico.org/v1) with V(IPPool).
      - An entry may be a list of documents (C(IPPoolList), C(List), a list of YAML). Numbers and truth values may be in
        quotes, and what a datastore notes in C(metadata), as C(uid), is not looked at.
      - A field that is not known, and a value that this collection does not do, is refused.
    type: list
    elements: raw
    default: []
  tunnel:
    description:
      - What carries the packets of the IPv4 pools that ask for a tunnel, in place of the kind that they name; the mode
        stays. So the course's documents, which ask for IPIP, work on a kernel that has none.
      - IPv6 pools are left as they are, since IPIP carries IPv4 only.
    type: str
    choices: [ipip, vxlan]
"""

    PROFILES = r"""
options:
  profiles:
    description: The networks and their rules. To remove them, names are enough.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The network's name.
        type: str
        required: true
      ingress:
        description: Rules for packets to the network's containers, in this order. The other side is the source.
        type: list
        elements: dict
        default: []
        suboptions: &rule
          action:
            description: What happens to a packet that the rule matches.
            type: str
            choices: [allow, deny]
            default: allow
          protocol:
            description: The protocol; any, if it is left out. V(icmp) is ICMPv6 too for IPv6.
            type: str
            choices: [tcp, udp, icmp]
          ports:
            description: Destination ports, as V(80) or V(8000:8010). They need the protocol V(tcp) or V(udp).
            type: list
            elements: str
          network:
            description: The network of the other side, by its name.
            type: str
          cidr:
            description: The other side's addresses, as V(10.0.0.0/8).
            type: str
      egress:
        description: Rules for packets from the network's containers, in this order. The other side is the destination.
        type: list
        elements: dict
        default: []
        suboptions: *rule
      default_policy:
        description:
          - Whether the default rules follow. They let in what comes from the same network, and let out everything.
          - What no rule matches is dropped.
        type: bool
        default: true
  documents:
    description:
      - Profiles as C(calicoctl) prints them, of v1 (V(profile)) or of V(projectcalico.org/v3) (V(Profile)), one by one
        or in lists. A document says all of its profile; nothing is added.
      - Tags of v1 become labels, as with Calico itself. What the driver cannot enforce is refused.
    type: list
    elements: raw
    default: []
"""

    BGP = r"""
options:
  as_number:
    description: The AS number of all nodes that have none of their own. Calico 1 had 64511.
    type: int
    default: 64512
  mesh:
    description: Whether every node has a session with every other one.
    type: bool
    default: true
  peers:
    description: Routers outside. The passwords of sessions are not in etcd, but in the network driver's options.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the session.
        type: str
        required: true
      peer_ip:
        description: The router's address.
        type: str
        required: true
      as_number:
        description: The router's AS number.
        type: int
        required: true
      node:
        description: The node that has the session. Without it, all have it.
        type: str
  documents:
    description:
      - Peers as C(calicoctl) and C(kubectl) print them, of v1 (V(bgpPeer)), or of V(projectcalico.org/v3) or
        V(crd.projectcalico.org/v1) (V(BGPPeer)), one by one or in lists.
      - A peer of v1 has no name and gets the one that Calico's own upgrade gives it, such as C(rack-1.192-168-1-1).
    type: list
    elements: raw
    default: []
"""

    NODES = r"""
options:
  nodes:
    description: The hosts.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name, which is that of its blocks and endpoints too.
        type: str
        required: true
      ipv4_address:
        description: The address of the host with its prefix length, such as V(192.168.1.68/24).
        type: str
      ipv6_address:
        description: The IPv6 address of the host with its prefix length; an empty text for none.
        type: str
      as_number:
        description: The AS number, if it is not that of the cluster; V(0) for that of the cluster.
        type: int
      route_reflector_cluster_id:
        description: The cluster id, written as an IPv4 address, if the host is a route reflector; else an empty text.
        type: str
      labels:
        description: Labels, for node selectors of pools. They replace the stored ones.
        type: dict
  documents:
    description:
      - Nodes as C(calicoctl) prints them, of v1 (V(node)) or of V(projectcalico.org/v3) (V(Node)), one by one or in
        lists. What hosts write into them themselves, as the addresses of tunnels, is not taken over.
    type: list
    elements: raw
    default: []
"""

    BLOCKS = r"""
options:
  blocks:
    description: The blocks and their hosts.
    type: list
    elements: dict
    default: []
    suboptions:
      cidr:
        description: The block, such as V(197.19.38.128/26). Its prefix length must be the block size of its pool.
        type: str
        required: true
      node:
        description: The host's name, as its network driver knows it.
        type: str
        required: true
"""

    LEAKS = r"""
options:
  grace_seconds:
    description:
      - How old an address without an endpoint must be to count as leaked, in seconds.
      - A container has its address a moment before its endpoint is stored, so that V(0) is right only while no
        container starts.
    type: float
    default: 60
"""
