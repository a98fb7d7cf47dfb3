# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host must have in its kernel and files, given its own lease and those of its peers.

What flanneld 0.20.2 leaves behind is the model throughout. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabError, raise_if_any
from ..kernel.iptables import ChainSet
from ..kernel.routes import TABLES, RouteSet
from ..kernel.virtual_links import LinkSet
from ..kernel.vxlan import SMALLEST_MTU
from ..recorded import contents
from ..recorded.files import RecordedFile
from ..recorded.network_set import NetworkState
from .backends.backend import Underlay
from .config import DEFAULT_PREFIX, FlannelConfig
from .leases import Lease

SET_NAME = "flannel"
"""What a host has of the network is recorded under this name."""
SUBNET_ENV = "/run/flannel/subnet.env"
FORWARD_CHAIN = "FLANNEL-FWD"
MASQUERADE_CHAIN = "FLANNEL-POSTRTG"
ARRIVALS_CHAIN = "FLANNEL-ARRIVALS"
LEASES = f"{DEFAULT_PREFIX}/subnets"
"""Where etcd has the leases, unless it is said."""
_FORWARD_COMMENT = '-m comment --comment "flanneld forward"'
_MASQUERADE_COMMENT = '-m comment --comment "flanneld masq"'
_MULTICAST = "224.0.0.0/4"


@dataclass(frozen=True)
class HostState:
    """A host's part of the network: its lease, the peers that it can reach, and what both imply."""

    config: FlannelConfig
    own: Lease
    peers: tuple[Lease, ...]
    underlay: Underlay
    warnings: tuple[str, ...] = ()

    @classmethod
    def implied(cls, config: FlannelConfig, own: Lease, others: Sequence[Lease], underlay: Underlay) -> HostState:
        """What all leases imply for the host with the lease ``own``; a peer that it cannot reach is a warning."""
        peers, warnings = usable_peers(config, own, others, underlay)
        return cls(config, own, tuple(peers), underlay, tuple(warnings))

    @classmethod
    def of_leases(
        cls, config: FlannelConfig, leases: Collection[Lease], underlay: Underlay, place: str = LEASES
    ) -> HostState:
        """What all leases imply for the host that has the underlay's address; ``place`` is where etcd has them.

        InvalidInput if the underlay leaves too few bytes. LabError if the host has no lease, or one that does not go
        with the configuration: as with flanneld, who changes that has to renew the leases.
        """
        raise_if_any(room_problems(config, underlay))
        own = own_lease(leases, underlay, place)
        reason = _unusable(config, own, underlay)
        if reason:
            raise LabError(f"the lease {own.subnet} of {own.public_ip}, this host, cannot be used: {reason}")
        return cls.implied(config, own, list(leases), underlay)

    @property
    def mtu(self) -> int:
        """Bytes, of the containers."""
        return self.config.backend.mtu(self.underlay.mtu)

    @property
    def subnet_env(self) -> str:
        """The text of the file that dockerd's options come from."""
        return subnet_env(self.config, self.own, self.mtu)

    def network_state(self, files: Sequence[RecordedFile] = ()) -> NetworkState:
        """All that the host must have; ``files`` are further ones beside subnet.env."""
        backend, peers = self.config.backend, self.peers
        return NetworkState(
            files=[RecordedFile(Path(SUBNET_ENV), self.subnet_env, 0o644), *files],
            rules=rules(self.config, self.own, backend.arrivals(self.config.network, self.own, peers, self.underlay)),
            links=LinkSet(backend.links(self.own, self.underlay)),
            tables=backend.tables(peers, self.underlay),
            routes=RouteSet(
                dict(route for peer in peers if (route := backend.route(peer, self.underlay))), TABLES["main"]
            ),
        )

    def described(self) -> dict[str, Any]:
        """As plain data; the keys are documented by the module flannel_subnet_info."""
        backend, state = self.config.backend, self.network_state()
        tables = contents.tables_content(state.tables)
        return {
            "network": str(self.config.network),
            "subnet": str(self.own.subnet),
            "gateway": gateway(self.own.subnet),
            "mtu": self.mtu,
            "backend": backend.TYPE,
            "device": backend.device,
            "peers": [
                {"subnet": str(peer.subnet), "public_ip": peer.public_ip, "vtep_mac": backend.vtep_mac(peer)}
                for peer in self.peers
            ],
            **contents.links_content(state.links),
            "arp": tables["arp"],
            "fdb": tables["fdb"],
            **contents.routes_content(state.routes),
            **contents.chains_content(state.rules),
            "subnet_env": self.subnet_env,
        }


def own_lease(leases: Collection[Lease], underlay: Underlay, place: str = LEASES) -> Lease:
    """The lease of the host that has the underlay's address; LabError if it has none."""
    address = str(underlay.address.ip)
    own = next((lease for lease in leases if lease.public_ip == address), None)
    if own is None:
        raise LabError(
            f"{address} has no lease under {place.rstrip('/')}: "
            "the module container_network.lab.flannel_subnet takes one"
        )
    return own


def room_problems(config: FlannelConfig, underlay: Underlay) -> list[str]:
    """What is wrong with an underlay that leaves too few bytes for containers."""
    left = config.backend.mtu(underlay.mtu)
    if left >= SMALLEST_MTU[4]:
        return []
    return [
        f"MTU {underlay.mtu} of {underlay.interface} leaves {left} bytes for containers "
        f"with {config.backend.TYPE}, and {SMALLEST_MTU[4]} are the least (RFC 791): raise it"
    ]


def usable_peers(
    config: FlannelConfig, own: Lease, others: Sequence[Lease], underlay: Underlay
) -> tuple[list[Lease], list[str]]:
    """The peers that this host can reach, ascending by subnet, and a warning for each one that it cannot."""
    peers, warnings = [], []
    for lease in sorted(others, key=lambda lease: lease.subnet):
        if lease.subnet == own.subnet or lease.public_ip == own.public_ip:
            continue
        reason = _unusable(config, lease, underlay)
        if reason:
            warnings.append(f"the lease {lease.subnet} of {lease.public_ip} is left out: {reason}")
        else:
            peers.append(lease)
    return peers, warnings


def _unusable(config: FlannelConfig, lease: Lease, underlay: Underlay) -> str | None:
    if not lease.subnet.subnet_of(config.network):
        return f"it is outside the network {config.network}; it vanishes when its host converges or its lease expires"
    if lease.backend != config.backend.TYPE:
        return (
            f"its backend is {lease.backend or 'not given'}, that of the network {config.backend.TYPE}; "
            "run its host too (or restart its flanneld)"
        )
    return config.backend.unusable(lease, underlay)


def gateway(subnet: ipaddress.IPv4Network) -> str:
    """The bridge's address with prefix length, as dockerd's ``--bip`` takes it: the first host address of the lease."""
    return f"{subnet.network_address + 1}/{subnet.prefixlen}"


def rules(config: FlannelConfig, own: Lease, arrivals: Sequence[str]) -> ChainSet:
    """Rules as iptables-save prints them, and the jumps to them: flanneld's, after all other rules of a chain.

    Docker's policy in FORWARD is DROP, so the network must be let through. Masqueraded is what this host's
    containers send out of the network, never what they send inside it: there, all see real addresses.

    From version 28 on, Docker itself drops what comes to its containers from another host (moby/moby#49792): in the
    table raw by a rule for each container's address, which it appends; in the table filter in chains that it puts first
    whenever it starts. Only DOCKER-USER comes before them, and is left to others. So what ``arrivals`` matches is
    accepted in DOCKER-USER, behind what a person forbids there, and at the top of raw.
    """
    network = config.network
    accepted = [f"{match} -j ACCEPT" for match in arrivals]
    return ChainSet(
        {
            ("filter", FORWARD_CHAIN): [
                f"-s {network} {_FORWARD_COMMENT} -j ACCEPT",
                f"-d {network} {_FORWARD_COMMENT} -j ACCEPT",
            ],
            ("nat", MASQUERADE_CHAIN): [
                f"-s {own.subnet} -d {network} {_MASQUERADE_COMMENT} -j RETURN",
                f"-s {own.subnet} ! -d {_MULTICAST} {_MASQUERADE_COMMENT} -j MASQUERADE",
            ],
            ("filter", ARRIVALS_CHAIN): accepted,
            ("raw", ARRIVALS_CHAIN): accepted,
        },
        jumps=[
            ("filter", "FORWARD", f"{_FORWARD_COMMENT} -j {FORWARD_CHAIN}"),
            ("nat", "POSTROUTING", f"{_MASQUERADE_COMMENT} -j {MASQUERADE_CHAIN}"),
            ("filter", "DOCKER-USER", f"-j {ARRIVALS_CHAIN}"),
        ],
        top=[("raw", "PREROUTING", f"-j {ARRIVALS_CHAIN}")],
    )


def subnet_env(config: FlannelConfig, own: Lease, mtu: int) -> str:
    """The file that dockerd's options come from. FLANNEL_IPMASQ=true: flannel masquerades, so Docker must not."""
    return (
        f"FLANNEL_NETWORK={config.network}\n"
        f"FLANNEL_SUBNET={gateway(own.subnet)}\n"
        f"FLANNEL_MTU={mtu}\n"
        "FLANNEL_IPMASQ=true\n"
    )


def subnet_from_env(text: str) -> ipaddress.IPv4Network | None:
    """The subnet that a subnet.env speaks of; None if it speaks of none."""
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip() == "FLANNEL_SUBNET":
            try:
                return ipaddress.IPv4Interface(value.strip()).network
            except ValueError:
                return None
    return None
