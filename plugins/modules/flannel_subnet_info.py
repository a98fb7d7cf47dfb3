#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's lease in a Flannel network, its peers, and what both imply."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flannel_subnet_info
short_description: A host's lease in a Flannel network, and what its peers imply
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Reads all leases of a network from etcd, and shows what this host needs to reach the others, in the shape that
    M(container_network.lab.network_link), M(container_network.lab.vxlan_fdb),
    M(container_network.lab.network_routes), M(container_network.lab.iptables_chains) and
    M(container_network.lab.recorded_files) take, and M(container_network.lab.network_set) all together. The service of
    the role C(network_driver) makes all of it, and keeps it so.
  - Leases of a running C(flanneld) count as those of the inventory's hosts do.
  - A peer that cannot be reached, because its backend or VNI is another or because host-gw does not reach it, is left
    out with a warning that names it.
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.etcd
  - container_network.lab.flannel
  - container_network.lab.flannel_leases
options:
  interface:
    description: The interface that carries the packets between the hosts.
    type: str
    required: true
  public_ip:
    description: IPv4 address of O(interface), with which the host has its lease.
    type: str
    required: true
  prefix_length:
    description: Prefix length of O(public_ip).
    type: int
    required: true
  mtu:
    description:
      - MTU of O(interface) in bytes. VXLAN takes 50 of them.
      - At least 576 must be left for containers.
    type: int
    required: true
seealso:
  - module: container_network.lab.flannel_network
  - module: container_network.lab.flannel_config
  - module: container_network.lab.flannel_subnet
"""

EXAMPLES = r"""
- name: See what node-1 needs
  container_network.lab.flannel_subnet_info:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    interface: eth0
    public_ip: 192.168.1.68
    prefix_length: 24
    mtu: 9001
  register: result

- name: Make the VXLAN device
  container_network.lab.network_link:
    links: "{{ result.flannel.links }}"
    name: flannel
"""

RETURN = r"""
flannel:
  description: The host's part of the network.
  returned: success
  type: dict
  contains:
    network:
      description: The network of all containers.
      type: str
      sample: 40.15.0.0/16
    subnet:
      description: The host's subnet.
      type: str
      sample: 40.15.43.0/24
    gateway:
      description: The address of the host's bridge, with prefix length; C(--bip) of C(dockerd).
      type: str
      sample: 40.15.43.1/24
    mtu:
      description: MTU of the containers, in bytes.
      type: int
      sample: 8951
    backend:
      description: V(vxlan) or V(host-gw).
      type: str
      sample: vxlan
    device:
      description: The VXLAN device; empty with C(host-gw).
      type: str
      sample: flannel.1
    device_mac:
      description: MAC address that the VXLAN device has; none if it is not there.
      type: str
      sample: "4e:55:ee:0a:90:38"
    peers:
      description: The other hosts.
      type: list
      elements: dict
      sample: [{subnet: 40.15.26.0/24, public_ip: 192.168.1.254, vtep_mac: "da:17:1b:07:d3:70"}]
    links:
      description: For O(container_network.lab.network_link#module:links).
      type: list
      elements: dict
    fdb:
      description: For O(container_network.lab.vxlan_fdb#module:fdb).
      type: list
      elements: dict
      sample: [{mac: "da:17:1b:07:d3:70", dst: 192.168.1.254}]
    arp:
      description: For O(container_network.lab.vxlan_fdb#module:arp).
      type: list
      elements: dict
      sample: [{ip: 40.15.26.0, mac: "da:17:1b:07:d3:70"}]
    routes:
      description: For O(container_network.lab.network_routes#module:routes).
      type: list
      elements: dict
      sample: [{dst: 40.15.26.0/24, via: 40.15.26.0, dev: flannel.1, onlink: true}]
    chains:
      description: For O(container_network.lab.iptables_chains#module:chains).
      type: list
      elements: dict
    jumps:
      description: For O(container_network.lab.iptables_chains#module:jumps).
      type: list
      elements: dict
    subnet_env:
      description: The text of C(/run/flannel/subnet.env).
      type: str
document:
  description: The configuration as JSON text, with what was chosen and no more.
  returned: success
  type: str
  sample: '{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan"}}'
leases:
  description: All leases of the network.
  returned: success
  type: list
  elements: dict
  sample:
    - subnet: 40.15.43.0/24
      public_ip: 192.168.1.68
      backend: vxlan
      data: {VNI: 1, VtepMAC: "4e:55:ee:0a:90:38"}
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.flannel.arguments import FLANNEL, FLANNEL_LEASES
from ansible_collections.container_network.lab.plugins.module_utils.flannel.converge import observe_subnet

ARGUMENTS = {
    **ETCD,
    **FLANNEL,
    "interface": {"type": "str", "required": True},
    "public_ip": {"type": "str", "required": True},
    "prefix_length": {"type": "int", "required": True},
    "mtu": {"type": "int", "required": True},
    **FLANNEL_LEASES,
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, observe_subnet, needs_root=False)


if __name__ == "__main__":
    main()
