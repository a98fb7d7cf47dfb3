# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes single kernel objects with pyroute2: links, addresses, qdiscs, offloads.

pyroute2 knows all kinds of links, their attributes, and how each is packed into a message. What it packs goes out by
the socket that reads the same namespace: twice as fast as by pyroute2's own sockets, and with one way for errors.
Tables with many entries, and everything that is read, do without pyroute2 (docs/architecture.md has the numbers).

To import pyroute2 takes 150 ms, so it is imported by the first write: who changes nothing does not pay for it. Only
what 0.7.2 (Debian 12), 0.7.7 (Debian 13) and 0.9 have in common is used.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from ..errors import LabError
from . import rtnetlink as rt
from .addresses import packed_ip
from .namespaces import inside, open_namespace, place
from .netlink import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, KernelRefusal, Message, NetlinkSocket

PACKAGE = "python3-pyroute2"
"""What the distributions call it; on PyPI it is pyroute2."""
TRANSMIT_CHECKSUMS, TRANSMIT_SCTP_CHECKSUMS, MERGE_RECEIVED = "tx-checksum-ip-generic", "tx-checksum-sctp", "rx-gro"
"""Offloads of virtual devices: ``ethtool -K DEVICE tx on gro on`` has shorter names for them, ``tx`` for the first two.

Without the first two the kernel computes the checksums of packets that it sends over the device; with the last one
packets of one stream that come in are merged, so that all the way from there handles few large ones.
"""
_ROOT_QDISC = 0xFFFFFFFF  # TC_H_ROOT of linux/pkt_sched.h
_NESTED = 0x8000  # NLA_F_NESTED of linux/netlink.h, which the kernel demands of a bridge port's settings
_NETLINK_HEADER_SIZE = 16  # bytes; the socket writes it


def missing(wanted_for: str) -> list[str]:
    """Why nothing can be written here, as a list of at most one problem. Looks for pyroute2 without importing it."""
    if find_spec("pyroute2") is not None:
        return []
    return [
        f"{os.uname().nodename} lacks pyroute2, which writes {wanted_for}: install the package {PACKAGE} there "
        f"(or pyroute2 from PyPI for {sys.executable}), and run again."
    ]


def require(wanted_for: str, check_mode: bool) -> list[str]:
    """Before the first change: LabError if pyroute2 is missing.

    In check mode that is a warning, which is returned: an earlier task, which changes nothing in check mode either, may
    be the one that would have installed it.
    """
    problems = missing(wanted_for)
    if problems and not check_mode:
        raise LabError(f"{problems[0]} Nothing was changed.")
    return problems


def load() -> ModuleType:
    """The module pyroute2; a service calls this when it starts, so that no request has to wait for it."""
    for problem in missing("links"):
        raise LabError(problem)
    import pyroute2

    # It tells on standard error what becomes an exception, and a message, anyway.
    logging.getLogger("pyroute2").addHandler(logging.NullHandler())
    return pyroute2


class KernelWriter:
    """Writes to the network namespace of a socket.

    Every ``subject`` says what was to be done, for the error: ``cannot remove br0``. Settings of links and parameters
    of qdiscs have the names that pyroute2's IPRoute.link and IPRoute.tc have for them.
    """

    def __init__(self, netlink: NetlinkSocket) -> None:
        self._netlink = netlink

    def create_link(
        self,
        subject: str,
        kind: str,
        settings: Mapping[str, Any],
        attributes: Mapping[str, Any],
        home: str | None = None,
    ) -> None:
        """Make a link of any kind, with settings that all links have and attributes of its kind.

        ``home`` is the namespace that gets the link, if not the one that this writes to; that one is then where its
        tunnel's packets travel.
        """
        if kind == "tun":  # by an ioctl, which is pyroute2's business
            with self._iproute(subject) as route:
                route.link("add", ifname=settings["ifname"], kind=kind, **attributes)
            return
        with _descriptor(home) as there:
            given = {**settings, **({} if there is None else {"net_ns_fd": there})}
            self._send(subject, _link_message(NLM_F_CREATE | NLM_F_EXCL, 0, given, kind, _packable(kind, attributes)))

    def create_veth(
        self,
        subject: str,
        settings: Mapping[str, Any],
        up: bool,
        peer: Mapping[str, Any],
        peer_netns: str | None,
    ) -> None:
        """Make a veth pair in one message, its second end already in its namespace; it cannot be up yet.

        One queue is all that a veth uses without XDP, and what the documents show; the kernel's default of one a
        processor costs 0.2 ms a pair.
        """
        queues = {"num_tx_queues": 1, "num_rx_queues": 1}
        with _descriptor(peer_netns, always=True) as there:
            other_end = {"attrs": _attributes({**peer, **queues, "net_ns_fd": there})}
            data = [("VETH_INFO_PEER", other_end)]
            message = _link_message(NLM_F_CREATE | NLM_F_EXCL, 0, {**settings, **queues}, "veth", data, up)
            self._send(subject, message)

    def change_link(self, subject: str, index: int, up: bool | None = None, **settings: Any) -> None:
        """Change settings of a link, then set it up or down."""
        self.send(subject, [link_change(index, up, settings)])

    def change_attributes(self, subject: str, index: int, kind: str, attributes: Mapping[str, Any]) -> None:
        """Change attributes of a link's kind."""
        self._send(subject, _link_message(0, index, {}, kind, _packable(kind, attributes)))

    def change_bridge_port(self, subject: str, index: int, **settings: Any) -> None:
        """Change settings that a link has as a bridge's port."""
        load()
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg, protinfo_bridge

        message = ifinfmsg()
        message["family"], message["index"] = rt.AF_BRIDGE, index
        given = [(protinfo_bridge.name2nla(name), value) for name, value in settings.items()]
        message["attrs"] = [("IFLA_PROTINFO", {"attrs": given}, _NESTED)]
        self._send(subject, (rt.RTM_SETLINK, 0, packed(message)))

    def delete_link(self, subject: str, index: int) -> None:
        """Remove a link."""
        self._send(subject, (rt.RTM_DELLINK, 0, _link_message(0, index, {})[2]))

    def delete_group(self, subject: str, group: int) -> None:
        """Remove all links of a group, which spares the kernel a grace period (20 ms) for each."""
        self._send(subject, (rt.RTM_DELLINK, 0, _link_message(0, 0, {"group": group})[2]))

    def set_qdisc(self, subject: str, index: int, kind: str, **parameters: Any) -> None:
        """Give a link its queueing discipline, in place of the one that it has."""
        with self._iproute(subject) as route:
            route.tc("replace", kind=kind, index=index, handle="1:", parent=_ROOT_QDISC, **parameters)

    def set_offloads(self, name: str, offloads: Mapping[str, bool]) -> None:
        """Set offloads of a device, by the names that the kernel has for them, such as rx-gro."""
        netns = self._netlink.netns
        pyroute2 = load()
        with refusals_as(f"{name} in {place(netns)}: its offloads cannot be set"), inside(netns):
            ethtool = pyroute2.Ethtool()
            try:
                found = ethtool.get_features(name)
                for offload, on in offloads.items():
                    found.features[offload].enable = on
                ethtool.set_features(name, found)
            finally:
                ethtool.close()

    def send(self, subject: str, messages: list[Message]) -> None:
        """Send messages in order; KernelRefusal for the first one that is refused."""
        with refusals_as(subject):
            failures = self._netlink.batch(messages)
        for failure in failures:
            raise KernelRefusal(f"{subject}: {failure.reason}.", failure.errno)

    def _send(self, subject: str, message: Message) -> None:
        self.send(subject, [message])

    @contextmanager
    def _iproute(self, subject: str) -> Iterator[Any]:
        """pyroute2's own socket, for what is more than one message."""
        pyroute2 = load()
        with inside(self._netlink.netns), pyroute2.IPRoute(ext_ack=True) as route, refusals_as(subject):
            yield route


def link_change(index: int, up: bool | None, settings: Mapping[str, Any]) -> Message:
    """Changes settings of an existing link, then sets it up or down (None: leaves it as it is)."""
    return _link_message(0, index, settings, up=up)


def address_added(index: int, address: str, prefix_length: int) -> Message:
    """Gives a link an address; a loopback address has host scope, as ip-address(8) does.

    No other host has the address, so an IPv6 one is usable at once, without a second of duplicate address detection.
    """
    return (rt.RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, _address(index, address, prefix_length))


def address_removed(index: int, address: str, prefix_length: int) -> Message:
    """Takes an address from a link."""
    return (rt.RTM_DELADDR, 0, _address(index, address, prefix_length))


def packed(message: Any) -> bytes:
    """A message of pyroute2's without the header that the socket writes."""
    message.encode()
    return bytes(message.data)[_NETLINK_HEADER_SIZE:]


def nla_names(kind: str) -> dict[str, str]:
    """The attributes of a kind that pyroute2 knows: its short names for them, and the kernel's."""
    load()
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    data = ifinfmsg.ifinfo.data_map.get(kind)
    if data is None:
        return {}
    prefix = len(data.prefix or "IFLA_")
    return {nla[prefix:].lower(): nla for nla, _type in data.nla_map[1:]}  # the first one is "unspecified"


def _packable(kind: str, attributes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    names = nla_names(kind) if attributes else {}
    return [(names[name], value) for name, value in attributes.items()]


def _attributes(settings: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(f"IFLA_{name.upper()}", value) for name, value in settings.items()]


def _link_message(
    flags: int,
    index: int,
    settings: Mapping[str, Any],
    kind: str | None = None,
    data: list[tuple[str, Any]] | None = None,
    up: bool | None = None,
) -> Message:
    load()
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    message = ifinfmsg()
    message["index"] = index
    message["flags"], message["change"] = (rt.IFF_UP if up else 0), (0 if up is None else rt.IFF_UP)
    message["attrs"] = _attributes(settings)
    if kind is not None:
        info: list[tuple[str, Any]] = [("IFLA_INFO_KIND", kind)]
        info += [("IFLA_INFO_DATA", {"attrs": data})] if data else []
        message["attrs"].append(("IFLA_LINKINFO", {"attrs": info}))
    return (rt.RTM_NEWLINK, flags, packed(message))


def _address(index: int, address: str, prefix_length: int) -> bytes:
    load()
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

    family, message = rt.family_of(packed_ip(address)), ifaddrmsg()
    message["family"], message["prefixlen"], message["index"] = family, prefix_length, index
    message["flags"] = rt.IFA_F_NODAD if ":" in address else 0
    message["scope"] = rt.RT_SCOPE_HOST if address.startswith("127.") else rt.RT_SCOPE_UNIVERSE
    message["attrs"] = [("IFA_LOCAL", address), ("IFA_ADDRESS", address)]
    return packed(message)


@contextmanager
def refusals_as(subject: str) -> Iterator[None]:
    """Turn what pyroute2's sockets raise in the block into a KernelRefusal with the subject and the kernel's words."""
    try:
        yield
    except OSError as error:  # of an ioctl
        raise KernelRefusal(f"{subject}: {error.strerror or error}.", error.errno or 0) from error
    except Exception as error:
        number = getattr(error, "code", None)  # of pyroute2's NetlinkError
        if not isinstance(number, int):
            raise
        reason, words = os.strerror(number), str(error.args[1]).rstrip(".")
        raise KernelRefusal(f"{subject}: {reason}{f' ({words})' if words != reason else ''}.", number) from error


@contextmanager
def _descriptor(netns: str | None, always: bool = False) -> Iterator[int | None]:
    """A file descriptor of a namespace, for the time of the block; None where none is named."""
    if netns is None and not always:
        yield None
        return
    descriptor = open_namespace(netns)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
