# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as plain data: from an inventory's segments and interfaces to bridges, veth pairs and containers.

Pure rules. All mistakes of the input are gathered as sentences, so that one run reports every one of them.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, Union

from ..kernel.addresses import packed_ip, packed_network
from ..kernel.impairment import KEYS as IMPAIRMENT_KEYS
from ..kernel.impairment import Impairment
from ..validation import mappings, quoted, shown, text_or_none, texts
from .releases import release_problems
from .vpc.plan import PlannedInstance, describe_vpc, vpc_problems

Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

LONGEST_DEVICE_NAME = 15  # IFNAMSIZ of linux/if.h, less the final zero byte
LONGEST_HOST_NAME = 63  # HOST_NAME_MAX of a DNS label, which is what a container's host name can hold
SMALLEST_MTU, LARGEST_MTU = 68, 65535  # RFC 791; the most that a veth takes
DEFAULT_MTU = 1500

SEGMENT_KEYS = {"gateway", "extra_addresses", "mtu", *IMPAIRMENT_KEYS}
INTERFACE_KEYS = {"name", "segment", "address", "extra_addresses", "mtu", "routes", *IMPAIRMENT_KEYS}
OUTSIDE_KEYS = {"address", "gateway"}
OUTSIDE_DEVICE = "outside"  # the router's end of the veth pair to the outside world
# Docker turns IPv6 off in a container that is on none of its networks, as all lab hosts are.
IPV6_ON = {"net.ipv6.conf.all.disable_ipv6": "0", "net.ipv6.conf.default.disable_ipv6": "0"}

_DEVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\Z")
_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+\Z")  # Debian policy, 5.6.7
_LAB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z")


def plan_lab(
    lab_name: str,
    segments: Mapping[str, Mapping[str, Any]],
    interfaces: Mapping[str, list[dict[str, Any]]],
    outside: Mapping[str, str],
    container: Mapping[str, Any],
    releases: tuple[str, str] | None = None,
    packages: Sequence[str] = (),
    vpc: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the lab consists of, or what is wrong with its description.

    ``interfaces`` holds each host's ``lab_interfaces``; ``container`` is what all hosts' containers have in common;
    ``releases`` are those of an image that is to be built, of the hosts and of their Docker Engine, ``packages`` what
    it has beyond those of all labs; ``vpc`` is what the segments are subnets of, if of anything.
    """
    shapes: list[str] = []
    lab_name, segments, outside = (
        str(lab_name),
        _segments(segments, shapes),
        _texts_by_name("lab_outside", outside, shapes),
    )
    interfaces = {host: _interfaces(host, plugged, shapes) for host, plugged in interfaces.items()}
    if shapes:  # the rules are about values in their places
        return {"problems": shapes}
    problems = [
        *(release_problems(*releases) if releases else []),
        *_package_problems(packages),
        *_name_problems(lab_name, interfaces),
        *_segment_problems(segments, outside),
        *_interface_problems(segments, interfaces),
    ]
    if vpc and not problems:
        problems = vpc_problems(vpc, segments, interfaces)
    if problems:
        return {"problems": problems}
    router, outside_namespace = f"underlay-{lab_name}", f"outside-{lab_name}"
    return {
        "problems": [],
        "router": router,
        "outside": outside_namespace,
        "bridges": [_bridge(lab_name, name, segment) for name, segment in sorted(segments.items())],
        "outside_pair": _outside_pair(router, outside_namespace, outside),
        "pairs": [
            _pair(lab_name, host, interface, segments[interface["segment"]])
            for host, plugged in interfaces.items()
            for interface in plugged
        ],
        "containers": [_container(host, plugged, container) for host, plugged in interfaces.items()],
        "impairments": [
            *({"name": name, "netns": router, "label": name, **_impairment(one)} for name, one in segments.items()),
            *(
                end
                for host, plugged in interfaces.items()
                for interface in plugged
                for end in _impaired_ends(router, host, interface, segments[interface["segment"]])
            ),
        ],
        "vpc": _vpc(lab_name, vpc, segments, interfaces, outside) if vpc else None,
    }


# --- what is made ---------------------------------------------------------------------------------


def stable_mac(*parts: str) -> str:
    """A locally administered unicast MAC that follows from the names, so that a recreated veth pair keeps its own."""
    octets = hashlib.sha256("/".join(parts).encode()).digest()[:5]
    return "02:" + ":".join(f"{octet:02x}" for octet in octets)


def outer_name(host: str, interface: str) -> str:
    """The name of the router's end of a host's veth pair; a long one is cut short and made unique by a hash."""
    name = f"{host}-{interface}"
    if len(name) <= LONGEST_DEVICE_NAME:
        return name
    return f"{host[:6]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _bridge(lab_name: str, name: str, segment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "bridge",
        "mac": stable_mac(lab_name, name),
        "mtu": segment.get("mtu", DEFAULT_MTU),
        "addresses": _gateways(segment),
    }


def _outside_pair(router: str, outside_namespace: str, outside: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": OUTSIDE_DEVICE,
        "netns": router,
        "addresses": [outside["gateway"]],
        "peer": {
            "name": "eth0",
            "netns": outside_namespace,
            "addresses": [outside["address"]],
            "routes": [{"dst": "default", "via": outside["gateway"].split("/")[0]}],
        },
    }


def _pair(lab_name: str, host: str, interface: Mapping[str, Any], segment: Mapping[str, Any]) -> dict[str, Any]:
    mtu = interface.get("mtu", segment.get("mtu", DEFAULT_MTU))
    return {
        "name": outer_name(host, interface["name"]),
        "netns": f"underlay-{lab_name}",
        "mtu": mtu,
        "master": interface["segment"],
        "peer": {
            "name": interface["name"],
            "netns": f"container:{host}",
            "mac": stable_mac(lab_name, host, interface["name"]),
            "mtu": mtu,
            "addresses": _plugged_addresses(interface),
            "routes": interface.get("routes", []),
        },
    }


def _impairment(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a segment or an interface that make it slow, lossy or cut."""
    return {key: entry[key] for key in IMPAIRMENT_KEYS if key in entry}


def _impaired_ends(
    router: str, host: str, interface: Mapping[str, Any], segment: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Both ends of a host's cable. What the interface says of itself goes before what its segment says.

    A device hinders what it sends: the host's end both, the router's end what the interface alone is told.
    """
    own = _impairment(interface)
    name, label = interface["name"], f"{host}:{interface['name']}"
    return [
        {"name": name, "netns": f"container:{host}", "label": label, **(own or _impairment(segment))},
        {"name": outer_name(host, name), "netns": router, "label": f"{label}, from the segment", **own},
    ]


def _vpc(
    lab_name: str,
    vpc: Mapping[str, Any],
    segments: Mapping[str, Mapping[str, Any]],
    interfaces: Mapping[str, list[dict[str, Any]]],
    outside: Mapping[str, str],
) -> dict[str, Any]:
    instances = [
        PlannedInstance(
            host, card["segment"], card["address"].partition("/")[0], stable_mac(lab_name, host, card["name"])
        )
        for host, plugged in interfaces.items()
        for card in plugged
        if "address" in card and "gateway" in segments[card["segment"]]
    ]
    return describe_vpc(vpc, segments, instances, outside["address"].partition("/")[0]).as_data()


def _container(host: str, plugged: list[dict[str, Any]], common: Mapping[str, Any]) -> dict[str, Any]:
    """The host's container. It learns what to wait for at boot, as a machine waits for its network cards.

    IPv6 routes are not among that: they come with the same interface, in the same moment.
    """
    routes = [route["dst"] for interface in plugged for route in interface.get("routes", []) if ":" not in route["dst"]]
    has_ipv6 = any(":" in address for interface in plugged for address in _plugged_addresses(interface))
    return {
        **common,
        "name": host,
        "hostname": host,
        "sysctls": {**common.get("sysctls", {}), **(IPV6_ON if has_ipv6 else {})},
        "env": {
            **common.get("env", {}),
            "LAB_INTERFACES": " ".join(interface["name"] for interface in plugged),
            "LAB_ROUTES": " ".join(routes),
        },
    }


# --- what can be wrong ----------------------------------------------------------------------------


def _segments(value: Any, problems: list[str]) -> dict[str, dict[str, Any]]:
    """The segments, each with texts where there have to be some; what is none is told."""
    found = {}
    for name, segment in _mapping("lab_segments", value, "{lan: {gateway: 192.168.1.1/24}}", problems).items():
        where = f"lab_segments, segment {quoted(name)}"
        found[name] = _with_texts(where, _mapping(where, segment, "{gateway: 192.168.1.1/24}", problems), problems)
    return found


def _interfaces(host: str, value: Any, problems: list[str]) -> list[dict[str, Any]]:
    """A host's interfaces, likewise, with their routes."""
    where = f"host '{host}', lab_interfaces"
    found = []
    example = "{name: eth0, segment: lan, address: 192.168.1.68/24}"
    for index, entry in enumerate(mappings(where, value, example, problems)):
        place = f"{where} entry {index}"
        entry = _with_texts(place, entry, problems)
        if "routes" in entry:
            entry["routes"] = [
                _route(f"{place}, route {number}", route, problems)
                for number, route in enumerate(
                    mappings(f"{place}, routes", entry["routes"], "{dst: default, via: 192.168.1.1}", problems)
                )
            ]
        found.append(entry)
    return found


def _route(where: str, route: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """A route as far as the lab itself reads it; the rest is for veth_pair."""
    for key, parse, example in (("dst", packed_network, "10.0.0.0/8 or default"), ("via", packed_ip, "192.168.1.1")):
        route[key] = text_or_none(f"{where}: {key}", route.get(key), problems)
        if route[key] is None and key == "dst":
            problems.append(f"{where}: it has no dst: write {example}.")
        elif route[key] not in (None, "default"):
            try:
                parse(route[key])
            except ValueError as error:
                problems.append(f"{where}: {key} {error}.")
    return {key: value for key, value in route.items() if value is not None}


def _with_texts(where: str, entry: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    for key in ("name", "segment", "gateway", "address"):
        if key in entry:
            entry[key] = text_or_none(f"{where}: {key}", entry[key], problems) or ""
    if "extra_addresses" in entry:
        entry["extra_addresses"] = texts(f"{where}: extra_addresses", entry["extra_addresses"], "fd01::1/64", problems)
    return entry


def _texts_by_name(where: str, value: Any, problems: list[str]) -> dict[str, str]:
    found = _mapping(where, value, "{address: 203.0.113.1/30, gateway: 203.0.113.2/30}", problems)
    return {key: text_or_none(f"{where}: {key}", one, problems) or "" for key, one in found.items()}


def _mapping(where: str, value: Any, example: str, problems: list[str]) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {str(key): one for key, one in value.items()}
    if value is not None:
        problems.append(f"{where} is {shown(value)} and must be a mapping, as {example}.")
    return {}


def _name_problems(lab_name: str, interfaces: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    problems = []
    if not _LAB_NAME.match(lab_name):
        problems.append(
            f"lab_name '{lab_name}': it must be 1 to 32 letters, digits, '_' or '-', as namespaces are named by it."
        )
    if not interfaces:
        problems.append("The inventory has no hosts: name one with -i, for example -i inventories/four_nodes.")
    for host in interfaces:
        if len(host) > LONGEST_HOST_NAME or not _HOST_NAME.match(host):
            problems.append(
                f"host '{host}': a lab host's name must be 1 to {LONGEST_HOST_NAME} letters, digits or '-', "
                "since it is the container's host name: rename it in the inventory."
            )
    return problems


def _package_problems(packages: Sequence[str]) -> list[str]:
    return [
        f"lab_packages, entry {index}: '{name}' is no name of a Debian package, as python3-boto3"
        for index, name in enumerate(packages)
        if not _PACKAGE_NAME.match(str(name))
    ]


def _segment_problems(segments: Mapping[str, Mapping[str, Any]], outside: Mapping[str, str]) -> list[str]:
    problems = []
    networks: list[tuple[str, Any]] = []
    for name, segment in segments.items():
        where = f"lab_segments, segment '{name}'"
        problems += _unknown_keys(where, segment, SEGMENT_KEYS)
        problems += _device_name_problems(where, name, reserved=(OUTSIDE_DEVICE, "lo"))
        problems += _mtu_problems(where, segment.get("mtu", DEFAULT_MTU))
        Impairment.parse(segment, where, problems)
        if segment.get("extra_addresses") and "gateway" not in segment:
            problems.append(f"{where}: extra_addresses without a gateway: give its first address as gateway.")
        for address in _gateways(segment):
            problems += _address_problems(where, address)
        known = _networks_by_version(segment)
        networks += [(where, network) for network in known.values()]
        problems += [
            f"{where}: extra address {extra} is not in the segment's network {known[other.version]}."
            for extra in segment.get("extra_addresses", [])
            if (other := _interface_address(extra)) and other.network != known[other.version]
        ]
    problems += _unknown_keys("lab_outside", outside, OUTSIDE_KEYS)
    for key in sorted(OUTSIDE_KEYS):
        problems += _address_problems("lab_outside", outside.get(key, ""))
    ends = [_interface_address(outside.get(key, "")) for key in ("address", "gateway")]
    if ends[0] and ends[1]:
        networks.append(("lab_outside", ends[0].network))
        if ends[0].network != ends[1].network or ends[0] == ends[1]:
            problems.append(
                f"lab_outside: address {ends[0]} and gateway {ends[1]} must be two addresses of one network."
            )
    for index, (where, network) in enumerate(networks):
        problems += [
            f"{where}: network {network} overlaps {other} of {elsewhere}: the router between them needs them apart."
            for elsewhere, other in networks[:index]
            if network.version == other.version and network.overlaps(other)
        ]
    return problems


def _interface_problems(
    segments: Mapping[str, Mapping[str, Any]], interfaces: Mapping[str, list[dict[str, Any]]]
) -> list[str]:
    problems = []
    taken: dict[Any, str] = {}
    for name, segment in segments.items():
        for gateway in filter(None, map(_interface_address, _gateways(segment))):
            taken[gateway.ip] = f"the router in segment '{name}'"
    for host, plugged in interfaces.items():
        if not plugged:
            problems.append(
                f"host '{host}': lab_interfaces is missing or empty, so it would have no network: "
                "list at least one interface with name, segment and address."
            )
        names = [interface.get("name") for interface in plugged]
        for index, interface in enumerate(plugged):
            where = f"host '{host}', lab_interfaces entry {index} ('{interface.get('name', '')}')"
            problems += _unknown_keys(where, interface, INTERFACE_KEYS)
            Impairment.parse(interface, where, problems)
            problems += _device_name_problems(where, interface.get("name", ""), reserved=("lo", "docker0"))
            if interface.get("name") in names[:index]:
                problems.append(f"{where}: entry {names.index(interface.get('name'))} has the same name.")
            segment = segments.get(interface.get("segment", ""))
            if segment is None:
                problems.append(
                    f"{where}: segment '{interface.get('segment', '')}' is not one of lab_segments "
                    f"({', '.join(sorted(segments)) or 'which is empty'})."
                )
                continue
            problems += _plug_problems(where, interface, segment, taken)
    return problems


def _plug_problems(
    where: str, interface: Mapping[str, Any], segment: Mapping[str, Any], taken: dict[Any, str]
) -> list[str]:
    """What is wrong between one interface and its segment; notes the interface's address in ``taken``."""
    problems = []
    segment_mtu = segment.get("mtu", DEFAULT_MTU)
    mtu = interface.get("mtu", segment_mtu)
    mtu_problems = _mtu_problems(where, mtu)
    problems += mtu_problems
    if not mtu_problems and isinstance(segment_mtu, int) and mtu > segment_mtu:
        problems.append(f"{where}: mtu {mtu} is larger than its segment's {segment_mtu}: long packets would get lost.")
    if interface.get("extra_addresses") and "address" not in interface:
        problems.append(f"{where}: extra_addresses without an address: give the first of them as address.")
    known = _networks_by_version(segment)
    for value in _plugged_addresses(interface):
        problems += _address_problems(where, value)
        address = _interface_address(value)
        if address is None:
            continue
        network = known.get(address.version)
        if network and address.network != network:
            problems.append(
                f"{where}: address {address} is not on its segment's network {network} "
                f"(segment '{interface['segment']}'): correct the address, or plug it in elsewhere."
            )
        if address.ip in taken:
            problems.append(f"{where}: address {address.ip} is taken by {taken[address.ip]}.")
        taken.setdefault(address.ip, where)
    return problems


def _gateways(segment: Mapping[str, Any]) -> list[str]:
    return ([segment["gateway"]] if "gateway" in segment else []) + list(segment.get("extra_addresses", []))


def _plugged_addresses(interface: Mapping[str, Any]) -> list[str]:
    return ([interface["address"]] if "address" in interface else []) + list(interface.get("extra_addresses", []))


def _networks_by_version(segment: Mapping[str, Any]) -> dict[int, Any]:
    """The segment's IPv4 and IPv6 network: those of the router's first address of each."""
    networks: dict[int, Any] = {}
    for address in filter(None, map(_interface_address, _gateways(segment))):
        networks.setdefault(address.version, address.network)
    return networks


def _interface_address(value: Any) -> Interface | None:
    try:
        return ipaddress.ip_interface(value) if "/" in str(value) else None
    except ValueError:
        return None


def _address_problems(where: str, value: Any) -> list[str]:
    address = _interface_address(value)
    if address is None:
        return [f"{where}: '{value}' is not an address with its prefix length, such as 192.168.1.68/24."]
    network = address.network
    if network.num_addresses > 2 and address.ip in (network.network_address, network.broadcast_address):
        return [f"{where}: {address} is the first or the last address of its network, which no host can have."]
    return []


def _mtu_problems(where: str, value: Any) -> list[str]:
    if isinstance(value, int) and not isinstance(value, bool) and SMALLEST_MTU <= value <= LARGEST_MTU:
        return []
    return [f"{where}: mtu '{value}' must be a number from {SMALLEST_MTU} to {LARGEST_MTU} (bytes)."]


def _device_name_problems(where: str, name: str, reserved: tuple[str, ...]) -> list[str]:
    if name in reserved:
        return [f"{where}: the name '{name}' is taken by a device that every host or router has."]
    if len(name) > LONGEST_DEVICE_NAME or not _DEVICE_NAME.match(name):
        return [
            f"{where}: '{name}' cannot name a network device: 1 to {LONGEST_DEVICE_NAME} letters, digits, "
            "'_', '.' or '-' are allowed."
        ]
    return []


def _unknown_keys(where: str, entry: Mapping[str, Any], known: set[str]) -> list[str]:
    unknown = sorted(set(entry) - known)
    return [f"{where}: unknown key '{key}'; known are {', '.join(sorted(known))}." for key in unknown]
