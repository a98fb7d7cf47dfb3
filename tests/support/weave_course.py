# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 3 of "four nodes" as the tests know it, on lab hosts in containers and on virtual machines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.support.lab_host import LabHost

MTU = 1376  # bytes
_IP_AND_ICMP = 28  # bytes of headers
_PATIENCE = 120  # seconds; an emulated machine takes its time
_RECEIVER = (
    "import socket, struct; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 5007)); "
    "s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, "
    "struct.pack('4s4s', socket.inet_aton('239.1.2.3'), bytes(4))); "
    f"s.settimeout({_PATIENCE}); open('/run/multicast-ready', 'w').close(); print(*s.recvfrom(100)[1][:1])"
)
_SENDER = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('239.1.2.3', 5007))"


def container(host: str) -> str:
    """The host's container on the Docker network weave."""
    return f"busybox-{host}"


def in_namespace(host: LabHost) -> str:
    """The command that enters the network namespace of that container."""
    return f"nsenter --target {host.pid(container(host.name))} --net"


def mac(host: LabHost) -> str:
    """The MAC address of the container's ethwe0."""
    (card,) = host.in_namespace_of(container(host.name), "ip -o link show dev ethwe0")
    return re.search(r"link/ether (\S+)", card)[1]


def is_full(host: LabHost, target: str) -> bool:
    """Whether packets of just the MTU reach a target unfragmented, and larger ones do not leave."""
    ping = f"{in_namespace(host)} ping -c 1 -M do"
    full = MTU - _IP_AND_ICMP
    passed = host.host.run(f"{ping} -W 5 -s {full} {target}").rc == 0
    return passed and host.host.run(f"{ping} -W 1 -s {full + 1} {target}").rc != 0


def senders_heard(sender: LabHost, receivers: Sequence[LabHost]) -> list[str]:
    """Who the containers of the receivers say has sent the packet that one container sends to a multicast group."""
    for host in receivers:
        host.output(
            "rm -f /run/multicast-ready /run/multicast; "
            f'{in_namespace(host)} python3 -c "{_RECEIVER}" > /run/multicast 2>&1 & '
            f"timeout {_PATIENCE} sh -c 'until [ -e /run/multicast-ready ]; do sleep 0.1; done'"
        )
    sender.output(f'{in_namespace(sender)} python3 -c "{_SENDER}"')
    for host in receivers:
        host.output(f"timeout {_PATIENCE} sh -c 'until grep -q . /run/multicast; do sleep 0.1; done'")
    return [host.output("cat /run/multicast; rm /run/multicast /run/multicast-ready").strip() for host in receivers]
