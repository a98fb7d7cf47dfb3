# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's IP pools: the documents of calicoctl v1 and v3, and Calico's rules for them. Pure.

Sources: the resource reference of Calico v1 (`ipPool`) and v3 (`IPPool`), and the checks of Calico v3's client.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from ..errors import raise_if_any
from .resources import Resource
from .selectors import selector_problem

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

NEVER, ALWAYS, CROSS_SUBNET = "Never", "Always", "CrossSubnet"
MODES = {"never": NEVER, "always": ALWAYS, "cross-subnet": CROSS_SUBNET}
"""A tunnel's modes as variables have them, and as v3 stores them."""
DEFAULT_BLOCK_SIZES = {4: 26, 6: 122}
"""Prefix lengths: 64 addresses in a block."""
BLOCK_SIZES = {4: (20, 32), 6: (116, 128)}
"""The shortest and the longest prefix of a block that Calico takes."""
_LINK_LOCAL = {4: ipaddress.ip_network("169.254.0.0/16"), 6: ipaddress.ip_network("fe80::/10")}


@dataclass(frozen=True)
class IPPool:
    """One pool. `ipip_mode` and `vxlan_mode` are Never, Always or CrossSubnet."""

    name: str
    cidr: Network
    block_size: int
    ipip_mode: str = NEVER
    vxlan_mode: str = NEVER
    nat_outgoing: bool = False
    disabled: bool = False
    node_selector: str = "all()"
    allowed_uses: tuple[str, ...] = field(default=("Workload", "Tunnel"), compare=False)

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.cidr.version

    @property
    def block_count(self) -> int:
        """How many blocks the pool has room for."""
        return 2 ** (self.block_size - self.cidr.prefixlen)

    def blocks(self, first: int = 0) -> Iterator[Network]:
        """All its blocks, beginning with the one of this index and going round."""
        size = 2 ** (self.cidr.max_prefixlen - self.block_size)
        base = int(self.cidr.network_address)
        for index in range(self.block_count):
            number = base + (first + index) % self.block_count * size
            yield type(self.cidr)((number, self.block_size))

    def block_of(self, address: Address) -> Network:
        """The block in which an address of the pool lies."""
        return type(self.cidr)((int(address), self.block_size), strict=False)

    def __contains__(self, address: Address | Network) -> bool:
        if isinstance(address, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
            return address.version == self.version and address.subnet_of(self.cidr)
        return address in self.cidr

    @property
    def tunnel(self) -> str:
        """`ipip`, `vxlan` or an empty text: what carries packets between subnets."""
        if self.ipip_mode != NEVER:
            return "ipip"
        return "vxlan" if self.vxlan_mode != NEVER else ""

    def fields(self) -> dict[str, Any]:
        """The v3 fields as plain data."""
        return {
            "cidr": str(self.cidr),
            "vxlanMode": self.vxlan_mode,
            "ipipMode": self.ipip_mode,
            "natOutgoing": self.nat_outgoing,
            "disabled": self.disabled,
            "blockSize": self.block_size,
            "nodeSelector": self.node_selector,
        }

    def resource(self) -> Resource:
        """The document to store, in the v3 format."""
        return Resource("ippools", self.name, {**self.fields(), "allowedUses": list(self.allowed_uses)})

    @classmethod
    def from_stored(cls, document: Mapping[str, Any]) -> IPPool | None:
        """A pool as any client stored it, with Calico's defaults for what is left out; None for what is not a pool."""
        try:
            spec = document["spec"]
            cidr = ipaddress.ip_network(spec["cidr"], strict=False)
            block_size = int(spec.get("blockSize") or DEFAULT_BLOCK_SIZES[cidr.version])
            return cls(
                name=str(document["metadata"]["name"]),
                cidr=cidr,
                block_size=max(block_size, cidr.prefixlen),
                ipip_mode=spec.get("ipipMode") or NEVER,
                vxlan_mode=spec.get("vxlanMode") or NEVER,
                nat_outgoing=bool(spec.get("natOutgoing")),
                disabled=bool(spec.get("disabled")),
                node_selector=spec.get("nodeSelector") or "all()",
                allowed_uses=tuple(spec.get("allowedUses") or ("Workload", "Tunnel")),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def pool_from_fields(where: str, fields: Mapping[str, Any]) -> tuple[IPPool | None, list[str]]:
    """A pool from v3 fields in Python's spelling (`block_size`, `ipip_mode` …), and every rule that it breaks."""
    cidr, problems = _parsed_cidr(where, fields.get("cidr"))
    if cidr is None:
        return None, problems
    modes = {}
    for name in ("ipip_mode", "vxlan_mode"):
        modes[name] = _mode(fields.get(name))
        if modes[name] is None:
            problems.append(f"{where}: {name} '{fields[name]}' is not a mode: write {', '.join(MODES)}")
    block_size = fields.get("block_size")
    pool = IPPool(
        name=str(fields.get("name") or name_of_cidr(cidr)),
        cidr=cidr,
        block_size=DEFAULT_BLOCK_SIZES[cidr.version] if block_size is None else block_size,
        ipip_mode=modes["ipip_mode"] or NEVER,
        vxlan_mode=modes["vxlan_mode"] or NEVER,
        nat_outgoing=bool(fields.get("nat_outgoing")),
        disabled=bool(fields.get("disabled")),
        node_selector=fields.get("node_selector") or "all()",
    )
    return pool, problems + [f"{where}: {problem}" for problem in _rule_problems(pool)]


def fields_of_document(where: str, document: Any) -> tuple[dict[str, Any], list[str]]:
    """The fields of a document as calicoctl v1 or v3 reads it, for `pool_from_fields`, and what is wrong with it."""
    if not isinstance(document, Mapping):
        return {}, [f"{where}: {document!r} is not a document: write a mapping with apiVersion, kind, metadata, spec"]
    version, kind = str(document.get("apiVersion")), str(document.get("kind"))
    metadata, spec = document.get("metadata") or {}, document.get("spec") or {}
    if version == "v1" and kind.lower() == "ippool":
        return _v1_fields(where, metadata, spec)
    if version == "projectcalico.org/v3" and kind == "IPPool":
        return _v3_fields(where, metadata, spec)
    return {}, [
        f"{where}: apiVersion '{version}', kind '{kind}' is not a pool: "
        "write 'v1' with 'ipPool', or 'projectcalico.org/v3' with 'IPPool'"
    ]


def overlap_problems(pools: Iterable[IPPool]) -> list[str]:
    """One problem for each two pools that share addresses, or a name."""
    problems = []
    seen: list[IPPool] = []
    for pool in pools:
        for other in seen:
            if other.name == pool.name:
                problems.append(
                    f"the pools {other.cidr} and {pool.cidr} have the same name {pool.name}: give one another name"
                )
            if other.version == pool.version and other.cidr.overlaps(pool.cidr):
                problems.append(
                    f"pool {pool.name} ({pool.cidr}) overlaps pool {other.name} ({other.cidr}): "
                    "pools must not share addresses. Choose another range, or remove the other pool first"
                )
        seen.append(pool)
    return problems


def change_problems(stored: IPPool, wanted: IPPool) -> list[str]:
    """What may not change in a pool's life."""
    way_out = "make a new pool, move the containers, and remove the old one"
    problems = []
    if stored.cidr != wanted.cidr:
        problems.append(
            f"pool {stored.name}: the cidr is {stored.cidr} and cannot become {wanted.cidr}; Calico keeps it for good: "
            f"{way_out}"
        )
    elif stored.block_size != wanted.block_size:
        problems.append(
            f"pool {stored.name} ({stored.cidr}): the block size is /{stored.block_size} and cannot become "
            f"/{wanted.block_size}; Calico keeps it for good: {way_out}"
        )
    return problems


def carried_by(pool: IPPool, tunnel: str | None) -> IPPool:
    """The pool with its tunnel, if it has one, of this kind. IPv6 pools stay as they are: IPIP carries IPv4 only."""
    if not tunnel or not pool.tunnel or pool.version == 6:
        return pool
    mode = pool.ipip_mode if pool.tunnel == "ipip" else pool.vxlan_mode
    modes = {"ipip": NEVER, "vxlan": NEVER, tunnel: mode}
    return dataclasses.replace(pool, ipip_mode=modes["ipip"], vxlan_mode=modes["vxlan"])


def adopted(wanted: IPPool, stored: Iterable[IPPool]) -> IPPool:
    """The pool under the name that its range is stored by, if a document without a name asked for it."""
    if wanted.name != name_of_cidr(wanted.cidr):
        return wanted
    same = next((pool for pool in stored if pool.cidr == wanted.cidr), None)
    return dataclasses.replace(wanted, name=same.name) if same else wanted


def name_of_cidr(cidr: Network) -> str:
    """The name that Calico gives a pool that was written without one (v1 documents have none): 197-19-0-0-16."""
    return str(cidr).replace(".", "-").replace(":", "-").replace("/", "-")


def _parsed_cidr(where: str, value: Any) -> tuple[Network | None, list[str]]:
    try:
        return ipaddress.ip_network(str(value)), []
    except ValueError:
        pass
    try:
        suggestion = f" (did you mean {ipaddress.ip_network(str(value), strict=False)}?)"
    except ValueError:
        suggestion = ""
    return None, [f"{where}: cidr '{value}' is not a network{suggestion}: write it as 192.168.0.0/16 or fd80::/64"]


def _mode(value: Any) -> str | None:
    text = str(value or NEVER)
    return MODES.get(text.lower()) or {"crosssubnet": CROSS_SUBNET}.get(text.lower())


def _rule_problems(pool: IPPool) -> list[str]:
    problems = []
    shortest, longest = BLOCK_SIZES[pool.version]
    if not shortest <= pool.block_size <= longest:
        problems.append(
            f"block size {pool.block_size} is out of range: "
            f"Calico takes {shortest} to {longest} for IPv{pool.version} (prefix lengths)"
        )
    elif pool.block_size < pool.cidr.prefixlen:
        problems.append(
            f"{pool.cidr} is smaller than one block of /{pool.block_size}: "
            f"choose a larger range, or a block size from {max(pool.cidr.prefixlen, shortest)} to {longest}"
        )
    if pool.cidr.overlaps(_LINK_LOCAL[pool.version]):
        problems.append(f"{pool.cidr} overlaps the link-local range {_LINK_LOCAL[pool.version]}: choose another range")
    if NEVER not in (pool.ipip_mode, pool.vxlan_mode):
        problems.append(f"{pool.cidr} has both IPIP and VXLAN: set one of the two modes to never")
    if pool.version == 6 and pool.ipip_mode != NEVER:
        problems.append(f"{pool.cidr}: IPIP carries IPv4 only: set the IPIP mode to never, or use VXLAN")
    unknown_selector = selector_problem(pool.node_selector)
    return problems + ([f"{pool.cidr}: node selector: {unknown_selector}"] if unknown_selector else [])


def _v1_fields(where: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    ipip = spec.get("ipip") or {}
    problems = _unknown(where, "metadata", metadata, {"cidr"})
    problems += _unknown(where, "spec", spec, {"ipip", "nat-outgoing", "disabled"})
    problems += _unknown(where, "spec.ipip", ipip, {"enabled", "mode"})
    mode = ipip.get("mode") or "always"
    if str(mode) not in ("always", "cross-subnet"):
        problems.append(f"{where}: spec.ipip.mode '{mode}' is not a mode of v1: write always or cross-subnet")
        mode = "always"
    fields = {
        "cidr": metadata.get("cidr"),
        "ipip_mode": mode if ipip.get("enabled") else "never",
        "nat_outgoing": spec.get("nat-outgoing", False),
        "disabled": spec.get("disabled", False),
    }
    return fields, problems


_V3_FIELDS = {
    "cidr": "cidr",
    "blockSize": "block_size",
    "ipipMode": "ipip_mode",
    "vxlanMode": "vxlan_mode",
    "natOutgoing": "nat_outgoing",
    "disabled": "disabled",
    "nodeSelector": "node_selector",
}


def _v3_fields(where: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    problems = _unknown(where, "spec", spec, set(_V3_FIELDS))
    fields = {ours: spec[theirs] for theirs, ours in _V3_FIELDS.items() if theirs in spec}
    if not metadata.get("name"):
        problems.append(f"{where}: metadata.name is missing: a v3 pool has a name, as default-ipv4-ippool")
    return {"name": metadata.get("name"), **fields}, problems


def _unknown(where: str, part: str, mapping: Any, known: set[str]) -> list[str]:
    if not isinstance(mapping, Mapping):
        return [f"{where}: {part} is {mapping!r} and must be a mapping"]
    return [
        f"{where}: {part} has '{name}', which this collection does not know: it takes {', '.join(sorted(known))}"
        for name in sorted(set(map(str, mapping)) - known)
    ]


def checked_pools(
    pools: Iterable[Mapping[str, Any]], documents: Iterable[Any], tunnel: str | None = None
) -> list[IPPool]:
    """The pools of a module's options `pools`, `documents` and `tunnel`; InvalidInput with all problems of all."""
    result, problems = [], []
    for index, fields in enumerate(pools):
        pool, wrong = pool_from_fields(f"pools, entry {index}", fields)
        problems += wrong
        result += [pool] if pool else []
    for index, document in enumerate(documents):
        where = f"documents, entry {index}"
        fields, wrong = fields_of_document(where, document)
        problems += wrong
        if not wrong:
            pool, wrong = pool_from_fields(where, fields)
            problems += wrong
            result += [pool] if pool else []
    raise_if_any(problems + overlap_problems(result))
    return [carried_by(pool, tunnel) for pool in result]
