# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel on one host, as flanneld does it: it follows the leases in etcd, and mends what others break.

Docker's own bridge attaches the containers, so Docker asks nothing of the service. How often flanneld looks after its
rules, and when it renews a lease: flannel's documentation of its options (``-iptables-resync``,
``-subnet-lease-renew-margin``).
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Mapping
from typing import Any

from ..datastore.etcd import KeyValue
from ..datastore.mirror import EtcdSnapshot
from ..datastore.reading import warnings_of
from ..driver.complaints import Complaints
from ..driver.follower import Follower
from ..driver.host import Host
from ..driver.host_options import HostOption
from ..errors import LabError
from ..kernel import sysctl
from ..kernel.links import LinkTable, read_links
from ..kernel.netlink import NetlinkSocket
from ..recorded.network_set import converge_state
from .backends.backend import Underlay
from .dataplane import SET_NAME, HostState, gateway
from .snapshot import Keys, Snapshot

RENEWAL_SECONDS = 3600
"""How long before its end a lease is renewed; one of less than two hours in the middle of its life."""
_FORWARDING = "net.ipv4.ip_forward"
log = logging.getLogger(__name__)


class FlannelNetwork(Follower):
    """Flannel on one host."""

    driver = "flannel"
    host_options = (
        HostOption("etcd_prefix", str, required=True),
        HostOption("interface", str, required=True),  # the underlay's card
        HostOption("address", str, required=True),  # its address, with which the host has its lease
    )
    longest_resync = 5.0

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._keys = Keys.under(host.options["etcd_prefix"])
        self._unread, self._warnings = Complaints(), Complaints()

    @classmethod
    def watched_prefixes(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The configuration and the leases."""
        return (Keys.under(options["etcd_prefix"]).network,)

    @classmethod
    def clean_host(cls) -> None:
        """Device, tables, routes, rules and files, as they are recorded."""
        converge_state(SET_NAME, None, False)

    def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """What the leases imply for this host; a lease of this host that would expire is renewed."""
        snapshot = Snapshot.of_copy(self._keys, copy)
        config, leases = snapshot.stored_config(self._keys), [found.lease for found in snapshot.leases.values()]
        self._unread.are(warnings_of(snapshot.unread))
        with NetlinkSocket() as netlink:
            links = read_links(netlink)
        state = HostState.of_leases(config, leases, self._underlay(links), self._keys.leases)
        self._warnings.are(state.warnings)
        changed = list(converge_state(SET_NAME, state.network_state(), False).facts["changed_parts"])
        if _has(links, gateway(state.own.subnet)) and sysctl.read(_FORWARDING) != "1":
            sysctl.write(_FORWARDING, "1")
            changed.append(_FORWARDING)
        if changed:
            log.info("brought about: %s", ", ".join(changed))
        if thorough:
            self._renew(copy.get(snapshot.leases[state.own.subnet].key))

    def _underlay(self, links: LinkTable) -> Underlay:
        """The underlay's card as it is now."""
        interface, address = self.host.options["interface"], self.host.options["address"]
        link = links.get(interface)
        if link is None:
            raise LabError(f"there is no interface {interface}, which is this host's way to the others.")
        for text in link.addresses:
            if text.partition("/")[0] == address:
                return Underlay(interface, ipaddress.IPv4Interface(text), link.mtu)
        raise LabError(
            f"{interface} has no address {address}, with which this host has its lease: run the role flannel."
        )

    def _renew(self, own: KeyValue | None) -> None:
        """Reservations do not expire; a lease that somebody gave to this host with an expiry does."""
        if own is None or not own.lease:
            return
        left, life = self.host.etcd.time_to_live(own.lease)
        if 0 <= left < min(RENEWAL_SECONDS, life / 2):
            self.host.etcd.keep_alive(own.lease)
            log.info("the lease %s is renewed, which would have ended in %d s", own.key, left)


def _has(links: LinkTable, bridge: str) -> bool:
    """Whether Docker's bridge is there.

    Before it makes that, Docker turns forwarding on, and closes FORWARD to others if forwarding was off until then.
    """
    return any(bridge in link.addresses for link in links.values())


NETWORK = FlannelNetwork
