"""The query endpoint of Log Analytics, as far as a guard of data stores asks it: who called lately.

It knows one shape of query, taken apart word by word, and a few tables by their documented columns
("Azure Monitor Logs table reference"); all else is refused. Told by its host alone. Rows come from
the tenant's owner: nothing that happens in the tenant is logged by itself.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator.address import Address, parse
from simulator.audiences import LOG_QUERIES
from simulator.call import Identity
from simulator.documents import dig
from simulator.gates import Gates
from simulator.state import State
from simulator.wire import Refusal, Request, Response, Target, answer, unknown

Row = dict[str, Any]

TABLES = {
    "StorageBlobLogs": {"CallerIpAddress"},
    "StorageFileLogs": {"CallerIpAddress"},
    "StorageQueueLogs": {"CallerIpAddress"},
    "StorageTableLogs": {"CallerIpAddress"},
    "AZKVAuditLogs": {"CallerIpAddress"},
    "CDBDataPlaneRequests": {"ClientIpAddress"},
    "AzureDiagnostics": {"CallerIPAddress", "client_ip_s", "clientIpAddress_s"},
}
"""The columns with addresses; names are told apart by case."""
_WORKSPACES = "microsoft.operationalinsights/workspaces"
_PATH = re.compile(r"/v1/workspaces/([^/]+)/query")
_DAYS = re.compile(r"P(\d{1,4})D")
_TEXT = r'("(?:[^"\\]|\\.)*")'
_LEG = re.compile(
    rf"\((\w+) \| where \(_ResourceId =~ {_TEXT} or _ResourceId startswith {_TEXT}\)"
    r'(?: and Category == "(\w+)")?'
    r' \| project TimeGenerated, Caller = column_ifexists\("(\w+)", ""\)\)'
)
_REST = re.compile(
    r"\n\| where isnotempty\(Caller\)"
    r"\n\| extend Caller = replace_regex\(Caller, @'([^']*)', @'([^']*)'\)"
    r"\n\| summarize Calls = count\(\), Last = max\(TimeGenerated\) by Caller"
    r"\n\| top (\d+) by Calls"
)
_BEGIN, _NEXT = "union isfuzzy=true\n", ",\n"
_COLUMNS = [("Caller", "string"), ("Calls", "long"), ("Last", "datetime")]


def is_log_query(target: Target) -> bool:
    """Whether a request is meant for Log Analytics."""
    return target.base == LOG_QUERIES


@dataclass(frozen=True)
class _Leg:
    table: str
    exact: str
    below: str
    category: str
    column: str

    def callers(self, rows: Iterable[Row]) -> Iterator[tuple[str, datetime]]:
        for row in rows:
            of = str(row["_ResourceId"]).lower()
            mine = of == self.exact.lower() or of.startswith(self.below.lower())
            if mine and (not self.category or row.get("Category") == self.category):
                yield row.get(self.column) or "", datetime.fromisoformat(row["TimeGenerated"])


@dataclass
class LogQueries:
    """Workspaces that are asked. `partial`, where set, comes as a `PartialError` beside rows."""

    state: State
    gates: Gates
    partial: str = ""
    _rows: dict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))

    def load(self, workspace: str, table: str, *rows: Row) -> None:
        """Log rows into a table of a workspace (its id in ARM).

        Raises ValueError for a table that is not known here, and for a row without a time (ISO,
        with its offset), without `_ResourceId`, or with a column that the table does not have.
        """
        for row in rows:
            odd = set(row) - {"TimeGenerated", "_ResourceId", "Category"} - TABLES.get(table, set())
            if table not in TABLES or odd or not row.get("_ResourceId"):
                raise ValueError(f"{table}: no such table, or no such row: {row}")
            if datetime.fromisoformat(row["TimeGenerated"]).tzinfo is None:
                raise ValueError(f"{table}: a time without its offset: {row}")
            self._rows[workspace.lower(), table].append(dict(row))

    def answer(
        self, request: Request, target: Target, identity: Identity, now: datetime
    ) -> Response:
        """Answer one query, or refuse it."""
        path = _PATH.fullmatch(target.path)
        if path is None or request.method != "POST":
            raise unknown(f"{request.method} {target.path} of Log Analytics")
        workspace = self._workspace(path[1])
        text, since = _asked(request, now)
        legs, clean, most = _taken_apart(text)
        self._authorize(identity, workspace, legs)
        found: dict[str, list[datetime]] = defaultdict(list)
        for leg in legs:
            for caller, at in leg.callers(self._rows.get((workspace.key, leg.table), ())):
                if caller and since < at <= now:
                    found[clean(caller)].append(at)
        rows = [[caller, len(at), max(at).isoformat()] for caller, at in found.items()]
        rows.sort(key=lambda row: -int(str(row[1])))
        return answer(200, self._body(rows[:most]))

    def _body(self, rows: list[list[Any]]) -> dict[str, Any]:
        columns = [{"name": name, "type": kind} for name, kind in _COLUMNS]
        body: dict[str, Any] = {
            "tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]
        }
        if self.partial:
            body["error"] = {"code": "PartialError", "message": self.partial}
        return body

    def _workspace(self, customer: str) -> Address:
        for subscription in self.state.subscriptions():
            index = self.state.of_type(subscription.address.subscription, _WORKSPACES)
            for entry in index.entries.values():
                if str(dig(entry.document, "properties.customerId")).lower() == customer.lower():
                    return entry.address
        raise unknown(f"a workspace whose customerId is {customer}")

    def _authorize(self, identity: Identity, workspace: Address, legs: list[_Leg]) -> None:
        """Running queries is one action, reading a table another."""
        below = ["read", *(f"{leg.table}/read" for leg in legs)]
        for one in below:
            action = f"Microsoft.OperationalInsights/workspaces/query/{one}"
            if not self.gates.may(identity, action, parse(workspace.id)):
                raise Refusal(
                    403,
                    "InsufficientAccessError",
                    "The provided credentials have insufficient access to perform the requested "
                    "operation",
                )


def _asked(request: Request, now: datetime) -> tuple[str, datetime]:
    """The query, and since when."""
    try:
        body = json.loads(request.body)
        text, days = str(body["query"]), _DAYS.fullmatch(str(body["timespan"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal(400, "BadArgumentError", "The request had some invalid properties") from error
    if days is None or set(body) != {"query", "timespan"}:
        raise unknown("such a body of a query")
    return text, now - timedelta(days=int(days[1]))


def _taken_apart(text: str) -> tuple[list[_Leg], Any, int]:
    """The tables asked, what is done to an address, and how many rows are wanted."""
    if not text.startswith(_BEGIN):
        raise unknown(f"the query {text}")
    at, legs = len(_BEGIN), []
    while (found := _LEG.match(text, at)) is not None:
        table, exact, below, category, column = found.groups()
        if column not in TABLES.get(table, set()):
            raise unknown(f"the column {column} of the table {table}")
        legs.append(_Leg(table, json.loads(exact), json.loads(below), category or "", column))
        at = found.end()
        if not text.startswith(_NEXT, at):
            break
        at += len(_NEXT)
    rest = _REST.fullmatch(text, at)
    if rest is None or not legs:
        raise unknown(f"the query {text}")
    lookup, rewrite = re.compile(rest[1]), rest[2]
    return legs, lambda caller: lookup.sub(rewrite, caller), int(rest[3])
