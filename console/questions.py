"""What an address may ask, in the API and on the page: read once, and checked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.search import FindingQuestion, LogQuestion, Stands, in_range

Word = Annotated[str, Field(max_length=200)]
Scope = Annotated[str, Field(max_length=2_000)]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Key = Annotated[str, Path(pattern=r"^\d{16}-\d{8}-[0-9a-f]{16}$")]
Cursor = Annotated[str, Field(pattern=r"^(\d{16}-\d{8}-[0-9a-f]{16})?$")]
Stream = Literal["actions", "findings", "sweeps", "health"]
Window = Literal["1h", "24h", "7d", "30d", ""]
WINDOWS: Final = {"1h": 1, "24h": 24, "7d": 168, "30d": 720}
"""Hours of the log that a word stands for."""
Instant = Annotated[datetime, AfterValidator(in_range)]


class _Where(BaseModel):
    model_config = ConfigDict(frozen=True)

    subscription: Word = ""
    group: Word = ""
    control: Word = ""
    severity: Word = ""
    owner: Word = ""
    resource: Scope = ""


class _Lines(_Where):
    actor: Word = ""
    result: Word = ""
    after: Cursor = ""

    @property
    def question(self) -> LogQuestion:
        return LogQuestion(**self.model_dump(include=_LOG))


class LogQuery(_Lines):
    """Which lines of which stream, from when to when, how many, from where on."""

    stream: Stream = "actions"
    since: Instant | None = None
    until: Instant | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class LogView(_Lines):
    """The same as the page's form sends it; what is no time asks nothing."""

    window: Window = ""
    since: Annotated[str, Field(max_length=40)] = ""
    until: Annotated[str, Field(max_length=40)] = ""

    def bounds(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        if self.window:
            return now - timedelta(hours=WINDOWS[self.window]), None
        return _instant(self.since), _instant(self.until)


class FindingsQuery(_Where):
    """Which findings, how many, from where on."""

    stands: Stands | Literal[""] = ""
    after: Annotated[str, Field(max_length=8_000)] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 50

    @property
    def question(self) -> FindingQuestion:
        return FindingQuestion(**self.model_dump(include=_FINDINGS))


class ExportQuery(FindingsQuery):
    """The same, whole, in a form."""

    form: Literal["csv", "json"] = "csv"


_LOG: Final = set(LogQuestion.__dataclass_fields__)
_FINDINGS: Final = set(FindingQuestion.__dataclass_fields__)


def _instant(text: str) -> datetime | None:
    try:
        return in_range(datetime.fromisoformat(text))
    except ValueError:
        return None
