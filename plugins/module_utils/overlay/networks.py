# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlay networks, as all hosts of the cluster agree on them by name. Pure.

The documents are those that Docker itself kept in its key-value store until version 23 (libnetwork,
drivers/overlay/ov_network.go), with the facts added that the hosts have to share.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..datastore.documents import compact_json
from ..datastore.keys import key_part
from ..datastore.reading import ipv4_interface, number, value, word, words
from ..driver.libnetwork import MTU_OPTION
from ..errors import InvalidInput, LabError, raise_if_any
from ..kernel.links import LARGEST_MTU, SMALLEST_MTU
from ..kernel.vxlan import LARGEST_VNI, OVERHEAD
from ..validation import number_between

STORE = "/docker/network/v1.0/"
"""Where Docker kept all it had to say of networks."""
DRIVER_RECORDS = "/container_network/overlay-etcd/"
"""What this collection's network driver notes of each host: ``networks/NODE/``, ``joined/NODE/``, ``pools/NODE/``
and ``aliases/NODE/``."""
NETWORK_RECORDS = f"{DRIVER_RECORDS}networks/"
NETWORKS = f"{STORE}overlay/network/"
VNIS = f"{STORE}idm/vxlan-id/"
"""A key for each VNI in use, with the name of its network. Docker kept one bit for each in a single key."""

_MOST_DIGITS = 20  # more than any VNI has, and less than Python refuses to read
FIRST_VNI = 256  # vxlanIDStart of libnetwork's drivers/overlay/overlay.go
USUAL_MTU = 1450  # bytes: what Docker gives, also over jumbo frames
LONGEST_PREFIX = 30
CHOICE = ipaddress.IPv4Network("10.0.0.0/8")
"""Where the subnet of a network without ``--subnet`` comes from, in pieces of `CHOSEN_LENGTH`, as Docker chose for all
networks of its cluster store (libnetwork, ipamutils/utils.go)."""
CHOSEN_LENGTH = 24
MTU_OPTIONS = ("mtu", MTU_OPTION)
VNI_OPTIONS = ("vni", "com.docker.network.driver.overlay.vxlanid_list")
OPTIONS = (*MTU_OPTIONS, *VNI_OPTIONS)
"""What ``docker network create --opt`` may say: our short names, and those that Docker's own overlay has."""


@dataclass(frozen=True)
class AgreedNetwork:
    """A network as all hosts of the cluster agree on it in etcd, and the hosts that have it."""

    name: str
    subnet: ipaddress.IPv4Network
    gateway: ipaddress.IPv4Address  # br0 has it on every host; containers do not use it as their router
    vni: int
    mtu: int  # bytes, of the containers' interfaces
    internal: bool = False
    nodes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Where the network is stored."""
        return network_key(self.name)

    @property
    def gateway_interface(self) -> str:
        """The gateway's address with its prefix length."""
        return f"{self.gateway}/{self.subnet.prefixlen}"

    def text(self, stored: str | None = None) -> str:
        """As stored; what another version has noted in the document that is there stays in it."""
        subnet = {"SubnetIP": str(self.subnet), "GwIP": self.gateway_interface, "Vni": self.vni}
        former = json.loads(stored)["subnets"] if stored else [{}]
        document = {"mtu": self.mtu, "secure": False, "subnets": [{**former[0], **subnet}, *former[1:]]}
        ours = {"internal": self.internal, "nodes": sorted(self.nodes)}
        return compact_json({**document, **ours})

    @classmethod
    def from_document(cls, name: str, document: Mapping[str, Any]) -> AgreedNetwork:
        """From the stored document; KeyError, ValueError or the like for one that is not ours."""
        subnet = value(document, "subnets", list)[0]
        return cls(
            name=name,
            subnet=ipaddress.IPv4Network(word(subnet, "SubnetIP")),
            gateway=ipaddress.IPv4Interface(ipv4_interface(subnet["GwIP"])).ip,
            vni=number(subnet, "Vni", 1, LARGEST_VNI),
            mtu=number(document, "mtu", SMALLEST_MTU, LARGEST_MTU),
            internal=value(document, "internal", bool),
            nodes=words(document, "nodes"),
        )

    def lowest_free(
        self, count: int, taken: Collection[str], within: ipaddress.IPv4Network | None = None
    ) -> list[ipaddress.IPv4Address]:
        """The lowest free addresses, in a part of the subnet if one is given; fewer if it has no more."""
        candidates = (one for one in within or self.subnet if str(one) not in taken)
        return list(itertools.islice((one for one in candidates if self.address_problem(one) is None), count))

    def address_problem(self, address: ipaddress.IPv4Address) -> str | None:
        """Why no container can have an address of ``docker run --ip``."""
        if address not in self.subnet:
            return f"it is not in the subnet {self.subnet}"
        if address == self.gateway:
            return "it is the network's gateway"
        if address in (self.subnet.network_address, self.subnet.broadcast_address):
            return f"it is the first or the last address of {self.subnet}"
        return None


@dataclass(frozen=True)
class NetworkSettings:
    """What ``docker network create`` on one host asks for; None leaves it to the network, or to the first free one."""

    subnet: ipaddress.IPv4Network
    gateway: ipaddress.IPv4Address
    internal: bool = False
    mtu: int | None = None  # bytes
    vni: int | None = None

    @classmethod
    def parse(
        cls,
        subnet: ipaddress.IPv4Network,
        gateway: ipaddress.IPv4Address | None,
        internal: bool,
        options: Mapping[str, str],
        underlay_mtu: int,
    ) -> NetworkSettings:
        """From Docker's words; InvalidInput names everything that is wrong with them."""
        problems = subnet_problems(subnet)
        largest = underlay_mtu - OVERHEAD
        reason = f": the underlay's MTU is {underlay_mtu}, and VXLAN takes {OVERHEAD} of it"
        mtu = _option(MTU_OPTIONS, options, (SMALLEST_MTU, largest), problems, reason)
        vni = _option(VNI_OPTIONS, options, (1, LARGEST_VNI), problems)
        raise_if_any(problems)
        return cls(subnet, gateway or subnet.network_address + 1, internal, mtu, vni)

    def network(self, name: str, vni: int, node: str, underlay_mtu: int) -> AgreedNetwork:
        """The network that the first host makes of it."""
        mtu = self.mtu or min(USUAL_MTU, underlay_mtu - OVERHEAD)
        return AgreedNetwork(name, self.subnet, self.gateway, vni, mtu, self.internal, (node,))

    def differences(self, network: AgreedNetwork) -> list[str]:
        """How the network, as the cluster has it, is not what is asked for."""
        pairs = (
            ("subnet", self.subnet, network.subnet),
            ("gateway", self.gateway, network.gateway),
            ("internal", self.internal, network.internal),
            ("MTU", self.mtu, network.mtu),
            ("VNI", self.vni, network.vni),
        )
        return [f"{what} {asked} here, {known} there" for what, asked, known in pairs if asked not in (None, known)]


def network_key(name: str) -> str:
    """Where a network is stored."""
    return f"{NETWORKS}{key_part(name)}"


def record_key(node: str, network_id: str) -> str:
    """Where the driver notes a Docker network of a host."""
    return f"{NETWORK_RECORDS}{node}/{network_id}"


def free_subnet(taken: Iterable[str]) -> ipaddress.IPv4Network:
    """The first subnet of Docker's own choice that overlaps no network of ``taken``; LabError if there is none."""
    others = {ipaddress.ip_network(text, strict=False) for text in taken}
    alike = {one for one in others if one.prefixlen == CHOSEN_LENGTH}  # most of them, which need only be looked up
    occupied = [one for one in others - alike if one.version == 4 and one.prefixlen]
    for subnet in CHOICE.subnets(new_prefix=CHOSEN_LENGTH):
        if subnet not in alike and not any(subnet.overlaps(one) for one in occupied):
            return subnet
    raise LabError(f"no /{CHOSEN_LENGTH} of {CHOICE} is free for the network: choose a --subnet.")


def subnet_problems(subnet: ipaddress.IPv4Network) -> list[str]:
    """Why a subnet cannot be a network's."""
    if subnet.prefixlen > LONGEST_PREFIX:
        return [f"--subnet {subnet} is too small for a gateway and a container: the smallest is a /{LONGEST_PREFIX}"]
    return []


def overlap_problem(subnet: ipaddress.IPv4Network, interfaces: Mapping[str, Sequence[str]]) -> str | None:
    """Which of this host's interfaces (their addresses with prefix lengths) is in the subnet, if one is."""
    for name, addresses in interfaces.items():
        for text in addresses:
            own = ipaddress.ip_interface(text)
            if own.version == 4 and own.network.overlaps(subnet) and own.network.prefixlen:
                return (
                    f"--subnet {subnet} overlaps {own.network}, which this host has on {name} ({own.ip}): packets "
                    "to it would not leave the container's host. Choose another subnet."
                )
    return None


def lowest_free_vni(taken: Collection[int]) -> int:
    """The lowest VNI from `FIRST_VNI` on that no network has."""
    free = next((vni for vni in range(FIRST_VNI, LARGEST_VNI + 1) if vni not in taken), None)
    if free is None:
        raise InvalidInput([f"all VNIs from {FIRST_VNI} to {LARGEST_VNI} are in use: remove a network"])
    return free


def asked_vni(options: Mapping[str, str]) -> int | None:
    """The VNI that a network was made with, as far as its options say one."""
    texts = [options[name] for name in VNI_OPTIONS if isinstance(options.get(name), str)]
    return next((int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS), None)


def _option(
    names: Sequence[str], options: Mapping[str, str], limits: tuple[int, int], problems: list[str], reason: str = ""
) -> int | None:
    """The number that any of these names of one option gives; adds what is wrong, and why, to ``problems``."""
    given = {name: options[name] for name in names if name in options}
    found: list[str] = []
    numbers = [number_between(f"--opt {name}={text}", text or "none", *limits, found) for name, text in given.items()]
    if not found and len(set(numbers)) > 1:
        words = " and ".join(f"{name}={text}" for name, text in given.items())
        found, reason = [f"--opt {words} say two things: leave one out"], ""
    problems += [f"{problem}{reason}" for problem in found]
    return numbers[0] if numbers else None
