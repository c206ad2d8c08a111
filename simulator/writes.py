"""One write on its way through the tenant, as the rules of a type see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from simulator.address import Address
from simulator.documents import Document

if TYPE_CHECKING:
    from simulator.state import State


@dataclass
class Write:
    """What a rule may look at and, in `after`, change before it is stored.

    `before` is None on create and must not be changed. `body` is what the client sent.
    """

    state: "State"
    address: Address
    method: str
    body: Document
    before: Document | None
    after: Document
    now: datetime
    api_version: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def creates(self) -> bool:
        return self.before is None


Rule = Callable[[Write], None]
"""Checks (raising Refusal) or completes `write.after` in place."""
