#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host offers to a container network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Find a host's underlay interface and what its kernel can do
description:
  - Finds the interface that container traffic between hosts will use, with address, MTU and gateway.
  - An underlay interface whose addresses a bridge of Open vSwitch has, as with P(container_network.lab.kuryr#role), is
    told with them, and that bridge is not.
  - Tries which link types the running kernel can make, in an empty network namespace of its own.
  - Refuses a host where rules of Docker or of a network are in the mode of iptables, V(nft) or V(legacy), that the
    command C(iptables) has no longer.
options:
  interface:
    description:
      - The underlay interface, by its name, an alternative name, or one of its addresses. Without it, the one of the
        IPv4 default route, and the first one if that has several next hops.
    type: str
  link_kinds:
    description: Link types to try, such as V(vxlan) or V(ipip).
    type: list
    elements: str
    default: []
  commands:
    description: Commands to look for.
    type: list
    elements: str
    default: []
  command_packages:
    description: The Debian packages of those commands whose package has another name, a list for each command.
    type: dict
    default: {}
  python_packages:
    description: The packages that pip is to install for a command, a list for each, such as V(kuryr-lib==3.5.0).
    type: dict
    default: {}
  processes:
    description: Programs, such as V(dockerd), whose running process is looked for.
    type: list
    elements: str
    default: []
  features:
    description:
      - Features of the kernel to try. V(esp) is the encryption of packets (IPsec ESP with AES-GCM), as encrypted
        overlays of Docker need it.
    type: list
    elements: str
    choices: [esp]
    default: []
  udp_ports:
    description: UDP ports to look at, whether anything takes packets there.
    type: list
    elements: int
    default: []
  needed_ports:
    description:
      - Ports that other hosts of the underlay send to, such as V(8472/udp), V(179/tcp), or V(ipip) for IP in IP.
      - One with an address in front, V(192.168.1.68:2379/tcp), is meant where this is the host's address on the
        underlay.
      - Of them it is told whether the host's own iptables close them, whether a program listens there, and of UDP ports
        whether anything takes packets there.
    type: list
    elements: str
    default: []
  local_ports:
    description: Ports at which the host itself is to be reached only, such as V(5300/udp).
    type: list
    elements: str
    default: []
  iptables_chains:
    description:
      - What the names of all networks' iptables chains begin with, such as V(cali-).
      - A host that has such ones in the mode of iptables that its command C(iptables) has no longer is refused, as one
        that has Docker's there.
    type: list
    elements: str
    default: []
  netlink_families:
    description: Families of generic netlink to look for, such as V(ovs_datapath), the kernel's Open vSwitch.
    type: list
    elements: str
    default: []
  files:
    description:
      - Files to compare, by path, each with the SHA-256 checksum of the wanted content.
      - A role that finds all of them as they are wanted need not run the task that writes them.
    type: dict
    default: {}
  lines:
    description: Files to look into, by path, each with the beginnings of the lines that are to be told.
    type: dict
    default: {}
  services:
    description: Services of systemd, such as V(bird.service), of which it is asked whether they start at boot.
    type: list
    elements: str
    default: []
  guard:
    description: The guard of the host against its containers, as M(container_network.lab.container_guard) has it.
    type: dict
    suboptions:
      etcd_endpoints:
        description: Client URLs of etcd.
        type: list
        elements: str
        default: []
      etcd_ports:
        description: Further ports of etcd's members.
        type: list
        elements: int
        default: [2379, 2380]
      service_endpoints:
        description: URLs of further services that are for the network's hosts alone.
        type: list
        elements: str
        default: []
      closed_addresses:
        description: Addresses that no container reaches at any port.
        type: list
        elements: str
        default: []
      container_interfaces:
        description: Interfaces of containers that send from addresses only to which the host has a route there.
        type: list
        elements: str
        default: []
      dns_address:
        description: The address of this host's name server for its containers; empty if there is none.
        type: str
        default: ''
  docker_swarm:
    description: Whether to look at the host's Docker swarm and the networks of its engine, too.
    type: bool
    default: false
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.blocked_ports_info
  - module: container_network.lab.container_links_info
"""

EXAMPLES = r"""
- name: What is there to build Flannel on?
  container_network.lab.host_info:
    link_kinds: [vxlan]
    commands: [iptables]
  register: host
"""

RETURN = r"""
host_info:
  description: What was found.
  type: dict
  returned: success
  contains:
    hostname:
      description: What the host calls itself, as C(hostname) prints it.
      type: str
      sample: node-1
    interface:
      description: The underlay interface.
      type: str
      sample: eth0
    address:
      description:
        - Its IPv4 address. Of several ones, the one that the default route names as its source, else the first in the
          network of the next hop, else the first that has a network; one alone (/32) is mostly a virtual one.
      type: str
      sample: 192.168.1.68
    prefix_length:
      description: Prefix length of that address.
      type: int
      sample: 24
    network:
      description: Network of that address.
      type: str
      sample: 192.168.1.0/24
    mtu:
      description: MTU in bytes.
      type: int
      sample: 9001
    gateway:
      description: Next hop of the default route over the interface; none if there is no such route.
      type: str
      sample: 192.168.1.1
    interfaces:
      description: All interfaces of the host.
      type: list
      elements: str
      sample: [docker0, eth0, lo]
    networks:
      description: The IPv4 networks that all interfaces have addresses of.
      type: dict
      sample: {docker0: [172.17.0.0/16], eth0: [192.168.1.0/24], lo: [127.0.0.0/8]}
    routes:
      description: The IPv4 routes to networks that are not the host's own, but for those that BIRD wrote.
      type: list
      elements: dict
      sample: [{destination: 10.9.0.0/16, interface: eth1, gateway: 10.12.28.1}]
    container_networks:
      description: The networks of this collection's roles that the host has a part in.
      type: list
      elements: str
      sample: [flannel]
    outdated_commands:
      description: Whether M(container_network.lab.host_commands) has something to install.
      type: bool
      sample: false
    guarded:
      description: Whether O(guard) is in place; none if it is not given.
      type: bool
      sample: true
    docker_swarm:
      description: With O(docker_swarm), what M(container_network.lab.docker_swarm_info) returns, else none.
      type: dict
    docker_daemon:
      description:
        - How Docker is started, of its unit with all drop-ins, of C(daemon.json), and of the process that runs; for
          P(container_network.lab.network_problems#filter) and P(container_network.lab.docker_daemon_in_force#filter).
        - Values are told of those options only that a network may contradict.
      type: dict
      sample: {start: /usr/sbin/dockerd -H fd:// $DOCKER_OPTS, start_path: /usr/lib/systemd/system/docker.service}
    taken_names:
      description: The names of C(containers) and C(networks) on its Docker that this collection did not make.
      type: dict
      sample: {containers: [web], networks: [bridge, host, none]}
    etcd_files:
      description:
        - What the host has to reach an etcd with TLS and users, as the role
          R(etcd, ansible_collections.container_network.lab.etcd_role) provides it; SHA-256 checksums by path.
      type: dict
      sample: {/etc/container-network/etcd/ca.pem: 6c7f0d4e9ad0d0f5b7a4d66eb0c1ef8d0bb2a9f1d2ac4f7a8e60f1e5c9f6a3b2}
    missing_link_kinds:
      description: The link types asked for that the kernel cannot make.
      type: list
      elements: str
      sample: []
    missing_packages:
      description:
        - Packages that modules of this collection need and the Python that runs them lacks. V(python3-pyroute2) is the
          only one; M(container_network.lab.network_link), M(container_network.lab.veth_pair) and
          M(container_network.lab.network_set) write links with it.
      type: list
      elements: str
      sample: []
    missing_netlink_families:
      description: The families of generic netlink asked for that the kernel does not have.
      type: list
      elements: str
      sample: []
    missing_commands:
      description: The commands asked for that the host does not have.
      type: list
      elements: str
      sample: []
    unavailable_packages:
      description:
        - The Debian packages of missing commands and those of C(missing_packages) that apt does not find. If its lists
          do not have them, lists are fetched from its mirrors, and thrown away.
        - Nothing on a host without apt.
      type: list
      elements: str
      sample: [neutron-server]
    unavailable_python_packages:
      description:
        - Those of O(python_packages) for a missing command that are not in the index of pip's configuration. Nothing
          where pip is told of none, or of other places besides.
      type: list
      elements: str
      sample: [kuryr-lib==3.5.0]
    processes:
      description: The command line of each program asked for; none if it does not run.
      type: dict
      sample: {dockerd: /usr/sbin/dockerd -H fd:// --bip=40.15.43.1/24}
    files:
      description: For each file asked for, V(same), V(other) or V(missing).
      type: dict
      sample: {/usr/local/bin/weave: same}
    lines:
      description: The lines of each file of O(lines); none where it is not there.
      type: dict
      sample: {/etc/container-network/kuryr/kuryr.conf: [auth_type = none]}
    enabled_services:
      description: The services asked for that start at boot.
      type: list
      elements: str
      sample: [bird.service]
    missing_features:
      description: The features asked for that the kernel does not have.
      type: list
      elements: str
      sample: [esp]
    used_udp_ports:
      description: The ports asked for where something takes packets.
      type: list
      elements: int
      sample: [4789]
    taken_ports:
      description:
        - The needed and local ports at which a program listens, at all addresses of the host or at that of the
          underlay, with the program's name and process id.
        - A port of the kernel itself, as that of a VXLAN device, is none.
      type: list
      elements: dict
      sample: [{port: 179/tcp, program: bgpd, pid: 812}]
    stopped_ports:
      description:
        - The needed ports that the host's own iptables close, each with the C(rule) that does, as C(iptables -S) prints
          it.
        - Rules of which it cannot be told whether they match are no proof of either.
      type: list
      elements: dict
      sample: [{port: 8472/udp, rule: -A INPUT -p udp -m udp --dport 8472 -j DROP}]
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.commands import install
from ansible_collections.container_network.lab.plugins.module_utils.datastore import client_files
from ansible_collections.container_network.lab.plugins.module_utils.docker import daemon, taken_names
from ansible_collections.container_network.lab.plugins.module_utils.docker.swarm import info as swarm_info
from ansible_collections.container_network.lab.plugins.module_utils.kernel import host_facts
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome, observed
from ansible_collections.container_network.lab.plugins.module_utils.recorded import guard

ARGUMENTS = {
    **host_facts.ARGUMENTS,
    "guard": {"type": "dict", "options": guard.GUARD},
    "docker_swarm": {"type": "bool", "default": False},
}


def look(params: dict[str, Any], _check_mode: bool) -> Outcome:
    """All that a role wants to know before it changes anything, in one look."""
    facts = host_facts.look(params)
    found = {
        **facts,
        "outdated_commands": bool(install.outdated_files()),
        "guarded": params["guard"] and guard.is_in_place(facts["interface"], params["guard"]),
        "docker_daemon": daemon.look().facts(),
        "taken_names": taken_names.look(),
        "etcd_files": client_files.look(),
        "docker_swarm": swarm_info.swarm_and_networks() if params["docker_swarm"] else None,
    }
    return observed({"host_info": found})


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, look)


if __name__ == "__main__":
    main()
