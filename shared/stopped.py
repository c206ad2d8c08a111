"""Why nothing was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why nothing was written: `why` is one word, `until` when it may be tried again."""

    why: str
    message: str
    source: str = ""
    until: datetime | None = None
