"""Azure Resource Graph: the estate's index, page by page. Never evidence for a write.

Asked by REST, because the SDK pins an api-version without `authorizationScopeFilter`. Graph shows
what the identity may read and is silent about the rest. Its quota is per principal, told by
every answer, and obeyed: so that asking side by side gains nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, Self

from shared.errors import Refused, Transient, Why
from shared.model import Resource, ResourceId

API_VERSION = "2022-10-01"
PATH = "/providers/Microsoft.ResourceGraph/resources"
PAGE = 1000
_MOMENT = 5.0
"""As many seconds as a query waits where it stands; for longer the caller comes again."""
_ATTEMPTS = 5
_ROUNDED = timedelta(seconds=0.5)
"""Whole seconds are told, and may be rounded down."""
MOST_SUBSCRIPTIONS = 10_000
"""As many as one query looks into (Microsoft Learn, "Guidance for throttled requests")."""
Within = Mapping[str, Sequence[str]]
"""`subscriptions` or `managementGroups` by name, one of the two; empty asks the whole tenant."""
EVERYWHERE: Within = {}
Answer = tuple[Mapping[str, Any], Mapping[str, str]]
Ask = Callable[[str, str, Any], Answer]
"""Path, api-version and body in; the answer's body and headers out: `Arm.ask`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of a query; `token` leads to the next page, empty on the last.

    `total` is how many rows the query has. `cut`: there are more subscriptions than Graph looks
    into at once, so some are missing.
    """

    rows: Sequence[dict[str, Any]]
    token: str
    total: int
    cut: bool

    @property
    def resources(self) -> list[Resource]:
        """The rows as resources.

        Raises:
            Refused: one is none.
        """
        if not all(map(_named, self.rows)):
            raise Refused("Resource Graph answered with a row that is no resource", Why.INVALID)
        return [Resource(id=ResourceId(r["id"]), body=r) for r in self.rows]


class Index:
    """Asks Resource Graph; safe to share between threads.

    `now` is a clock, `pause` waits so many seconds by it.
    """

    def __init__(
        self, ask: Ask, now: Callable[[], datetime], pause: Callable[[float], None]
    ) -> None:
        self._ask = ask
        self._now = now
        self.pause = pause
        self._free_at: datetime | None = None
        self._quota, self._window = 0, timedelta(0)
        self._answered: deque[datetime] = deque()
        self._lock = threading.Lock()

    def page(self, query: str, within: Within = EVERYWHERE, token: str = "") -> Page:
        """One page. Waits while the quota is used up.

        Raises:
            Transient: come again. Refused: it may not be asked, or answered in part without saying.
        """
        options: dict[str, Any] = {"$top": PAGE, "resultFormat": "objectArray"}
        if token:
            options["$skipToken"] = token
        body = {**within, "query": query, "options": options}
        answer, headers = self._answer(body)
        rows = answer.get("data")
        if not isinstance(rows, list):
            raise Refused("Resource Graph answered without rows", Why.INVALID)
        following = str(answer.get("$skipToken") or "")
        if not following and str(answer.get("resultTruncated", "false")).casefold() == "true":
            raise Refused("Resource Graph cut its answer short", Why.INVALID)
        total = answer.get("totalRecords")
        return Page(
            rows=rows,
            token=following,
            total=total if isinstance(total, int) else len(rows),
            cut=headers.get("x-ms-tenant-subscription-limit-hit", "").casefold() == "true",
        )

    def pages(self, query: str, within: Within = EVERYWHERE) -> Iterator[Page]:
        """Every page of a query.

        Raises:
            Transient, Refused: as `page`.
        """
        token, seen = "", set[str]()
        while token not in seen:
            seen.add(token)
            page = self.page(query, within, token)
            yield page
            token = page.token
            if not token:
                return
        raise Refused("the pages of Resource Graph do not end", Why.INVALID)

    def _answer(self, body: Mapping[str, Any]) -> Answer:
        """What Graph says, asked again where it wants to be left alone for a moment only."""
        for _ in range(_ATTEMPTS):
            self._wait()
            try:
                answer = self._ask(PATH, API_VERSION, body)
            except Transient as busy:
                if busy.retry_after > _MOMENT:
                    raise
                self.pause(busy.retry_after)
            else:
                self._obey(answer[1])
                return answer
        return self._ask(PATH, API_VERSION, body)

    def _wait(self) -> None:
        """Until the quota has room, by what we asked ourselves, and by what Graph told last."""
        with self._lock:
            free = [self._free_at] if self._free_at is not None else []
            if self._quota and len(self._answered) >= self._quota:
                free.append(self._answered[-self._quota] + self._window)
            self._free_at = None
        if free:
            self.pause(max(0.0, (max(free) - self._now()).total_seconds()))

    def _obey(self, headers: Mapping[str, str]) -> None:
        """Learn what the quota is; where others of our principal used it up, leave it to them."""
        told = headers.get("x-ms-user-quota-remaining", "")
        if not told.isdecimal():
            return
        now, window = self._now(), _span(headers.get("x-ms-user-quota-resets-after", ""))
        with self._lock:
            self._quota = max(self._quota, int(told) + 1)
            self._window = max(self._window, window)
            self._answered.append(now)
            ours = sum(at > now - self._window for at in self._answered)
            while len(self._answered) > self._quota:
                self._answered.popleft()
            if int(told) == 0 and ours < self._quota:
                self._free_at = now + window + _ROUNDED


def rows_of(table: str, types: Sequence[str], *conditions: str) -> str:
    """The query for rows of the given types, in an order that paging can rely on."""
    listed = ", ".join(f"'{t.casefold()}'" for t in types)
    narrowed = "".join(f" | where {condition}" for condition in conditions)
    return f"{table} | where type in~ ({listed}){narrowed} | order by id asc"


def _named(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("id"), str)


def _span(text: str) -> timedelta:
    """`hh:mm:ss`; five seconds, Graph's own window, where it is no such thing."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return timedelta(seconds=5)
    hours, minutes, seconds = map(int, parts)
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


class Asked(Protocol):
    """What is asked of the index, and where."""

    @property
    def query(self) -> str: ...
    @property
    def within(self) -> Within: ...


class Ahead:
    """Reads the next page while one is judged."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._pool = ThreadPoolExecutor(1)
        self._wanted: tuple[Asked, str] | None = None
        self._future: Future[Page] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def begin(self, asked: Asked, token: str) -> None:
        """Ask for a page that will be wanted."""
        self._wanted = (asked, token)
        self._future = self._pool.submit(self._index.page, asked.query, asked.within, token)

    def page(self, asked: Asked, token: str) -> Page:
        """A page; raises as `Index.page` does."""
        if self._future is not None and self._wanted == (asked, token):
            return self._future.result()
        return self._index.page(asked.query, asked.within, token)
