"""What people order of the app that may write: kept by the app that may not, carried out once.

An order names an action to take back. Its row says who ordered it; the message on the writing
queue only wakes the one who reads the row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.hints import ACT
from shared.store import Store

ORDERED, DONE, REFUSED = "ordered", "done", "refused"
GIVE_UP = timedelta(hours=1)
"""How long an undo is tried; nobody expects it to happen after that."""


@dataclass(frozen=True, slots=True)
class Order:
    """An undo as it was ordered: `ActionId`, `Person`, `At`, `State`, `Message`."""

    value: Mapping[str, Any]

    @property
    def action(self) -> str:
        return str(self.value["ActionId"])

    @property
    def person(self) -> str:
        return str(self.value["Person"])

    @property
    def state(self) -> str:
        return str(self.value["State"])

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.value["At"])


class Orders:
    """The last order about each action."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def of(self, action: str) -> Order | None:
        row = self._store.get("orders", action, "undo")
        return Order(row.value) if row else None

    def give(self, action: str, person: str) -> tuple[Order, bool]:
        """Order that an action is taken back; whether that is a new order.

        Whoever orders it again while an order waits wakes that one.
        """
        standing = self.of(action)
        new = standing is None or standing.state != ORDERED
        if standing is None or new:
            at = self._now().isoformat()
            told = {"ActionId": action, "Person": person, "At": at, "State": ORDERED}
            standing = Order({**told, "Message": ""})
            self._store.put("orders", action, "undo", standing.value)
        self.send(action)
        return standing, new

    def send(self, action: str, delay: timedelta = timedelta(0)) -> None:
        """Wake the app that may write, after `delay`."""
        self._store.send(ACT, json.dumps({"portcullis": 1, "undo": action}), delay)

    def answer(self, order: Order, state: str, message: str = "") -> None:
        """What came of it."""
        value = {**order.value, "State": state, "Message": message}
        self._store.put("orders", order.action, "undo", value)


def undo_in(text: str | bytes) -> str:
    """The action that a message wants taken back; empty where it is no such message."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    told = body.get("undo") if isinstance(body, dict) and body.get("portcullis") == 1 else None
    return told if isinstance(told, str) else ""
