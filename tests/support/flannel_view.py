# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What etcd and the kernels say of Flannel's hosts and their containers, and where they disagree."""

from __future__ import annotations

import ipaddress
import json

from tests.support.driver_network import Place, rows, twice, unlike

_LEASES = "/coreos.com/network/subnets/"
_HOST_VIEW = """
    ip -4 route show dev flannel.1 | awk '$2 == "via" {print "route", $1, $3}'
    ip neighbour show nud permanent dev flannel.1 | awk '$2 == "lladdr" {print "neighbour", $1, $3}'
    bridge fdb show dev flannel.1 | awk '$2 == "dst" {print "forwarding", $1, $3}'
    ip -o link show master docker0 type veth | awk -F '[ :@]+' '{print "port", $2}'
    ip -o -4 address show dev docker0 | awk '{print "bridge", $4}'
    ip -o -4 address show scope global | awk '{print "address", $4}'
"""


def disagreements(place: Place) -> list[str]:
    """Also: no address is given twice, and no port of the bridge is left of a container that went."""
    leases = {}  # by the host's address: subnet, and the VTEP's MAC address
    for key, text in place.stored(_LEASES).items():
        document = json.loads(text)
        subnet = ipaddress.ip_network(key.replace("-", "/"))
        leases[document["PublicIP"]] = subnet, document["BackendData"]["VtepMAC"]
    living = place.connections()
    found = twice(one.address for host in place.hosts for one in living[host])
    found += unlike("number of leases", [len(leases)], [len(place.hosts)])
    for host in place.hosts:
        kernel = rows(host, _HOST_VIEW)
        own = {address.partition("/")[0] for (address,) in kernel.get("address", ())}
        peers = {address: lease for address, lease in leases.items() if address not in own}
        vteps = {str(subnet.network_address): mac for subnet, mac in peers.values()}
        routes = {(str(subnet), str(subnet.network_address)) for subnet, _mac in peers.values()}
        bridge = {str(ipaddress.ip_interface(address).network) for (address,) in kernel.get("bridge", ())}
        found += unlike(f"routes of {host}", kernel.get("route", ()), routes)
        found += unlike(f"neighbours of {host}", kernel.get("neighbour", ()), vteps.items())
        ways = ((mac, address) for address, (_subnet, mac) in peers.items())
        found += unlike(f"tunnels of {host}", kernel.get("forwarding", ()), ways)
        found += unlike(f"lease of {host}", bridge, {str(leases[address][0]) for address in own & leases.keys()})
        found += unlike(f"number of ports of {host}", [len(kernel.get("port", ()))], [len(living[host])])
    return found
