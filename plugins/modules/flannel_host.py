#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's part of a Flannel network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flannel_host
short_description: A host's part of a Flannel network
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Reads configuration and leases of a network from etcd, as C(flanneld) does, and makes what they imply for the host;
    these are C(/run/flannel/subnet.env), the rules, the VXLAN device with its tables, and the routes to the other
    hosts' containers.
  - Everything is one named, recorded set, C(flannel), that the unit of M(container_network.lab.network_restore) makes
    again at boot, as with M(container_network.lab.network_set). What was recorded before and is implied no longer is
    removed.
  - The host has a lease already; M(container_network.lab.flannel_subnet) takes one.
  - Leases of a running C(flanneld) count as those of the inventory's hosts do.
  - A peer that cannot be reached, because its backend or VNI is another or because host-gw does not reach it, is left
    out with a warning that names it.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.flannel
  - container_network.lab.flannel_leases
  - container_network.lab.files
options:
  interface:
    description:
      - The interface that carries the packets between the hosts.
      - Needed with O(state=present), as are O(public_ip), O(prefix_length) and O(mtu).
    type: str
  public_ip:
    description: IPv4 address of O(interface), with which the host has its lease.
    type: str
  prefix_length:
    description: Prefix length of O(public_ip).
    type: int
  mtu:
    description:
      - MTU of O(interface) in bytes. VXLAN takes 50 of them.
      - At least 576 must be left for containers.
    type: int
  state:
    description:
      - V(present) brings about what the leases imply, together with O(files).
      - V(absent) removes all that is recorded under the name C(flannel), and nothing else. Neither etcd nor the host's
        lease is touched.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: container_network.lab.flannel_config
  - module: container_network.lab.flannel_subnet
  - module: container_network.lab.flannel_subnet_info
"""

EXAMPLES = r"""
- name: Make node-1's part of the network, and tell a service its addresses
  container_network.lab.flannel_host:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    interface: eth0
    public_ip: 192.168.1.68
    prefix_length: 24
    mtu: 9001
    files:
      - path: /etc/systemd/system/my-bridge.service.d/50-flannel.conf
        content: |
          [Service]
          EnvironmentFile=/run/flannel/subnet.env

- name: Remove it
  container_network.lab.flannel_host:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    state: absent
"""

RETURN = r"""
flannel:
  description: The host's part of the network.
  returned: with O(state=present)
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
changed_parts:
  description: The parts that changed, of V(files), V(rules), V(links), V(tables), V(routes) and V(restore).
  type: list
  elements: str
  returned: success
  sample: [links, routes]
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.flannel.arguments import FLANNEL, FLANNEL_LEASES
from ansible_collections.container_network.lab.plugins.module_utils.flannel.converge import converge_host
from ansible_collections.container_network.lab.plugins.module_utils.recorded.arguments import FILES

ARGUMENTS = {
    **ETCD,
    **FLANNEL,
    **FLANNEL_LEASES,
    "interface": {"type": "str"},
    "public_ip": {"type": "str"},
    "prefix_length": {"type": "int"},
    "mtu": {"type": "int"},
    **FILES,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    needed = ("interface", "public_ip", "prefix_length", "mtu")
    run_module(ARGUMENTS, converge_host, required_if=[("state", "present", needed)])


if __name__ == "__main__":
    main()
