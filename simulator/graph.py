"""Resource Graph: the estate as an index, with its lag, its quota and its silences.

What a caller may not read is left out without a word. Rows that nobody asked an order for come in
none that could be relied on.
"""

import heapq
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from simulator.address import Address
from simulator.call import Call
from simulator.documents import Document
from simulator.drafts import parse_body
from simulator.gates import Gates
from simulator.graph_changes import Changes
from simulator.graph_query import Query, parse_query
from simulator.graph_rows import CHANGE, DEFINITIONS, EncodedRows, held, row_of, type_of
from simulator.graph_scope import Scope, Scopes, Sight, bad_request
from simulator.kql_expressions import Row
from simulator.state import Entry, Index, State
from simulator.wire import Refusal, Response, answer, encode, seal, unseal

_OLDEST = "2021-03-01"
_QUOTA = 15
_WINDOW = timedelta(seconds=5)
_MOST = 1000
CHANGES = "resourcechanges"
_OPTIONS = {"$top", "$skipToken", "resultFormat", "authorizationScopeFilter", "allowPartialScopes"}

_Hidden = Mapping[str, tuple[Address, Document | None]]


@dataclass(frozen=True)
class _Asked:
    """One page of one query, resolved to what is stored."""

    query: Query
    scope: Scope
    sight: Sight
    top: int
    after: str
    now: datetime

    def takes(self, kind: str) -> bool:
        """Whether rows of a type are asked for; `kind` as it is stored."""
        types = self.query.pins.get("type")
        return held(self.query.table, kind) and (types is None or type_of(kind) in types)


class Graph:
    """Answers queries. `lag` is how long Graph takes to see a change; zero unless set."""

    def __init__(self, state: State, gates: Gates, seed: int = 0) -> None:
        """Watch `state` from now on; show what `gates` lets a caller read."""
        self._state = state
        self._gates = gates
        self._changes = Changes(state, seed)
        self._encoded = EncodedRows(state)
        self._recent: deque[tuple[datetime, Address, Document | None]] = deque()
        self._queries: dict[str, deque[datetime]] = {}
        self._now: Callable[[], datetime] | None = None
        self.scopes = Scopes(state, gates)
        self.lag = timedelta(0)
        self.quota_enforced = False

    def follow(self, now: Callable[[], datetime]) -> None:
        """Remember changes from now on, so that a `lag` can hide them."""
        self._now = now
        self._state.watchers.append(self._remember)

    def query(self, call: Call) -> Response:
        """Answer `POST /providers/Microsoft.ResourceGraph/resources`."""
        if call.target.api_version < _OLDEST:
            raise Refusal(
                400,
                "InvalidApiVersionParameter",
                f"The simulated Resource Graph answers api-version {_OLDEST} and later.",
            )
        headers = self._count(call)
        try:
            return self._answer(call, headers)
        except Refusal as refusal:
            # A query that is refused counts like any other, and says so.
            refusal.headers = {**headers, **refusal.headers}
            raise

    def _answer(self, call: Call, headers: dict[str, str]) -> Response:
        body = parse_body(call)
        query = parse_query(str(body.get("query") or ""), call.now)
        options = _options(body)
        scope = self.scopes.of(call, body, query.table)
        headers["x-ms-tenant-subscription-limit-hit"] = str(scope.cut).lower()
        scope = scope.narrowed(query.pins.get("subscriptionId"))
        asked = _Asked(
            query,
            scope,
            Sight(self._state, self._gates, call.identity, scope),
            _top(options),
            _resume(options.get("$skipToken"), query),
            call.now,
        )
        page, token, total = self._page(asked)
        response = answer(200, _about(query, len(page), token, total), headers)
        # Rows are JSON already: they go where the empty list of the rest begins.
        response.body = response.body.replace(b'"data":[', b'"data":[' + b",".join(page), 1)
        return response

    def _page(self, asked: _Asked) -> tuple[list[bytes], str, int]:
        """Rows as JSON, the token of the next page if there is one, and how many there are."""
        query = asked.query
        if query.by_id and not query.stages and query.table != CHANGES:
            return self._whole(asked)
        page, token, total = (self._cut if query.by_id else self._sliced)(asked)
        return [encode(row) for row in page], token, total

    def _whole(self, asked: _Asked) -> tuple[list[bytes], str, int]:
        """A page of rows as they are, in order of id: the most of what a sweep asks."""
        found = self._documents(asked, asked.after)
        documents = list(islice(found, asked.top))
        page = [self._encoded.of(address, document) for address, document in documents]
        more = next(found, None) is not None
        return page, documents[-1][0].key if more else "", self._total(asked)

    def _cut(self, asked: _Asked) -> tuple[list[Row], str, int]:
        """A page of rows in order of id, the key that it ends with if more follow, and of how many.

        Nothing before the page is looked at.
        """
        last = ""

        def fed() -> Iterator[Row]:
            nonlocal last
            for key, row in self._rows(asked, asked.after):
                last = key
                yield row

        made = asked.query.run(fed())
        page = list(islice(made, asked.top))
        token = last
        more = next(made, None) is not None
        if asked.query.filters:
            rows = (row for _, row in self._rows(asked, ""))
            total = sum(1 for _ in asked.query.run(rows))
        else:
            total = self._total(asked)
        return page, token if more else "", total

    def _sliced(self, asked: _Asked) -> tuple[list[Row], str, int]:
        """A page of everything that the query makes, where the next begins, and of how many."""
        found = self._rows(asked, "")
        if not asked.query.ordered:
            found = iter(sorted(found, key=lambda one: zlib.crc32(one[0].encode())))
        made = list(asked.query.run(row for _, row in found))
        begin = int(asked.after or 0)
        end = begin + asked.top
        return made[begin:end], str(end) if end < len(made) else "", len(made)

    def _total(self, asked: _Asked) -> int:
        """How many rows there are, all told."""
        if asked.query.table == CHANGES or self._hidden():
            return sum(1 for _ in self._rows(asked, ""))
        return sum(
            len(index.entries) if whole else sum(1 for _ in self._visible(asked, index.after("")))
            for index, whole in self._indexes(asked)
        )

    def _rows(self, asked: _Asked, after: str) -> Iterator[tuple[str, Row]]:
        """Keys beyond one, with their rows, in order, as they were `lag` ago."""
        if asked.query.table == CHANGES:
            yield from self._changed(asked, after)
            return
        for address, document in self._documents(asked, after):
            yield address.key, row_of(address, document, self._state)

    def _changed(self, asked: _Asked, after: str) -> Iterator[tuple[str, Row]]:
        if CHANGE not in asked.query.pins.get("type", {CHANGE}):
            return
        for key, address, row in self._changes.rows(asked.now - self.lag, asked.now):
            if key > after and asked.scope.has(address) and asked.sight(address):
                yield key, row

    def _documents(self, asked: _Asked, after: str) -> Iterator[tuple[Address, Document]]:
        streams = [
            index.after(after) if whole else self._visible(asked, index.after(after))
            for index, whole in self._indexes(asked)
        ]
        current = heapq.merge(*streams, key=lambda entry: entry.address.key)
        hidden = self._hidden()
        if not hidden:
            return ((entry.address, entry.document) for entry in current)
        return self._as_it_was(current, hidden, asked, after)

    def _indexes(self, asked: _Asked) -> Iterator[tuple[Index, bool]]:
        """What is stored of the types and places asked for, and whether all of it may be seen."""
        places = [*asked.scope.subscriptions, *([] if asked.scope.outside == frozenset() else [""])]
        for kind in self._state.kinds():
            if not asked.takes(kind) or (kind == DEFINITIONS and asked.scope.outside is not None):
                continue
            for subscription in places:
                index = self._state.of_type(subscription, kind)
                if index.entries:
                    yield index, asked.sight.whole(subscription, kind)

    def _visible(self, asked: _Asked, entries: Iterator[Entry]) -> Iterator[Entry]:
        return (
            entry
            for entry in entries
            if asked.scope.has(entry.address) and asked.sight(entry.address)
        )

    def _as_it_was(
        self, current: Iterator[Entry], hidden: _Hidden, asked: _Asked, after: str
    ) -> Iterator[tuple[Address, Document]]:
        rows = {
            entry.address.key: (entry.address, entry.document)
            for entry in current
            if entry.address.key not in hidden
        }
        for key, (address, document) in hidden.items():
            placed = asked.takes(address.type_key) and asked.scope.has(address)
            if document is not None and placed and key > after and asked.sight(address):
                rows[key] = (address, document)
        return iter(rows[key] for key in sorted(rows))

    def _hidden(self) -> _Hidden:
        """What changed too recently for Graph to know, as it was before."""
        if self._now is None or not self.lag:
            return {}
        seen = self._now() - self.lag
        while self._recent and self._recent[0][0] <= seen:
            self._recent.popleft()
        hidden: dict[str, tuple[Address, Document | None]] = {}
        for _, address, before in self._recent:
            hidden.setdefault(address.key, (address, before))
        return hidden

    def _remember(self, address: Address, before: Document | None, _: Document | None) -> None:
        if self.lag and self._now is not None:
            cause = self._state.cause
            self._recent.append((cause.at if cause else self._now(), address, before))

    def _count(self, call: Call) -> dict[str, str]:
        """Keep the quota of 15 queries in 5 seconds for each caller."""
        asked = self._queries.setdefault(call.identity.object_id, deque())
        while asked and asked[0] <= call.now - _WINDOW:
            asked.popleft()
        resets = (asked[0] + _WINDOW - call.now) if asked else _WINDOW
        seconds = max(1, round(resets.total_seconds()))
        headers = {"x-ms-user-quota-resets-after": f"00:00:{seconds:02d}"}
        if self.quota_enforced and len(asked) >= _QUOTA:
            raise Refusal(
                429,
                "RateLimiting",
                "Please provide below info when asking for support.",
                headers={**headers, "x-ms-user-quota-remaining": "0", "Retry-After": str(seconds)},
            )
        asked.append(call.now)
        remaining = max(0, _QUOTA - len(asked))
        return {**headers, "x-ms-user-quota-remaining": str(remaining)}


def _about(query: Query, count: int, token: str, total: int) -> Document:
    """An answer without its rows."""
    result: Document = {
        "totalRecords": total,
        "count": count,
        "data": [],
        "facets": [],
        "resultTruncated": "false",
    }
    if token and query.pages:
        result["$skipToken"] = seal(token)
    elif token:
        # Without the id, or once cut, there is no token, and the rest is silently lost.
        result["resultTruncated"] = "true"
    return result


def _options(body: Document) -> Mapping[str, Any]:
    options: Any = body.get("options") or {}
    if not isinstance(options, dict):
        raise bad_request("The options are no object.")
    odd = sorted(set(options) - _OPTIONS) + (["facets"] if body.get("facets") else [])
    if odd:
        raise bad_request(f"The simulated Resource Graph does not know the option {odd[0]}.")
    if str(options.get("resultFormat", "objectArray")).lower() != "objectarray":
        raise bad_request("The simulated Resource Graph knows objectArray only.")
    return options


def _top(options: Mapping[str, Any]) -> int:
    top: Any = options.get("$top", _MOST)
    if not isinstance(top, int) or not 1 <= top <= _MOST:
        raise bad_request(f"The option $top is a number from 1 to {_MOST}.")
    return top


def _resume(token: object, query: Query) -> str:
    """Where a page begins: after a key, or at a number where the order is not that of ids."""
    if not token:
        return ""
    try:
        place = unseal(str(token))
    except ValueError:
        place = ""
    if query.pages and (place.startswith("/") if query.by_id else place.isdecimal()):
        return place
    raise bad_request("The skip token is not valid.")
