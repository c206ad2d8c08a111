"""How far a data store can be reached through its network layer."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.model import addresses as limits
from shared.model.addresses import MOST, Addresses, Ranges
from shared.model.rules import Evidence

DATABASE_PORTS: Final = Ranges.of(
    [
        *((port, port) for port in (1521, 3306, 5432, 5984, 6379, 8086, 8529, 9042, 9200, 9300)),
        *((port, port) for port in (11211, 26257, 50000)),
        *((1433, 1434), (7000, 7001), (27017, 27019)),
    ]
)
"""Where databases listen over TCP unless told otherwise."""


class Exposure(enum.StrEnum):
    """One answer for every type of data store, from the safest to the worst.

    `private`: nobody from outside. `listed`: small ranges, subnets or resources that are named.
    `wide`: more addresses than a list of known clients holds. `open-azure`: any customer's
    resource in Azure. `open-internet`: anybody.
    """

    PRIVATE = "private"
    LISTED = "listed"
    WIDE = "wide"
    OPEN_AZURE = "open-azure"
    OPEN_INTERNET = "open-internet"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    @classmethod
    def of(cls, addresses: Addresses) -> Exposure:
        """The exposure of letting in these addresses together."""
        if addresses.internet_share > MOST:
            return cls.OPEN_INTERNET
        if addresses.v4.size > limits.WIDE or addresses.v6.size > limits.WIDE_IPV6:
            return cls.WIDE
        return cls.LISTED if addresses else cls.PRIVATE

    @classmethod
    def worst(cls, found: Iterable[Exposure]) -> Exposure:
        """The worst of them; private where there is none."""
        return max(found, key=lambda one: one.rank, default=cls.PRIVATE)


_RANKS: Final = {one: rank for rank, one in enumerate(Exposure)}


@dataclass(frozen=True, slots=True)
class OpenPath:
    """One way in from outside, how wide it is, and where a reader can check it."""

    exposure: Exposure
    evidence: Evidence
