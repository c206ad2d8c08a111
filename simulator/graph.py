"""Resource Graph: the estate as an index, with its lag, its quota and its silences.

Rows look as Graph gives them: types in lower case, group and subscription beside the document,
`kind: ""`, `managedBy: ""` and nulls where ARM has nothing. What a caller may not read is left
out without a word. Child types that Graph does not hold (firewall rules, configurations) are
absent.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from simulator.address import GROUP, MANAGEMENT_GROUP, SUBSCRIPTION, Address, parse
from simulator.call import Call, operation_type
from simulator.documents import Document
from simulator.drafts import parse_body
from simulator.gates import Gates
from simulator.graph_query import Query, parse_query
from simulator.state import Entry, Index, State
from simulator.wire import Refusal, Response, answer, seal, unseal

_OLDEST = "2021-03-01"
_QUOTA = 15
_WINDOW = timedelta(seconds=5)
_MOST = 1000
_AUTHORIZATION = {
    "microsoft.authorization/roleassignments",
    "microsoft.authorization/roledefinitions",
    "microsoft.authorization/denyassignments",
    "microsoft.authorization/locks",
}
_CONTAINERS = {
    "microsoft.resources/subscriptions": SUBSCRIPTION.lower(),
    "microsoft.resources/subscriptions/resourcegroups": GROUP.lower(),
    "microsoft.management/managementgroups": MANAGEMENT_GROUP.lower(),
}
_CHILDREN_HELD = {
    "microsoft.sql/servers/databases",
    "microsoft.sql/servers/elasticpools",
    "microsoft.compute/virtualmachines/extensions",
    "microsoft.network/networkwatchers/flowlogs",
    "microsoft.web/sites/slots",
    "microsoft.automation/automationaccounts/runbooks",
}
_NOT_RESOURCES = {"microsoft.authorization", "microsoft.resources", "microsoft.management"}


_Hidden = Mapping[str, tuple[Address, Document | None]]


@dataclass(frozen=True)
class _Asked:
    """One page of one query, resolved to what is stored."""

    query: Query
    kinds: list[str]
    subscriptions: list[str]
    above: frozenset[str]
    top: int
    after: str


class Graph:
    """Answers queries. `lag` is how long Graph takes to see a change; zero unless set."""

    def __init__(self, state: State, gates: Gates) -> None:
        """Watch `state` from now on; show what `gates` lets a caller read."""
        self._state = state
        self._gates = gates
        self._recent: deque[tuple[datetime, Address, Document | None]] = deque()
        self._queries: dict[str, deque[datetime]] = {}
        self._now: Callable[[], datetime] | None = None
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
        body = parse_body(call)
        query = parse_query(str(body.get("query") or ""))
        subscriptions = self._subscriptions(call, body)
        options = body.get("options") or {}
        if str(options.get("resultFormat", "objectArray")).lower() != "objectarray":
            raise Refusal(400, "BadRequest", "The simulated Resource Graph knows objectArray only.")
        asked = _Asked(
            query,
            [kind for kind in map(_stored, query.types) if _held(query.table, kind)],
            subscriptions,
            frozenset(self._scopes_above(query, subscriptions, options)),
            min(int(options.get("$top") or _MOST), _MOST),
            _resume(options.get("$skipToken")),
        )
        return answer(200, self._result(call, asked), headers)

    def _scopes_above(
        self, query: Query, subscriptions: list[str], options: Mapping[str, Any]
    ) -> Iterator[str]:
        """Scopes whose authorization rows the caller asked to see on top of its subscriptions'."""
        wanted = options.get("authorizationScopeFilter", "AtScopeAndBelow")
        if wanted not in {"AtScopeAndBelow", "AtScopeAboveAndBelow"}:
            raise Refusal(
                400,
                "BadRequest",
                f"The simulated Resource Graph does not know the scope filter {wanted}.",
            )
        if wanted == "AtScopeAndBelow" or query.table != "authorizationresources":
            return
        for subscription in subscriptions:
            # Without a filter the rows outside of subscriptions are asked for anyway.
            if subscription and "" not in subscriptions:
                yield from self._state.scopes_above(subscription)

    def _result(self, call: Call, asked: _Asked) -> Document:
        page: list[Document] = []
        last = ""
        more = False
        hidden = self._hidden()
        for address, document in self._rows(asked, hidden):
            if not self._readable(call, asked, address):
                continue
            if len(page) == asked.top:
                more = True
                break
            page.append(_row(address, document, asked.query, self._state.tenant_id))
            last = address.key
        result: Document = {
            "totalRecords": self._total(call, asked, hidden),
            "count": len(page),
            "data": page,
            "facets": [],
            "resultTruncated": "false",
        }
        if more and (not asked.query.columns or "id" in asked.query.columns):
            result["$skipToken"] = seal(last)
        elif more:
            # Without the id there is no token, and the rest is silently lost.
            result["resultTruncated"] = "true"
        return result

    def _total(self, call: Call, asked: _Asked, hidden: _Hidden) -> int:
        if not hidden and not asked.above and self._gates.are_open:
            return sum(len(index.entries) for index in self._indexes(asked))
        rows = self._rows(replace(asked, after=""), hidden)
        return sum(1 for address, _ in rows if self._readable(call, asked, address))

    def _readable(self, call: Call, asked: _Asked, address: Address) -> bool:
        action = f"{operation_type(address)}/read"
        if self._gates.may(call.identity, action, address):
            return True
        # What is granted above a subscription is seen by who may see the subscription's grants.
        return address.scope.lower() in asked.above and any(
            self._gates.may(call.identity, action, parse(f"/subscriptions/{one}"))
            for one in asked.subscriptions
            if address.scope.lower() in self._state.scopes_above(one)
        )

    def _indexes(self, asked: _Asked) -> Iterator[Index]:
        for kind in asked.kinds:
            for subscription in asked.subscriptions:
                yield self._state.of_type(subscription, kind)

    def _rows(self, asked: _Asked, hidden: _Hidden) -> Iterator[tuple[Address, Document]]:
        """Documents that are asked for after a key, in order of id, as they were `lag` ago."""
        streams = [index.after(asked.after) for index in self._indexes(asked)]
        if asked.above:
            streams += [self._above(asked, kind) for kind in asked.kinds]
        current = heapq.merge(*streams, key=lambda entry: entry.address.key)
        if not hidden:
            return ((entry.address, entry.document) for entry in current)
        return self._as_it_was(current, hidden, asked)

    def _above(self, asked: _Asked, kind: str) -> Iterator[Entry]:
        return (
            entry
            for entry in self._state.of_type("", kind).after(asked.after)
            if entry.address.scope.lower() in asked.above
        )

    def _as_it_was(
        self, current: Iterator[Entry], hidden: _Hidden, asked: _Asked
    ) -> Iterator[tuple[Address, Document]]:
        rows = {
            entry.address.key: (entry.address, entry.document)
            for entry in current
            if entry.address.key not in hidden
        }
        for key, (address, document) in hidden.items():
            wanted = address.type_key in asked.kinds
            placed = address.subscription.lower() in asked.subscriptions
            if document is not None and wanted and placed and key > asked.after:
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
            self._recent.append((self._now(), address, before))

    def _subscriptions(self, call: Call, body: Document) -> list[str]:
        """The subscriptions asked for, or all and what is in none; refused if none is readable."""
        asked = [str(one).lower() for one in body.get("subscriptions") or []]
        if body.get("managementGroups"):
            raise Refusal(
                400,
                "BadRequest",
                "The simulated Resource Graph knows the subscriptions filter only.",
            )
        known = {entry.address.subscription.lower() for entry in self._state.subscriptions()}
        readable = [
            one
            for one in asked
            if one in known
            and self._gates.reaches(
                call.identity, self._state.entries[f"/subscriptions/{one}"].address
            )
        ]
        if asked and not readable:
            raise Refusal(
                403,
                "AuthorizationFailed",
                "Access to all of the given subscriptions is denied, or they do not exist.",
            )
        return readable if asked else [*sorted(known), ""]

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


def _stored(graph_type: str) -> str:
    return _CONTAINERS.get(graph_type, graph_type)


def _held(table: str, kind: str) -> bool:
    """Whether a table holds a type; `kind` as stored."""
    if table == "authorizationresources":
        return kind in _AUTHORIZATION
    if table == "resourcecontainers":
        return kind in _CONTAINERS.values()
    if kind.split("/", 1)[0] in _NOT_RESOURCES:
        return False
    return kind.count("/") == 1 or kind in _CHILDREN_HELD


def _row(address: Address, document: Document, query: Query, tenant_id: str) -> dict[str, Any]:
    location = str(document.get("location") or "").replace(" ", "").lower()
    row = {
        "id": address.id,
        "name": address.name if address.type != SUBSCRIPTION else document.get("displayName"),
        "type": operation_type(address).lower(),
        "tenantId": tenant_id,
        "kind": document.get("kind") or "",
        "location": location,
        "resourceGroup": address.group.lower(),
        "subscriptionId": address.subscription,
        "managedBy": document.get("managedBy") or "",
        "sku": document.get("sku"),
        "plan": document.get("plan"),
        "properties": document.get("properties") or {},
        "tags": document.get("tags"),
        "identity": document.get("identity"),
        "zones": document.get("zones"),
        "extendedLocation": document.get("extendedLocation"),
    }
    if not query.columns:
        return row
    return {column: row[column] for column in query.columns}


def _resume(token: object) -> str:
    if not token:
        return ""
    try:
        return unseal(str(token))
    except ValueError as error:
        raise Refusal(400, "BadRequest", "The skip token is not valid.") from error
