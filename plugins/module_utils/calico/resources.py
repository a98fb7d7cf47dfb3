# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's resources in etcd v3 (nodes, profiles, workload endpoints, BGP settings) as values. Pure.

Source: the resource definitions of Calico v3's API, and the rules of its client for names of workload endpoints.
A document keeps the metadata (uid, time of creation) and the fields of `spec` that this collection does not know.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..datastore.documents import compact_json, parse_object
from ..datastore.reading import checked, number, value, word, words
from ..driver.libnetwork import PROTOCOLS, PublishedPort
from ..errors import InvalidInput
from ..kernel.addresses import is_device_mac, packed_interface, packed_ip
from .selectors import selector_problem

API_VERSION = "projectcalico.org/v3"
RESOURCES = "/calico/resources/v3/projectcalico.org/"
ORCHESTRATOR = "libnetwork"
"""Namespace, orchestrator and workload of an endpoint that a Docker network driver made."""
KINDS = {
    "bgpconfigurations": "BGPConfiguration",
    "bgppeers": "BGPPeer",
    "clusterinformations": "ClusterInformation",
    "ippools": "IPPool",
    "nodes": "Node",
    "profiles": "Profile",
    "workloadendpoints": "WorkloadEndpoint",
}
CONTAINER_LABEL = "org.projectcalico.label.container"
"""The label of an endpoint that holds its container's name; Calico's Docker driver prefixes labels like this."""


NETWORK_ANNOTATION = "container-network-lab/network"
"""The annotation of an endpoint that holds the name of its Docker network, where that is not its profile's."""
_INTERFACE = re.compile(r"[A-Za-z0-9_.-]{0,15}")
LONGEST_NAME = 253  # characters, as of a DNS name
_NODE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")

GROUP_ANNOTATION = "container-network-lab/group"
"""The annotation that holds a declared resource's group: what leaves the group's list is found again by it."""


@dataclass(frozen=True)
class Resource:
    """One document: what all kinds of resources have in common.

    With labels None, the stored ones stay; annotations are added to the stored ones, and one that is None is removed.
    """

    plural: str
    name: str
    spec: Mapping[str, Any]
    labels: Mapping[str, str] | None = None
    namespace: str = ""
    annotations: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Where Calico looks for it."""
        return resource_key(self.plural, self.name, self.namespace)

    def document(self, stored: str | None, uid: str, created: str) -> str:
        """The JSON text for etcd; a stored document keeps its metadata, and fields that are not given here."""
        known = stored_object(stored) if stored else {}
        metadata = dict(known.get("metadata") or {})
        metadata.update({"name": self.name, **({"namespace": self.namespace} if self.namespace else {})})
        metadata.setdefault("uid", uid)
        metadata.setdefault("creationTimestamp", created)
        if self.labels is not None:
            metadata["labels"] = dict(self.labels)
        metadata["annotations"] = merged(metadata.get("annotations") or {}, self.annotations)
        for name in ("labels", "annotations"):
            if not metadata.get(name):
                metadata.pop(name, None)
        spec = merged(known.get("spec") or {}, self.spec)
        ours = {"kind": KINDS[self.plural], "apiVersion": API_VERSION, "metadata": metadata, "spec": spec}
        return compact_json({**ours, **{name: other for name, other in known.items() if name not in ours}})

    def is_stored(self, stored: str | None) -> bool:
        """Whether a stored document already says this."""
        if stored is None:
            return False
        try:
            known = stored_object(stored)
        except InvalidInput:
            return False
        spec, metadata = known.get("spec") or {}, known.get("metadata") or {}
        labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
        return (
            merged(spec, self.spec) == spec
            and self.labels in (None, labels)
            and merged(annotations, self.annotations) == annotations
        )


@dataclass(frozen=True)
class Node:
    """A host. Addresses are texts: those of BGP with prefix length (192.168.1.68/24), those of tunnels without."""

    name: str
    ipv4_address: str | None = None
    ipv6_address: str | None = None
    as_number: int | None = None
    route_reflector_cluster_id: str | None = None
    ipip_tunnel_address: str | None = None
    vxlan_tunnel_address: str | None = None
    vxlan_mac: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Node:
        """A node as it is stored. Raises what `Reading.document` expects for one that BIRD cannot be told of."""
        spec = value(document, "spec", dict, {})
        bgp = value(spec, "bgp", dict, {})
        return cls(
            name=_name_of(document),
            ipv4_address=_valid(ipaddress.IPv4Interface, bgp, "ipv4Address"),
            ipv6_address=_valid(ipaddress.IPv6Interface, bgp, "ipv6Address"),
            as_number=_as_number(bgp),
            route_reflector_cluster_id=_valid(ipaddress.IPv4Address, bgp, "routeReflectorClusterID"),
            ipip_tunnel_address=_valid(ipaddress.IPv4Address, bgp, "ipv4IPIPTunnelAddr"),
            vxlan_tunnel_address=_valid(ipaddress.IPv4Address, spec, "ipv4VXLANTunnelAddr"),
            vxlan_mac=checked(spec, "vxlanTunnelMACAddr", is_device_mac, "the MAC address of a device", None) or None,
            labels=_texts(document["metadata"].get("labels")),
        )

    def resource(self) -> Resource:
        """The document to store; fields without a value are removed from a stored one."""
        bgp = {
            "ipv4Address": self.ipv4_address,
            "ipv6Address": self.ipv6_address,
            "asNumber": self.as_number,
            "routeReflectorClusterID": self.route_reflector_cluster_id,
            "ipv4IPIPTunnelAddr": self.ipip_tunnel_address,
        }
        spec = {
            "bgp": bgp,
            "ipv4VXLANTunnelAddr": self.vxlan_tunnel_address,
            "vxlanTunnelMACAddr": self.vxlan_mac,
        }
        return Resource("nodes", self.name, spec, self.labels)


@dataclass(frozen=True)
class Profile:
    """What may reach, and be reached by, the endpoints of a network. Its rules stay in Calico's own form.

    `calico_profiles.profile_spec` writes the `spec` of a network's profile.
    """

    name: str
    spec: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Profile:
        """A profile as it is stored."""
        spec = value(document, "spec", dict, {})
        value(spec, "labelsToApply", dict, {})
        return cls(_name_of(document), spec)

    def resource(self) -> Resource:
        """The document to store. Rules and labels replace the stored ones as a whole."""
        whole = {
            "ingress": [],
            "egress": [],
            **self.spec,
            "labelsToApply": Exactly(self.spec.get("labelsToApply") or {}),
        }
        return Resource("profiles", self.name, whole)


@dataclass(frozen=True)
class WorkloadEndpoint:
    """One container's end in one network. `addresses` are texts with /32 or /128."""

    node: str
    endpoint_id: str
    addresses: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    mac: str = "ee:ee:ee:ee:ee:ee"
    interface: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    network: str = ""
    """Docker's name of the network, where the profile could not have it: see `profiles.profile_of`."""
    ports: tuple[PublishedPort, ...] | None = None
    """Those of ``docker run -p``; None if there are none, which leaves stored ones alone; empty removes them."""

    @classmethod
    def of_container(
        cls,
        node: str,
        endpoint_id: str,
        addresses: tuple[str, ...],
        profiles: tuple[str, ...],
        container: str | None = None,
    ) -> WorkloadEndpoint:
        """An endpoint as Calico's Docker driver names and marks it."""
        labels = {CONTAINER_LABEL: container} if container else {}
        return cls(node, endpoint_id, addresses, profiles, interface=interface_name(endpoint_id), labels=labels)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> WorkloadEndpoint:
        """An endpoint as it is stored. Raises what `Reading.document` expects for one that rules cannot have."""
        spec = value(document, "spec", dict)
        addresses = words(spec, "ipNetworks")
        for address in addresses:
            packed_interface(address)
        return cls(
            node=word(spec, "node"),
            endpoint_id=word(spec, "endpoint"),
            addresses=addresses,
            profiles=tuple(_text(name) for name in value(spec, "profiles", list, [])),
            mac=checked(spec, "mac", is_device_mac, "the MAC address of a device", "").lower(),
            interface=checked(spec, "interfaceName", _INTERFACE.fullmatch, "the name of a device", ""),
            labels={
                name: value
                for name, value in _texts(document["metadata"].get("labels")).items()
                if name not in FIXED_LABELS
            },
            network=_texts(document["metadata"].get("annotations")).get(NETWORK_ANNOTATION, ""),
            ports=tuple(map(_port_of, spec.get("ports") or ())) or None,
        )

    @property
    def container(self) -> str | None:
        """The container's name, if it is known."""
        return self.labels.get(CONTAINER_LABEL)

    @property
    def key(self) -> str:
        """Where Calico looks for it: dashes in a part of the name are doubled."""
        parts = (self.node, ORCHESTRATOR, ORCHESTRATOR, self.endpoint_id)
        name = "-".join(part.replace("-", "--") for part in parts)
        return resource_key("workloadendpoints", name, ORCHESTRATOR)

    def resource(self) -> Resource:
        """The document to store."""
        spec = {
            "orchestrator": ORCHESTRATOR,
            "workload": ORCHESTRATOR,
            "node": self.node,
            "endpoint": self.endpoint_id,
            "ipNetworks": list(self.addresses),
            "profiles": list(self.profiles),
            "interfaceName": self.interface,
            "mac": self.mac,
        }
        if self.ports is not None:
            spec["ports"] = [_port_document(port) for port in self.ports] or None
        labels = {**FIXED_LABELS, **self.labels}
        annotations = {NETWORK_ANNOTATION: self.network or None}
        name = self.key.rpartition("/")[2]
        return Resource("workloadendpoints", name, spec, labels, ORCHESTRATOR, annotations)


@dataclass(frozen=True)
class BgpConfiguration:
    """The cluster's BGP settings (the resource `default`). Calico's own defaults are AS 64512 and a full mesh."""

    as_number: int = 64512
    mesh: bool = True

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> BgpConfiguration:
        """The settings as they are stored. Raises what `Reading.document` expects."""
        spec = value(document, "spec", dict, {})
        return cls(_as_number(spec) or 64512, value(spec, "nodeToNodeMeshEnabled", bool, True))

    def resource(self) -> Resource:
        """The document to store."""
        return Resource(
            "bgpconfigurations", "default", {"asNumber": self.as_number, "nodeToNodeMeshEnabled": self.mesh}
        )


@dataclass(frozen=True)
class BgpPeer:
    """A BGP session beyond the mesh.

    Which nodes have it: `node`, else `node_selector`. With whom: `peer_ip` and `as_number`, else the nodes of
    `peer_selector`.
    """

    name: str
    node: str | None = None
    node_selector: str | None = None
    peer_ip: str | None = None
    as_number: int | None = None
    peer_selector: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> BgpPeer:
        """A peer as it is stored. Raises what `Reading.document` expects for one that BIRD cannot be told of.

        Calico has addresses with a port, too (192.168.1.9:179); a session to another port than BGP's is none here.
        """
        spec = value(document, "spec", dict, {})
        selectors = [_selector(spec, name) for name in ("nodeSelector", "peerSelector")]
        peer_ip = word(spec, "peerIP", None) or None
        if peer_ip:
            ipaddress.ip_address(peer_ip.strip("[]"))
        return cls(
            name=_name_of(document),
            node=word(spec, "node", None) or None,
            node_selector=selectors[0],
            peer_ip=peer_ip,
            as_number=_as_number(spec),
            peer_selector=selectors[1],
        )

    def resource(self) -> Resource:
        """The document to store; fields without a value are removed from a stored one."""
        spec = {
            "node": self.node,
            "nodeSelector": self.node_selector,
            "peerIP": self.peer_ip,
            "asNumber": self.as_number,
            "peerSelector": self.peer_selector,
        }
        return Resource("bgppeers", self.name, spec)


class Exactly(dict):
    """A mapping of a spec that replaces the stored one as a whole, instead of being merged into it."""


def interface_name(endpoint_id: str) -> str:
    """The host's end of a container's veth pair: `cali` and the first 11 characters of the endpoint's id."""
    return f"cali{endpoint_id[:11]}"


def name_problem(name: str) -> str | None:
    """Why a resource cannot have this name, which is a part of its key, and of BIRD's and iptables' texts."""
    if len(name) <= LONGEST_NAME and name.isprintable() and not set(name) & set('/"\\'):
        return None
    return (
        f"'{name}' is not a name: write up to {LONGEST_NAME} characters that can be printed, and no '/', '\"' or '\\'"
    )


def node_name_problem(name: str) -> str | None:
    """Why a node cannot have this name: Calico's own clients take names of DNS only (RFC 1123), in small letters."""
    if len(name) <= LONGEST_NAME and _NODE_NAME.fullmatch(name):
        return None
    suggestion = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")
    return (
        f"'{name}' is not a name of a Calico node, which has small letters, digits, dots and dashes: "
        f"call the host otherwise in the inventory{f', as {suggestion}' if suggestion else ''}"
    )


def group_of(text: str) -> str | None:
    """The group to which a stored document belongs, if any."""
    try:
        return _texts((stored_object(text).get("metadata") or {}).get("annotations")).get(GROUP_ANNOTATION)
    except InvalidInput:
        return None


def stored_object(text: str) -> dict[str, Any]:
    """A stored resource; InvalidInput if it is no object, or its metadata or its spec is none."""
    found = parse_object(text, "it")
    metadata = value(found, "metadata", dict, {})
    value(found, "spec", dict, {})
    for name in ("labels", "annotations"):
        value(metadata, name, dict, {})
    return found


def resource_key(plural: str, name: str, namespace: str = "") -> str:
    """The key of a resource."""
    return f"{RESOURCES}{plural}/{namespace + '/' if namespace else ''}{name}"


def merged(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The stored fields with the wanted ones in their place; a wanted None removes a field."""
    result = dict(stored)
    for name, new in wanted.items():
        former = result.get(name)
        if isinstance(new, Mapping) and not isinstance(new, Exactly):
            new = merged(former if isinstance(former, Mapping) else {}, new) or None
        elif isinstance(new, Exactly):
            new = dict(new)
        if new is None:
            result.pop(name, None)
        else:
            result[name] = new
    return result


def _port_of(document: Mapping[str, Any]) -> PublishedPort:
    """A port as it is stored; ValueError if rules cannot have it. Upstream's named ports have none of the host."""
    port, host_port = int(document["port"]), int(document.get("hostPort") or 0)
    protocol, address = str(document["protocol"]).lower(), document.get("hostIP") or ""
    if protocol not in PROTOCOLS.values() or not (0 < port < 65536 and 0 <= host_port < 65536):
        raise ValueError(f"{document} is no port")
    if address:
        packed_ip(address)
    return PublishedPort(protocol, port, host_port, address)


def _port_document(port: PublishedPort) -> dict[str, Any]:
    document = {
        "name": f"{port.protocol}-{port.host_port}",
        "protocol": port.protocol.upper(),
        "port": port.port,
        "hostPort": port.host_port,
    }
    return {**document, "hostIP": port.host_address} if port.host_address else document


FIXED_LABELS = {"projectcalico.org/namespace": ORCHESTRATOR, "projectcalico.org/orchestrator": ORCHESTRATOR}
"""Those that every endpoint of a Docker network driver has."""


def _name_of(document: Mapping[str, Any]) -> str:
    name = word(value(document, "metadata", dict), "name")
    problem = name_problem(name)
    if problem:
        raise InvalidInput([f"metadata.name {problem}"])
    return name


def _valid(parse: Callable[[str], Any], fields: Mapping[str, Any], name: str) -> str | None:
    """A text that ``parse`` reads, as it is written; ValueError if it does not. None if it is missing or empty."""
    text = word(fields, name, None) or None
    if text:
        parse(text)
        if "%" in text or text != text.strip():
            raise ValueError(f"'{name}' is '{text}', an address with something beside it")
    return text


def _as_number(fields: Mapping[str, Any]) -> int | None:
    """An AS number, which Calico has as a number, or as a text of one."""
    found = fields.get("asNumber")
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < _MOST_DIGITS:
        fields = {"asNumber": int(found)}
    return (number(fields, "asNumber", 1, LARGEST_AS_NUMBER) if found not in (None, 0, "", "0") else None) or None


def _selector(fields: Mapping[str, Any], name: str) -> str | None:
    text = word(fields, name, None) or None
    problem = selector_problem(text) if text else None
    if problem:
        raise InvalidInput([f"'{name}': {problem}"])
    return text


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise ValueError(f"{found!r} is no text")
    return found


LARGEST_AS_NUMBER = 4294967295
_MOST_DIGITS = 20


def _texts(mapping: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in mapping.items()} if isinstance(mapping, Mapping) else {}
