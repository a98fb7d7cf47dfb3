# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of BIRD 2 (2.0.12 and later) for a Calico node. Pure.

BIRD announces the node's own blocks, which it also holds in the kernel as blackholes, so that a packet for an address
that no container has does not go round in circles; it learns the routes of the other nodes' blocks. The address of a
container that lives away from its block needs no entry here: BIRD learns the route to its host end from the kernel and
announces it. So the configuration changes with nodes, blocks and pools, and not with containers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..errors import InvalidInput
from .pools import ALWAYS, NEVER, Address, IPPool
from .resources import BgpPeer, Node
from .selectors import selects
from .snapshot import Snapshot
from .topology import Interface, node_interface, node_of, own_blocks, pools_of, tunnel_mode, versions
from .tunnels import IPIP_DEVICE, VXLAN_DEVICES

LONGEST_PASSWORD = 80  # characters
RECOVERY_SECONDS = 10
"""How long a BIRD that starts with ``-R`` leaves the kernel's routes alone while it waits for its neighbours. With
BIRD's own 240 seconds a booting host would be without any route for so long if one of the other hosts is down."""
_EXPORT, _MESH_EXPORT = "calico_export", "calico_mesh_export"
_FORBIDDEN = ('"', "\n", "\\")


@dataclass(frozen=True)
class Passwords:
    """The passwords of BGP sessions (RFC 2385), which the datastore does not hold."""

    nodes: str | None = field(default=None, repr=False)
    """Of the sessions between nodes."""
    peers: dict[str, str] = field(default_factory=dict, repr=False)
    """Of the sessions with external peers, by the name of the BGPPeer."""


NO_PASSWORDS = Passwords()


@dataclass(frozen=True)
class Session:
    """One BGP session."""

    name: str
    address: Address
    as_number: int
    description: str
    password: str | None = field(default=None, repr=False)
    external: bool = False
    """Whether the other side is outside of the cluster."""
    client: bool = False
    """Whether this node reflects routes for the other side (RFC 4456)."""

    @property
    def in_mesh(self) -> bool:
        """Whether it is one between two nodes of the mesh."""
        return self.name.startswith("Mesh_")


def bird_config(snapshot: Snapshot, node: str, passwords: Passwords = NO_PASSWORDS) -> str:
    """The whole configuration of a node, ready for ``bird -p``."""
    own = node_of(snapshot, node)
    router_id = node_interface(own, 4)
    if router_id is None:
        raise InvalidInput([f"node {node} has no IPv4 address for BGP: give it one; it is its router id, too"])
    lines = [
        f"# BGP of the Calico node {node}, made from its datastore: changes by hand are overwritten.",
        f"router id {router_id.ip};",
        "log syslog all;",
        f"graceful restart wait {RECOVERY_SECONDS};",
        "",
        "protocol device { scan time 2; }",
        'protocol direct { ipv4; ipv6; interface -"cali*", "*"; }',
    ]
    for version in versions(snapshot):
        lines += ["", *_version_lines(snapshot, own, version, passwords)]
    return "\n".join(lines) + "\n"


def _version_lines(snapshot: Snapshot, own: Node, version: int, passwords: Passwords) -> list[str]:
    local = node_interface(own, version)
    blocks = [str(block) for block in own_blocks(snapshot, own.name, version)]
    pools = pools_of(snapshot, version)
    lines = [
        f"protocol static blocks{version} {{",
        f"  ipv{version};",
        *(f"  route {block} blackhole;" for block in blocks),
        "}",
        *_export_filter(_EXPORT, blocks, pools, version),
        *_import_filter(pools, version),
        *_kernel_filter(pools, local, version),
        # Without "metric 0" BIRD 2 writes routes with metric 32, and "ip route" would say so.
        f"protocol kernel kernel{version} {{",
        "  learn;",
        "  persist;",
        "  scan time 10;",
        "  metric 0;",
        "  graceful restart;",
        f"  ipv{version} {{ import all; export filter calico_kernel{version}; }};",
        "}",
    ]
    if local is None:
        return lines
    own_as = own.as_number or snapshot.bgp.as_number
    found = sessions(snapshot, own, version, passwords)
    # In a mesh each node hears of every other one from that itself. Between nodes of one AS that is so anyway (what
    # IBGP told is not told on to IBGP, RFC 4456, section 1); of a node with another number a third one would tell, too.
    mesh_export = _EXPORT if all(one.as_number == own_as for one in found if one.in_mesh) else _MESH_EXPORT
    if mesh_export != _EXPORT:
        lines += _export_filter(_MESH_EXPORT, blocks, pools, version, ' && ! (proto ~ "Mesh_*")')
    lines += [
        f"template bgp peer{version} {{",
        f"  local {local.ip} as {own_as};",
        "  multihop;",
        "  graceful restart;",
        "  connect delay time 1;",
        "  connect retry time 5;",
        "  error wait time 1, 10;",
        f"  ipv{version} {{",
        "    gateway recursive;",
        f"    import filter calico_import{version};",
        f"    export filter {_EXPORT}{version};",
        "  };",
        "}",
    ]
    for session in found:
        lines += _session_lines(session, own, version, mesh_export if session.in_mesh else _EXPORT)
    return lines


def _session_lines(session: Session, own: Node, version: int, export: str) -> list[str]:
    lines = [
        f"protocol bgp {session.name} from peer{version} {{",
        f'  description "{session.description}";',
        f"  neighbor {session.address} as {session.as_number};",
    ]
    if session.password:
        lines.append(f'  password "{session.password}";')
    # A reflector passes routes on with the next hop that they came with; every other node names itself.
    next_hop = "next hop self;" if not own.route_reflector_cluster_id else "next hop self ebgp;"
    if session.client:
        lines += ["  rr client;", f"  rr cluster id {own.route_reflector_cluster_id};"]
    imported = " import all;" if session.external else ""
    exported = f" export filter {export}{version};" if export != _EXPORT else ""
    return [*lines, f"  ipv{version} {{ {next_hop}{imported}{exported} }};", "}"]


def _prefixes(networks: Iterable[str], suffix: str = "") -> str:
    return "[ " + ", ".join(f"{network}{suffix}" for network in networks) + " ]"


def _export_filter(
    name: str, blocks: Sequence[str], pools: Sequence[IPPool], version: int, condition: str = ""
) -> list[str]:
    """What other nodes are told: own blocks as a whole, and addresses of other blocks that live here.

    And what BGP itself told, if it fulfils the ``condition``.
    """
    lines = [f"filter {name}{version} {{"]
    if blocks:
        lines += [
            f"  if net ~ {_prefixes(blocks)} then accept;",
            f"  if source = RTS_INHERIT && net ~ {_prefixes(blocks, '+')} then reject;",
        ]
    if pools:
        known = _prefixes((str(pool.cidr) for pool in pools), "+")
        lines += [
            f'  if source = RTS_INHERIT && ifname ~ "cali*" && net ~ {known} then accept;',
            f"  if source = RTS_BGP{condition} && net ~ {known} then accept;",
        ]
    return [*lines, "  reject;", "}"]


def _import_filter(pools: Sequence[IPPool], version: int) -> list[str]:
    """What other nodes may tell: routes inside of pools, so that no node can draw other traffic to itself."""
    known = _prefixes((str(pool.cidr) for pool in pools), "+")
    accepted = [f"  if net ~ {known} then accept;"] if pools else []
    return [f"filter calico_import{version} {{", *accepted, "  reject;", "}"]


def _kernel_filter(pools: Sequence[IPPool], local: Interface | None, version: int) -> list[str]:
    """What goes into the kernel, and by which device."""
    lines = [
        f"filter calico_kernel{version} {{",
        "  if source = RTS_STATIC then accept;",
        "  if source != RTS_BGP then reject;",
    ]
    for pool in pools:
        mode = tunnel_mode(pool)
        if mode == NEVER or local is None:
            continue
        device = IPIP_DEVICE if pool.tunnel == "ipip" else VXLAN_DEVICES[version]
        elsewhere = "" if mode == ALWAYS else f" && ! (bgp_next_hop ~ {local.network})"
        lines += [
            f"  if net ~ {_prefixes([str(pool.cidr)], '+')}{elsewhere} then {{",
            f'    ifname = "{device}";',
            "    onlink = true;",
            "    gw = bgp_next_hop;",
            "  }",
        ]
    return [*lines, "  accept;", "}"]


def sessions(snapshot: Snapshot, own: Node, version: int, passwords: Passwords = NO_PASSWORDS) -> list[Session]:
    """The BGP sessions of a node over an IP version, by name of the other side."""
    found: dict[Address, Session] = {}
    for name in sorted(snapshot.nodes):
        other = snapshot.nodes[name]
        remote = node_interface(other, version)
        kind = _kind_of_session(snapshot, own, other)
        if remote is None or name == own.name or kind is None:
            continue
        own_as, other_as = (one.as_number or snapshot.bgp.as_number for one in (own, other))
        found[remote.ip] = Session(
            f"{kind}_{_identifier(remote.ip)}",
            remote.ip,
            other_as,
            _printable(name, "name of a node"),
            _password(passwords.nodes, f"the session with node {name}"),
            # Only a node of the same AS is a client: to others all is told anyway.
            client=bool(own.route_reflector_cluster_id) and not other.route_reflector_cluster_id and own_as == other_as,
        )
    for peer in sorted(snapshot.bgp_peers, key=lambda peer: peer.name):
        session = _external_session(snapshot, own, version, peer, passwords)
        if session and session.address not in found:
            found[session.address] = session
    return list(found.values())


def _kind_of_session(snapshot: Snapshot, own: Node, other: Node) -> str | None:
    """``Mesh`` or ``Node`` as Calico names the sessions, None where there is none.

    Reflectors stand beside the mesh. A node has sessions with all reflectors, and a reflector with all nodes.
    """
    if own.route_reflector_cluster_id or other.route_reflector_cluster_id:
        return "Node"
    return "Mesh" if snapshot.bgp.mesh else None


def _external_session(
    snapshot: Snapshot, own: Node, version: int, peer: BgpPeer, passwords: Passwords
) -> Session | None:
    """The session for a BGPPeer with an address; one with a peerSelector stands for sessions with reflectors."""
    if not peer.peer_ip or not peer.as_number:
        return None
    address = ipaddress.ip_address(peer.peer_ip.strip("[]"))
    chosen = peer.node == own.name if peer.node else selects(peer.node_selector or "", own.labels)
    if address.version != version or not chosen:
        return None
    scope = "Node" if peer.node else "Global"
    return Session(
        f"{scope}_{_identifier(address)}",
        address,
        peer.as_number,
        _printable(peer.name, "name of a BGP peer"),
        _password(passwords.peers.get(peer.name), f"BGP peer {peer.name}"),
        external=True,
    )


def _identifier(address: Address) -> str:
    """An address as a part of a name in BIRD."""
    return str(address).replace(".", "_").replace(":", "_")


def _printable(text: str, what: str) -> str:
    if any(character in text for character in _FORBIDDEN):
        raise InvalidInput([f"{what}: '{text}' has a quote, a backslash or a line's end, which BIRD cannot take"])
    return text


def _password(password: str | None, where: str) -> str | None:
    problem = password_problem(password)
    if problem:
        raise InvalidInput([f"the BGP password of {where} {problem}"])
    return password


def password_problem(password: object) -> str | None:
    """Why BIRD and the kernel (TCP_MD5SIG_MAXKEYLEN of linux/tcp.h) cannot take a session's password."""
    if password and not isinstance(password, str):
        return "must be a text: write it in quotes"
    if password and (len(password) > LONGEST_PASSWORD or any(character in password for character in _FORBIDDEN)):
        return f"must have up to {LONGEST_PASSWORD} characters, and no quote, backslash or line's end"
    return None
