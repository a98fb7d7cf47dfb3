# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave's ring: which peer gives out which addresses of the one range. Pure.

The range is a ring of tokens: from each token on, up to the next one, the addresses are one peer's. A peer gives out
its own addresses without asking its peers; one that has none left asks another for half of what that one has free
(https://github.com/weaveworks/weave/blob/master/docs/ipam.md, and the package ``ipam/ring`` there).
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Network = ipaddress.IPv4Network
Address = ipaddress.IPv4Address


@dataclass(frozen=True)
class Span:
    """Consecutive addresses, as numbers: from ``first`` to before ``end``."""

    first: int
    end: int

    @classmethod
    def of(cls, network: Network) -> Span:
        """All addresses of a network."""
        first = int(network.network_address)
        return cls(first, first + network.num_addresses)

    def __len__(self) -> int:
        return max(self.end - self.first, 0)

    def within(self, other: Span) -> Span:
        """The part that is also in another span."""
        return Span(max(self.first, other.first), min(self.end, other.end))

    def without(self, used: Sequence[int]) -> Iterator[Span]:
        """The parts between used addresses, which are in ascending order."""
        start = self.first
        for address in used[bisect_right(used, self.first - 1) : bisect_right(used, self.end - 1)]:
            yield Span(start, address)
            start = address + 1
        yield Span(start, self.end)

    def upper_half(self) -> Span:
        """The second half; of an odd number the larger part, so that it is never empty."""
        return Span(self.first + len(self) // 2, self.end)

    def largest_block(self) -> Span:
        """The largest part that is a network: its size is a power of two, and its first address a multiple of it."""
        size = 1 << (len(self).bit_length() - 1)
        while True:
            first = -(-self.first // size) * size
            if first + size <= self.end:
                return Span(first, first + size)
            size //= 2


@dataclass(frozen=True)
class Ring:
    """The peers' parts of ``universe``; ``tokens`` are where each part begins, and whose it is."""

    universe: Network
    tokens: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, universe: Network, document: Mapping[str, str]) -> Ring:
        """From addresses and peers, as they are stored."""
        tokens = {}
        for address, peer in document.items():
            if not isinstance(peer, str) or Address(address) not in universe:
                raise ValueError(f"{address} of {peer!r} is no peer's part of {universe}")
            tokens[int(Address(address))] = peer
        return cls(universe, tokens)

    def document(self) -> dict[str, str]:
        """As it is stored: the first address of each part, and its peer."""
        return {str(Address(token)): self.tokens[token] for token in sorted(self.tokens)}

    def spans(self) -> list[tuple[Span, str]]:
        """The parts and their peers, in order."""
        starts = sorted(self.tokens)
        ends = [*starts[1:], Span.of(self.universe).end]
        return [(Span(start, end), self.tokens[start]) for start, end in zip(starts, ends)]

    def spans_of(self, peer: str) -> list[Span]:
        """The parts of one peer."""
        return [span for span, owner in self.spans() if owner == peer]

    def peers(self) -> list[str]:
        """All peers that have a part, in order of their first one."""
        return list(dict.fromkeys(owner for _span, owner in self.spans()))

    def owner(self, address: Address) -> str | None:
        """Whose address it is; None if it is in no peer's part."""
        return next((owner for span, owner in self.spans() if span.first <= int(address) < span.end), None)

    def share(self, peer: str) -> int:
        """How many addresses a peer has, used ones and unusable ones included."""
        return sum(map(len, self.spans_of(peer)))

    def seed(self, peers: Sequence[str]) -> Ring:
        """An empty ring, divided between peers: in halves, and these again."""
        tokens: dict[int, str] = {}

        def divide(span: Span, sharing: Sequence[str]) -> None:
            if len(span) > 1 and len(sharing) > 1:
                middle = span.first + len(span) // 2
                divide(Span(span.first, middle), sharing[: len(sharing) // 2])
                divide(Span(middle, span.end), sharing[len(sharing) // 2 :])
            else:
                tokens[span.first] = sharing[0]

        divide(Span.of(self.universe), peers)
        return Ring(self.universe, tokens)

    def donation(self, asking: str, used: Collection[Address], wanted: Network | None = None) -> Span | None:
        """What another peer gives to one that asks; None if no peer has a free address.

        It is a block in the upper half of the largest free part of the peer that has most free addresses. ``wanted``
        limits it to a subnet. A peer keeps its first address for itself: Weave's peers ask when they start
        their first container, and by then the giving peer has one of its own.
        """
        limits = Span.of(wanted or self.universe)
        unusable = _unusable(self.universe)
        best: tuple[int, Span] | None = None
        for peer in self.peers():
            if peer == asking:
                continue
            taken = sorted({*map(int, used), self._kept(peer)})
            parts = [part for span in self.spans_of(peer) for part in span.within(limits).without(taken) if len(part)]
            count = sum(map(len, parts)) - sum(part.first <= one < part.end for part in parts for one in unusable)
            if count > 0 and (best is None or count > best[0]):
                best = count, max(parts, key=len)
        return best[1].upper_half().largest_block() if best else None

    def _kept(self, peer: str) -> int:
        first = self.spans_of(peer)[0].first
        return first + (first == int(self.universe.network_address))

    def given(self, span: Span, peer: str) -> Ring:
        """The ring after a span became another peer's."""
        tokens = dict(self.tokens)
        behind = self.owner(Address(span.end)) if span.end < Span.of(self.universe).end else None
        for token in [token for token in tokens if span.first <= token < span.end]:
            del tokens[token]
        tokens[span.first] = peer
        if behind is not None:
            tokens.setdefault(span.end, behind)
        return Ring(self.universe, tokens)._joined()

    def without(self, peer: str) -> Ring:
        """The ring after a peer has left: its parts go to the peer before each, which in most cases gave it."""
        staying = [other for other in self.peers() if other != peer]
        if not staying:
            return Ring(self.universe)
        heir = staying[0]  # of a part at the very beginning
        tokens = {}
        for span, owner in self.spans():
            heir = heir if owner == peer else owner
            tokens[span.first] = heir
        return Ring(self.universe, tokens)._joined()

    def _joined(self) -> Ring:
        """Without tokens that divide a peer's part from its own."""
        tokens: dict[int, str] = {}
        last = None
        for token in sorted(self.tokens):
            if self.tokens[token] != last:
                tokens[token] = last = self.tokens[token]
        return Ring(self.universe, tokens)

    def free_address(self, peer: str, subnet: Network, used: Collection[Address]) -> Address | None:
        """The lowest free address of a peer in a subnet; the first and the last one of a subnet are no host's."""
        taken = sorted({*map(int, used), *_unusable(subnet)})
        limits = Span.of(subnet)
        for span in self.spans_of(peer):
            for free in span.within(limits).without(taken):
                if len(free):
                    return Address(free.first)
        return None


def _unusable(subnet: Network) -> tuple[int, int]:
    """The network address and the broadcast address (RFC 922)."""
    return int(subnet.network_address), int(subnet.broadcast_address)
