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
from dataclasses import dataclass
from typing import Any, Union

from ..errors import raise_if_any
from ..validation import range_problems
from .documents import POOL, Document, documents_in, is_document
from .fields import Fields
from .resources import Resource, name_problem
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
USES = ("Workload", "Tunnel")
_AUTOMATIC, _MANUAL = "Automatic", "Manual"
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
    allowed_uses: tuple[str, ...] = USES
    """For what it gives addresses, of USES."""
    manual: bool = False
    """Whether it gives addresses only to those who ask for this pool, or for a certain address."""

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

    @property
    def open_to_all(self) -> bool:
        """Whether containers get addresses of it that ask for no certain pool."""
        return not self.disabled and not self.manual and "Workload" in self.allowed_uses

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
            "allowedUses": list(self.allowed_uses),
            **({"assignmentMode": _MANUAL} if self.manual else {}),
        }

    def resource(self) -> Resource:
        """The document to store, in the v3 format."""
        return Resource("ippools", self.name, {"assignmentMode": None, **self.fields()})

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
                allowed_uses=_in_order(spec.get("allowedUses") or USES),
                manual=spec.get("assignmentMode") == _MANUAL,
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def read_pools(where: str, entries: Iterable[Any], problems: list[str], beside: Iterable[str] = ()) -> list[IPPool]:
    """The pools of a list that takes both v3 fields in Python's spelling (`block_size` …) and documents.

    Every rule that one of them breaks is added to ``problems``; a pool whose range cannot be read is left out.
    Documents of the kinds ``beside`` are for other readers.
    """
    pools: list[IPPool] = []
    for index, entry in enumerate(entries):
        place = f"{where}, entry {index}"
        if is_document(entry):
            for document in documents_in(place, entry, POOL, problems, beside):
                pools += _checked((_v1_pool if document.version == 1 else _v3_pool)(document), document.where, problems)
                document.close()
        else:
            fields = Fields(place, entry, problems)
            pools += _checked(_pool_of_fields(fields), place, problems)
            fields.close()
    return pools


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


def _cidr(fields: Fields, key: str = "cidr") -> Network | None:
    value = fields.text(key)
    try:
        return ipaddress.ip_network(str(value))
    except ValueError:
        pass
    try:
        suggestion = f" (did you mean {ipaddress.ip_network(str(value), strict=False)}?)"
    except ValueError:
        suggestion = ""
    fields.refuse(key, f"'{value}' is not a network{suggestion}: write it as 192.168.0.0/16 or fd80::/64")
    return None


def _mode(fields: Fields, key: str) -> str:
    """A tunnel's mode in either spelling."""
    text = fields.text(key) or NEVER
    mode = MODES.get(text.lower()) or {"crosssubnet": CROSS_SUBNET}.get(text.lower())
    if mode is None:
        fields.refuse(key, f"'{text}' is not a mode: write {', '.join(MODES)}")
    return mode or NEVER


def _in_order(uses: Iterable[str]) -> tuple[str, ...]:
    """As Calico writes them: Workload before Tunnel."""
    return tuple(sorted(set(uses), reverse=True))


def _rule_problems(pool: IPPool) -> list[str]:
    wrong_name = name_problem(pool.name)
    problems = [f"{pool.cidr}: name {wrong_name}"] if wrong_name else []
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
    else:
        problems += range_problems("", pool.cidr)
    if NEVER not in (pool.ipip_mode, pool.vxlan_mode):
        problems.append(f"{pool.cidr} has both IPIP and VXLAN: set one of the two modes to never")
    if pool.version == 6 and pool.ipip_mode != NEVER:
        problems.append(f"{pool.cidr}: IPIP carries IPv4 only: set the IPIP mode to never, or use VXLAN")
    unknown_selector = selector_problem(pool.node_selector)
    return problems + ([f"{pool.cidr}: node selector: {unknown_selector}"] if unknown_selector else [])


def _checked(pool: IPPool | None, where: str, problems: list[str]) -> list[IPPool]:
    """The pool as a list, if it could be read; the rules that it breaks are added to ``problems``."""
    if pool is None:
        return []
    problems += [f"{where}: {problem}" for problem in _rule_problems(pool)]
    return [pool]


def _pool_of_fields(fields: Fields) -> IPPool | None:
    """A pool from v3 fields in Python's spelling."""
    cidr, block_size = _cidr(fields), fields.number("block_size")
    name, selector = fields.text("name"), fields.text("node_selector")
    modes = _mode(fields, "ipip_mode"), _mode(fields, "vxlan_mode")
    nat_outgoing, disabled = fields.truth("nat_outgoing"), fields.truth("disabled")
    if cidr is None:
        return None
    return IPPool(
        name=name or name_of_cidr(cidr),
        cidr=cidr,
        block_size=DEFAULT_BLOCK_SIZES[cidr.version] if block_size is None else block_size,
        ipip_mode=modes[0],
        vxlan_mode=modes[1],
        nat_outgoing=nat_outgoing,
        disabled=disabled,
        node_selector=selector or "all()",
    )


def _v1_pool(document: Document) -> IPPool | None:
    spec, cidr = document.spec, _cidr(document.metadata)
    nat_outgoing, disabled, ipip = spec.truth("nat-outgoing"), spec.truth("disabled"), spec.part("ipip")
    enabled, mode = ipip.truth("enabled"), ipip.text("mode") or "always"
    if mode not in ("always", "cross-subnet"):
        ipip.refuse("mode", f"'{mode}' is not a mode of v1: write always or cross-subnet")
        mode = "always"
    ipip.close()
    if cidr is None:
        return None
    return IPPool(
        name=name_of_cidr(cidr),
        cidr=cidr,
        block_size=DEFAULT_BLOCK_SIZES[cidr.version],
        ipip_mode=MODES[mode] if enabled else NEVER,
        nat_outgoing=nat_outgoing,
        disabled=disabled,
    )


def _v3_pool(document: Document) -> IPPool | None:
    spec, name, cidr = document.spec, document.name(), _cidr(document.spec)
    block_size = spec.number("blockSize") or None  # as for Calico's client, a zero is none
    modes = _mode(spec, "ipipMode"), _mode(spec, "vxlanMode")
    nat_outgoing, disabled, selector = spec.truth("natOutgoing"), spec.truth("disabled"), spec.text("nodeSelector")
    uses, assignment = spec.texts("allowedUses") or USES, spec.text("assignmentMode") or _AUTOMATIC
    if not set(uses) <= set(USES):
        spec.refuse("allowedUses", f"is {', '.join(uses)}, and this collection knows {' and '.join(USES)} only")
    if assignment not in (_AUTOMATIC, _MANUAL):
        spec.refuse("assignmentMode", f"is '{assignment}': write {_AUTOMATIC} or {_MANUAL}")
    spec.only("disableBGPExport", False, instead="all pools are announced by BGP; leave it out")
    spec.only("namespaceSelector", "all()", instead="Docker has no namespaces; leave it out")
    for key, ours in (("ipip", "ipipMode"), ("nat-outgoing", "natOutgoing")):
        if key in spec:
            spec.refuse(key, f"is a field of v1 documents: write {ours}")
        spec.ignore(key)
    if cidr is None:
        return None
    return IPPool(
        name=name or name_of_cidr(cidr),
        cidr=cidr,
        block_size=DEFAULT_BLOCK_SIZES[cidr.version] if block_size is None else block_size,
        ipip_mode=modes[0],
        vxlan_mode=modes[1],
        nat_outgoing=nat_outgoing,
        disabled=disabled,
        node_selector=selector or "all()",
        allowed_uses=_in_order(uses),
        manual=assignment == _MANUAL,
    )


def checked_pools(
    pools: Iterable[Mapping[str, Any]],
    documents: Iterable[Any],
    tunnel: str | None = None,
    beside: Iterable[str] = (),
) -> list[IPPool]:
    """The pools of a module's options `pools`, `documents` and `tunnel`; InvalidInput with all problems of all."""
    problems: list[str] = []
    found = read_pools("pools", pools, problems) + read_pools("documents", documents, problems, beside)
    raise_if_any(problems + overlap_problems(found))
    return [carried_by(pool, tunnel) for pool in found]
