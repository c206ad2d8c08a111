"""Time for the simulated tenant: one that tests move by hand, and the real one.

Everything in the tenant that takes time (operations, tokens, rate limits, event times) asks its
clock, so a test that advances a `VirtualClock` never sleeps.
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol

MONDAY_MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


class Clock(Protocol):
    """Anything that knows the time; always an aware datetime in UTC."""

    def now(self) -> datetime: ...


class VirtualClock:
    """Stands still until it is advanced; safe to read and advance from several threads."""

    def __init__(self, start: datetime = MONDAY_MORNING) -> None:
        """Begin at `start`, an aware datetime."""
        if start.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, delta: timedelta) -> None:
        """Move forward by `delta`. Raises ValueError for a negative one: time never runs back."""
        if delta < timedelta(0):
            raise ValueError("a clock only moves forward")
        with self._lock:
            self._now += delta

    def pause(self, seconds: float) -> None:
        """Wait, which takes no time."""
        self.advance(timedelta(seconds=seconds))


class WallClock:
    """The real time, in UTC."""

    def now(self) -> datetime:
        return datetime.now(tz=UTC)
