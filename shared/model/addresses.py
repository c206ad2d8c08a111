"""Sets of IP addresses, as the address lists of Azure's firewalls say them."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from math import inf
from operator import or_
from typing import Final

from shared.model.resource import Undecided

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ranges:
    """A set of whole numbers (addresses, ports) as inclusive spans: sorted, with gaps between.

    Made by `of`; two sets are equal when they hold the same numbers.
    """

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[Span]) -> Ranges:
        """The numbers from each first to each last; a pair the wrong way round holds none."""
        spans: list[Span] = []
        for low, high in sorted(pair for pair in pairs if pair[0] <= pair[1]):
            if spans and low <= spans[-1][1] + 1:
                spans[-1] = (spans[-1][0], max(high, spans[-1][1]))
            else:
                spans.append((low, high))
        return cls(tuple(spans))

    def __or__(self, other: Ranges) -> Ranges:
        return Ranges.of((*self.spans, *other.spans))

    def __and__(self, other: Ranges) -> Ranges:
        few, many = sorted((self.spans, other.spans), key=len)
        both: list[Span] = []
        for low, high in few:
            at = max(_begun(many, low) - 1, 0)
            while at < len(many) and many[at][0] <= high:
                both.append((max(low, many[at][0]), min(high, many[at][1])))
                at += 1
        return Ranges.of(both)

    def __sub__(self, other: Ranges) -> Ranges:
        left: list[Span] = []
        gone = iter((*other.spans, None))
        hole = next(gone)
        for low, high in self.spans:
            start = low
            while hole is not None and hole[0] <= high:
                left.append((start, hole[0] - 1))
                start = max(start, hole[1] + 1)
                if hole[1] > high:
                    break
                hole = next(gone)
            left.append((start, high))
        return Ranges.of(left)

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __contains__(self, number: int) -> bool:
        return self.covers(Ranges(((number, number),)))

    @property
    def size(self) -> int:
        return sum(high - low + 1 for low, high in self.spans)

    def covers(self, other: Ranges) -> bool:
        """Whether every number of `other` is in this set."""
        for low, high in other.spans:
            at = _begun(self.spans, low) - 1
            if at < 0 or self.spans[at][1] < high:
                return False
        return True

    def meets(self, other: Ranges) -> bool:
        """Whether both hold a number."""
        few, many = sorted((self.spans, other.spans), key=len)
        for low, high in few:
            at = _begun(many, high) - 1
            if at >= 0 and many[at][1] >= low:
                return True
        return False

    def pieces(self, cuts: Iterable[Ranges]) -> list[Ranges]:
        """The set split so finely that each piece lies wholly inside or outside every cut."""
        borders = sorted({n for cut in cuts for low, high in cut.spans for n in (low, high + 1)})
        found: list[Ranges] = []
        for low, high in self.spans:
            inside = [n for n in borders if low < n <= high]
            starts, ends = [low, *inside], [*(n - 1 for n in inside), high]
            found.extend(Ranges((span,)) for span in zip(starts, ends, strict=True))
        return found


def _begun(spans: Sequence[Span], number: int) -> int:
    """How many of the spans, which are in order, begin at `number` or before it."""
    return bisect_right(spans, (number, inf))


@dataclass(frozen=True, slots=True)
class Addresses:
    """A set of IPv4 and IPv6 addresses."""

    v4: Ranges = Ranges()
    v6: Ranges = Ranges()

    @classmethod
    def parse(cls, text: str) -> Addresses:
        """The addresses of `10.0.0.4`, `10.0.0.0/24` (host bits may be set) or `10.0.0.4-10.0.0.9`.

        Raises:
            Undecided: it is none of these.
        """
        return _parsed(text)

    @classmethod
    def union(cls, sets: Iterable[Addresses]) -> Addresses:
        return reduce(or_, sets, cls())

    def __or__(self, other: Addresses) -> Addresses:
        return Addresses(self.v4 | other.v4, self.v6 | other.v6)

    def __sub__(self, other: Addresses) -> Addresses:
        return Addresses(self.v4 - other.v4, self.v6 - other.v6)

    def __and__(self, other: Addresses) -> Addresses:
        return Addresses(self.v4 & other.v4, self.v6 & other.v6)

    def __bool__(self) -> bool:
        return bool(self.v4 or self.v6)

    @property
    def size(self) -> int:
        return self.v4.size + self.v6.size

    def covers(self, other: Addresses) -> bool:
        return self.v4.covers(other.v4) and self.v6.covers(other.v6)

    @property
    def internet_share(self) -> Fraction:
        """How much of the internet this is, from 0 to 1: the larger of its two families' parts.

        IPv4 counts as a whole. Of IPv6 only 2000::/3 counts, all that is routed publicly (IANA,
        "IPv6 Global Unicast Address Assignments"): 8000::/1 lets nobody in.
        """
        routed = self.v6 & ROUTED_IPV6
        return max(Fraction(self.v4.size, 2**32), Fraction(routed.size, ROUTED_IPV6.size))

    def blocks(self) -> list[str]:
        """The IPv4 part in the fewest blocks; blocks of one or two as plain addresses.

        Azure Storage takes no /31 and no /32 (Microsoft Learn, "Guidelines and limitations for
        the Azure Storage firewall"), and every other service takes a plain address too.
        """
        texts: list[str] = []
        for low, high in self.v4.spans:
            ends = ipaddress.IPv4Address(low), ipaddress.IPv4Address(high)
            for block in ipaddress.summarize_address_range(*ends):
                texts.extend([str(block)] if block.prefixlen < 31 else map(str, block))
        return texts


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Addresses:
    """The same few ranges stand in the firewalls of many stores."""
    first, _, last = text.partition("-")
    unreadable = Undecided(f"{text!r} is not an address, an address block or a range")
    try:
        start = ipaddress.ip_network(first.strip(), strict=False)
        end = ipaddress.ip_network(last.strip(), strict=False) if last else start
    except ValueError:
        raise unreadable from None
    numbers = Ranges.of([(int(start.network_address), int(end.broadcast_address))])
    if start.version != end.version or not numbers:
        raise unreadable
    return Addresses(v4=numbers) if start.version == 4 else Addresses(v6=numbers)


NOWHERE: Final = Addresses()
ROUTED_IPV6: Final = Addresses.parse("2000::/3").v6
EVERY_ADDRESS: Final = Addresses.parse("0.0.0.0/0") | Addresses.parse("::/0")
PRIVATE: Final = Addresses.union(
    map(Addresses.parse, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
)
"""RFC 1918: no client comes from these over the internet."""

AZURE_SERVICES: Final = Addresses.parse("0.0.0.0")  # noqa: S104 - in a rule, not a socket
"""No client has this address: by it, firewalls of databases let in "services within Azure"."""

WIDE: Final = 2**16
"""More addresses than this, counted over all rules together, are no list of known clients."""

WIDE_IPV6: Final = 2**80
"""The same of IPv6: the addresses of a /48, what a single site is given (RFC 6177)."""

MOST: Final = Fraction(1, 2)
"""A share of the internet above this is "the internet"."""


def fitting(sets: Sequence[Addresses], beside: Addresses = NOWHERE, limit: int = WIDE) -> list[int]:
    """Which of `sets` may stay, narrowest first, so that with `beside` they hold up to `limit`.

    What is left out is then the few widest. Ties go to the one that stands first.
    """
    kept: list[int] = []
    union = beside
    for i in sorted(range(len(sets)), key=lambda at: sets[at].size):
        if (union | sets[i]).size <= limit:
            union |= sets[i]
            kept.append(i)
    return sorted(kept)
