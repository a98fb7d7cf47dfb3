# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a person's Docker contradicts a network, in words: host, file, key, and the way out. Pure.

What does not contradict it is kept: see daemon_options.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .daemon import DROP_IN_PREFIX, UNIT, DaemonOption, DockerDaemon
from .engine import DEFAULT_SOCKET

_OUR_SOCKETS = ("fd://", f"unix://{DEFAULT_SOCKET}", "unix:///run/docker.sock", "unix://")


GATEWAY_EGRESS = "what containers send to the outside by docker_gwbridge"


@dataclass(frozen=True)
class DaemonNeeds:
    """What a network needs of Docker."""

    bridge_address: str = ""
    """Where the addresses of docker0 come from, in words, if the network gives them."""
    bip: str = ""
    """The address of docker0, with its prefix length, if it is known before anything changes."""
    mtu: int | None = None
    """The MTU of docker0, in bytes."""
    ip_masq: bool | None = None
    """Whether Docker masquerades what leaves docker0."""
    dns: bool = False
    """A DNS server of the network's own: the servers of daemon.json are asked by it."""
    masquerading: str = ""
    """What Docker has to masquerade besides, in words."""
    swarm: bool = False
    """Swarm mode."""


def daemon_problems(host: str, info: Mapping[str, Any], needs: DaemonNeeds) -> list[str]:
    """All that contradicts a network on one host; ``info`` is what host_info returned, nothing for an unseen host."""
    daemon = DockerDaemon.from_facts(info.get("docker_daemon") or {})
    found = [
        *_unit_problems(daemon, needs),
        *_start_problems(daemon),
        *_bridge_problems(daemon, needs),
        *_dns_problems(daemon, needs),
        *_kernel_problems(daemon, needs),
    ]
    return [f"{host}: {problem}" for problem in found]


def _unit_problems(daemon: DockerDaemon, needs: DaemonNeeds) -> list[str]:
    if daemon.start or not daemon.running or not (needs.bridge_address or needs.dns):
        return []
    return [
        f"dockerd runs, and systemd has no {UNIT} that starts it, as with a snap, so that it cannot get the "
        f"network's options: start it by a unit of this name ({daemon.running})"
    ]


def _start_problems(daemon: DockerDaemon) -> list[str]:
    """What keeps dockerd from starting again as it is configured now, or hides it from this collection."""
    found = [
        f"{path} starts Docker by its own ExecStart and sorts after '{DROP_IN_PREFIX}*.conf', so that the network's "
        "options would count for nothing: give it a name that sorts before, as override.conf"
        for path in daemon.late_starts
    ]
    if daemon.unreadable:
        found.append(
            f"{daemon.config_file} cannot be read as JSON ({daemon.unreadable}), and dockerd would not start again: "
            "mend it"
        )
    flags = {option.key: option for option in daemon.command_line}
    found += [
        f"{_shown(option)} is on Docker's command line as well ({flags[option.key].written} in "
        f"{flags[option.key].path}), and dockerd does not start again with both: remove one of them"
        for option in daemon.file
        if option.key in flags
    ]
    hosts = daemon.option("hosts")
    if hosts and not any(str(one) in _OUR_SOCKETS for one in _list(hosts.value)):
        found.append(
            f"{_shown(hosts)} has no socket of this host, by which Docker is configured: add unix://{DEFAULT_SOCKET}"
        )
    return found


def _bridge_problems(daemon: DockerDaemon, needs: DaemonNeeds) -> list[str]:
    found = []
    if needs.bridge_address:
        found += [
            f"{_shown(option)}, and {needs.bridge_address} gives docker0 its address: {_REMOVE}"
            for option in map(daemon.option, ("bip", "bridge", "default-gateway", "fixed-cidr"))
            if option and option.value not in ("", None) and not _fits(option, needs.bip)
        ]
        found += [
            f"{_shown(option)}, and docker0 cannot get the address that {needs.bridge_address} gives it while "
            f"containers live on: {_REMOVE}, or set it to false"
            for option in [daemon.option("live-restore")]
            if option and is_true(option.value)
        ]
    mtu, ip_masq = daemon.option("mtu"), daemon.option("ip-masq")
    if needs.mtu is not None and mtu and str(mtu.value) not in ("0", str(needs.mtu)):
        found.append(f"{_shown(mtu)}, and the network's containers have an MTU of {needs.mtu}: {_REMOVE}")
    if needs.ip_masq is False and ip_masq and is_true(ip_masq.value):
        found.append(
            f"{_shown(ip_masq)}, and the network masquerades by itself, so that containers see each other's addresses: "
            f"{_REMOVE}"
        )
    return found


def _dns_problems(daemon: DockerDaemon, needs: DaemonNeeds) -> list[str]:
    option = next((option for option in daemon.command_line if option.key == "dns"), None)
    if not needs.dns or option is None:
        return []
    return [
        f"{_shown(option)}, and the containers ask the network's own DNS server: write these servers into "
        f'{daemon.config_file} instead, as "dns": [{", ".join(chr(34) + str(one) + chr(34) for one in option.value)}]; '
        "from there it takes those that it asks itself"
    ]


def _kernel_problems(daemon: DockerDaemon, needs: DaemonNeeds) -> list[str]:
    found = []
    iptables, forwarding, live = map(daemon.option, ("iptables", "ip-forward", "live-restore"))
    backend = daemon.option("firewall-backend")
    if backend and backend.value == "nftables":
        found.append(
            f"{_shown(backend)}, and what the network's rules, which are iptables' own, accept would still be dropped "
            f"by those of Docker: {_REMOVE}, or set it to iptables"
        )
    if needs.masquerading and iptables and not is_true(iptables.value):
        found.append(
            f"{_shown(iptables)}, so that nobody masquerades {needs.masquerading}: {_REMOVE}, or set it to true"
        )
    if needs.swarm and live and is_true(live.value):
        found.append(f"{_shown(live)}, and dockerd refuses swarm mode with it: {_REMOVE}, or set it to false")
    # Docker turns it on when it starts, unless it may not.
    left_off = forwarding is not None and not is_true(forwarding.value)
    if daemon.ip_forward == "0" and (left_off or daemon.running):
        because = f" ({_shown(forwarding)})" if forwarding and left_off else ""
        found.append(
            f"net.ipv4.ip_forward is 0{because}, and the host has to forward its containers' packets: set it to 1, "
            "as by 'sysctl -w net.ipv4.ip_forward=1' and, for boots, in a file of /etc/sysctl.d"
        )
    return found


def is_true(value: Any) -> bool:
    """A truth value as JSON has it, or as it is written behind a flag (strconv.ParseBool of Go)."""
    return str(value).lower() in ("true", "t", "1")


def _fits(option: DaemonOption, bip: str) -> bool:
    """Whether somebody's option says what the network would say."""
    if not bip:
        return False
    try:
        address = ipaddress.ip_interface(bip)
        if option.key == "bip":
            return ipaddress.ip_interface(str(option.value)) == address
        if option.key == "default-gateway":
            return ipaddress.ip_address(str(option.value)) in address.network
        return option.key == "fixed-cidr" and ipaddress.ip_network(str(option.value)).subnet_of(address.network)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


_REMOVE = "remove it there"


def _shown(option: DaemonOption) -> str:
    value = " ".join(map(str, option.value)) if isinstance(option.value, (list, tuple)) else option.value
    shown = str(value).lower() if isinstance(value, bool) else value
    return (
        f"{option.path} has {option.written} {shown}"
        if option.value is not None
        else f"{option.path} has {option.written}"
    )


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [value]
