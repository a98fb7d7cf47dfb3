# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and numbers of Kuryr, and of Neutron with Open vSwitch (ML2/OVS). Pure."""

from __future__ import annotations

HYBRID, FLOWS, NO_FIREWALL = "iptables_hybrid", "openvswitch", "noop"
FIREWALLS = (HYBRID, FLOWS, NO_FIREWALL)
"""Where the rules of security groups are: in iptables, for which each port has a bridge of its own, in Open vSwitch's
flows, or nowhere."""
AUTO, KERNEL_DATAPATH, USERSPACE_DATAPATH = "auto", "system", "netdev"
DATAPATHS = (AUTO, KERNEL_DATAPATH, USERSPACE_DATAPATH)

INTEGRATION_BRIDGE, TUNNEL_BRIDGE, UNDERLAY_BRIDGE = "br-int", "br-tun", "br-phy"
ID_LENGTH = 11
"""As many characters of a port's id are in the names of its devices."""

RABBITMQ_PORT, NEUTRON_PORT, KEYSTONE_PORT = 5672, 9696, 5000  # TCP
NO_KEYSTONE, KEYSTONE = "none", "keystone"
AUTHENTICATIONS = (NO_KEYSTONE, KEYSTONE)
"""Whether whoever asks Neutron has to show a token of Keystone's."""
NEUTRON_GET = "/usr/local/lib/container-network-kuryr/neutron-get"
"""The command with which a host asks Neutron."""
DRIVER = "kuryr"
AGENT = "neutron-openvswitch-agent"
"""The binary by which Neutron knows the agents of hosts."""
CONTAINER_OWNER = "compute:kuryr"
"""The device owner of containers' ports."""

HOST_SERVICES = ("openvswitch-switch.service", f"{AGENT}.service", "kuryr-libnetwork.service")
CONTROLLER_SERVICES = ("mariadb.service", "rabbitmq-server.service", "neutron-server.service")
KEYSTONE_SERVICE = "keystone.service"
