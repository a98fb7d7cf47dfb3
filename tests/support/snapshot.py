# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be left behind, as lists of lines: links, addresses, routes, rules, chains, namespaces, files, services."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.lab_entry import inside
from tests.support.lab_runs import Lab

NETWORK = {
    "links": "ip -o -d link show",
    "addresses": "ip -o addr show",
    "routes": "ip route show table all; ip -6 route show table all",
    "rules": "ip rule; ip -6 rule",
    "neighbours": "ip neigh show nud permanent",
    "forwarding": "bridge fdb show",
    "chains": "iptables-save; ip6tables-save",
    "namespaces": "ls /run/netns 2>/dev/null || true",
}
_PLACES = "/etc /usr/local /run/docker/plugins /run/flannel /run/container-network-dns /root /opt /srv"
_HELPER_COMMANDS = re.compile(r" /usr/local/(bin/(docker_netns|find_links)|lib/container-network-commands)")
HOST = {
    **NETWORK,
    "files": f"find {_PLACES} /var/lib/etcd -xdev -printf '%M %u:%g %p %l\\n' 2>/dev/null || true",
    "contents": f"find {_PLACES} -xdev -type f -exec sha256sum {{}} + 2>/dev/null || true",
    "sets": "ipset save",
    "kernel parameters": r"sysctl --all --pattern '^net\.ipv[46]\.(ip_forward|conf\.(all|default|ens))' 2>/dev/null",
    "services": "systemctl list-unit-files --no-legend --no-pager; "
    "systemctl list-units --no-legend --no-pager --plain --type=service --state=running",
    "containers": "docker ps --all --format '{{.Names}} {{.Image}}'",
    "images": "docker image ls --format '{{.Repository}}:{{.Tag}}'",
    "networks": "docker network ls --format '{{.Name}} {{.Driver}}'",
    "addresses of docker0": "docker network inspect bridge --format '{{json .IPAM.Config}}'",
    "docker": "tr '\\0' ' ' < /proc/$(pidof dockerd)/cmdline",
}
# What changes by itself: counters, timers, numbers of interfaces and namespaces, addresses that the kernel draws, and
# what a bridge has learned from ports that left.
_VOLATILE = (
    (re.compile(r"\[\d+:\d+\]"), "[]"),
    (re.compile(r"^# (Generated|Completed).*$"), ""),
    # A table of iptables, with its own chains, is there as soon as somebody looks at it: rules and policies count.
    (re.compile(r"^\*\w+$"), ""),
    (re.compile(r"^:(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) ACCEPT \[\]$"), ""),
    (re.compile(r"\b(hello_timer|tcn_timer|topology_change_timer|gc_timer|forward_delay_timer)\s+\S+"), ""),
    (re.compile(r"\btso_max_size \d+"), ""),
    (re.compile(r"^\d+: "), ""),
    (re.compile(r"@if\d+"), ""),
    (re.compile(r"\blink-netnsid \d+"), ""),
    (re.compile(r"\bveth[0-9a-f]{7}\b"), "veth"),
    (re.compile(r"\b([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}\b"), "MAC"),
    (re.compile(r"\bfe80::[0-9a-f:]+"), "fe80::"),
    (re.compile(r"\b(NO-CARRIER,|LOWER_UP,?|linkdown)"), ""),
    (re.compile(r"\bstate (UP|DOWN|UNKNOWN)\b"), ""),
)


def state(areas: dict[str, str], *prefix: str) -> dict[str, list[str]]:
    """The state in each area, as sorted lines without what changes by itself."""
    return {area: _lines(command, prefix) for area, command in areas.items()}


_NO_TENTATIVE_ADDRESS = (
    "for try in $(seq 100); do ip -6 -o address show tentative | grep -q . || exit 0; sleep 0.1; done; exit 1"
)


def _await_settled_addresses(host: str) -> None:
    """Wait until the kernel has found out that no other host has the IPv6 addresses of one that has just started."""
    done = subprocess.run([*inside(host), "sh", "-c", _NO_TENTATIVE_ADDRESS], check=False)
    assert done.returncode == 0, f"{host}: IPv6 addresses are still tentative after 10 s"


def host_state(host: str) -> dict[str, list[str]]:
    """The state of a lab host."""
    _await_settled_addresses(host)
    return state(HOST, *inside(host))


def machine_state(lab: str) -> dict[str, list[str]]:
    """The state of the machine that a lab runs on, without namespaces of what runs beside: other labs, and tests."""
    found = state({**NETWORK, "rules of nftables": "nft list ruleset 2>/dev/null || true"})
    own = (f"underlay-{lab}", f"outside-{lab}")
    beside = re.compile(r"(test|underlay|outside)-")
    found["namespaces"] = [name for name in found["namespaces"] if name in own or not beside.match(name)]
    return found


def _lines(command: str, prefix: tuple[str, ...]) -> list[str]:
    done = subprocess.run([*prefix, "sh", "-c", command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return sorted(filter(None, (_settled(line) for line in done.stdout.splitlines())))


def _settled(line: str) -> str:
    for pattern, replacement in _VOLATILE:
        line = pattern.sub(replacement, line)
    return " ".join(line.split())


def difference(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, dict[str, list[str]]]:
    """What is left behind, and what is missing, by area; empty if nothing is."""
    found = {}
    for area, lines in before.items():
        left = sorted(set(after[area]) - set(lines))
        missing = sorted(set(lines) - set(after[area]))
        if left or missing:
            found[area] = {"left": left, "missing": missing}
    return found


@contextmanager
def brought_up(lab: Lab) -> Iterator[Lab]:
    """A lab; when it has gone, the machine is as it was before."""
    lab.play("lab_down.yml")
    machine_before = machine_state(lab.inventory.name)
    lab.play("lab_up.yml")
    yield lab
    lab.play("lab_down.yml")
    assert difference(machine_before, machine_state(lab.inventory.name)) == {}


def assert_unchanged(before: dict[str, dict[str, list[str]]]) -> None:
    """The hosts are as they were; ``before`` is the state of each."""
    for host, lines in before.items():
        found = difference(lines, host_state(host))
        assert not found, f"{host}: {json.dumps(found, indent=1)}"


def unlike_before(before: dict[str, list[str]], host: str) -> list[str]:
    """What is not as it was on a host that left a network, but for what it may have again: image, helper commands."""
    found = difference(before, host_state(host))
    found.pop("images", None)
    lines = [line for area in found.values() for line in (*area["left"], *area["missing"])]
    return [line for line in lines if not _HELPER_COMMANDS.search(line)]
