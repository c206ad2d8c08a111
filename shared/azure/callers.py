"""The recent callers of a data store, from the Log Analytics workspaces that its logs go to.

Read only, and bounded: a fault of any kind, or a wait too long, is the reason why they are unknown.

Source: Microsoft Learn, "Query - Execute" and "Azure Monitor Log Analytics API response format".
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest

from shared.azure.pipeline import Pipeline
from shared.azure.store_logs import LOGS, MOST, Log, collected, query
from shared.azure.transport import Transport
from shared.callers import DAYS, Caller, Callers
from shared.clouds import PUBLIC, query_audience
from shared.errors import ArmError, Refused, Why
from shared.model import MISREAD, Resource, ResourceId, Undecided

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport

    from shared.cloud import Reader

_SETTINGS = "providers/Microsoft.Insights/diagnosticSettings"
_SETTINGS_VERSION, _WORKSPACE_VERSION = "2021-05-01-preview", "2023-09-01"
_PATIENCE = 20.0
_PRIVATE = [
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
]
_LONGEST_REASON = 240


class _NotKnown(Exception):
    """Why nothing is known, for a person."""


class CallerLogs:
    """Asks the workspaces of a store's diagnostic settings; see `shared.callers.Ask`."""

    def __init__(
        self,
        arm: Reader,
        credential: TokenCredential,
        *,
        endpoint: str = PUBLIC.log_queries,
        transport: HttpTransport[Any, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arm = arm
        self._clock = clock
        audience = query_audience(endpoint.rstrip("/"))
        policy = BearerTokenCredentialPolicy(credential, f"{audience}/.default")
        line = transport or Transport(endpoint, connect=5, read=_PATIENCE)
        self._line = Pipeline(endpoint, "Log Analytics", policy, line)

    def close(self) -> None:
        self._line.close()

    def __call__(self, store: ResourceId) -> Callers:
        """Who called lately; nothing is raised."""
        target = store.write_target
        logs = LOGS.get(target.type.casefold())
        if logs is None:
            return Callers(unknown=f"not collected for {target.type}")
        try:
            return self._asked(target, logs, self._clock() + _PATIENCE)
        except (_NotKnown, ArmError, Undecided) as fault:
            return Callers(unknown=_one_line(str(fault)))

    def _asked(self, store: ResourceId, logs: tuple[Log, ...], until: float) -> Callers:
        places: dict[ResourceId, list[Log]] = {}
        left_out: list[str] = []
        for log in logs:
            self._hurry(until)
            workspace, missing = self._place(store, log)
            left_out += missing
            if workspace is not None:
                places.setdefault(workspace, []).append(log)
        if not places:
            wanted = ", ".join(logs[0].categories)
            raise _NotKnown(f"no diagnostic setting sends its logs to a workspace ({wanted})")
        rows: list[list[Any]] = []
        more = False
        for workspace, kept in places.items():
            self._hurry(until)
            customer = self._customer(workspace)
            self._hurry(until)
            found, partial = self._rows(workspace, customer, query(store, kept))
            more |= len(found) > MOST
            rows += found
            left_out += [f"what {workspace.name} did not answer: {partial}"] if partial else []
        callers, odd = _merged(rows)
        left_out += [f"{odd} calls without an address"] if odd else []
        return Callers(
            found=callers[:MOST],
            more=more or len(callers) > MOST,
            incomplete=_one_line(", ".join(left_out)),
        )

    def _hurry(self, until: float) -> None:
        if self._clock() > until:
            raise _NotKnown(f"Azure took longer than {_PATIENCE:.0f} seconds to tell")

    def _place(self, store: ResourceId, log: Log) -> tuple[ResourceId | None, list[str]]:
        """The workspace that most of a log goes to, and what of it does not go there."""
        best: tuple[set[str], ResourceId | None] = (set(), None)
        for setting in self._settings(f"{store.text}{log.at}/{_SETTINGS}"):
            workspace = setting.get("/properties/workspaceId")
            sent = collected(setting, log)
            if isinstance(workspace, str) and workspace and len(sent) > len(best[0]):
                best = sent, ResourceId(workspace)
        missing = [one for one in log.categories if one not in best[0]]
        if len(missing) == len(log.categories):
            return None, [log.name]
        return best[1], [f"{one} of {log.name}" for one in missing]

    def _settings(self, collection: str) -> list[Resource]:
        try:
            return list(self._arm.list(collection, _SETTINGS_VERSION))
        except Refused as refused:
            # An account of some kinds has no such service, and so none of its logs.
            if refused.why in (Why.INVALID, Why.NOT_FOUND):
                return []
            _say_if_forbidden(refused, "its diagnostic settings may not be read")
            raise

    def _customer(self, workspace: ResourceId) -> str:
        """The id that a workspace is queried by."""
        try:
            found = self._arm.get(workspace, _WORKSPACE_VERSION)
        except Refused as refused:
            _say_if_forbidden(refused, f"the workspace {workspace.name} may not be read")
            raise
        customer = found.get("/properties/customerId") if found else None
        if not isinstance(customer, str) or not customer:
            raise _NotKnown(f"the workspace {workspace.name} is not there")
        return customer

    def _rows(self, workspace: ResourceId, customer: str, asked: str) -> tuple[list[Any], str]:
        """`[address, calls, last]` each, and why these are not all; empty where they are."""
        response = self._line.run(
            HttpRequest(
                "POST",
                f"{self._line.endpoint}/v1/workspaces/{quote(customer, safe='')}/query",
                headers={"Prefer": f"wait={_PATIENCE:.0f}"},
                json={"query": asked, "timespan": f"P{DAYS}D"},
            ),
            retries=0,
        )
        if response.status_code != 200:
            fault = self._line.fault(response)
            _say_if_forbidden(fault, f"the workspace {workspace.name} may not be queried")
            raise fault
        body = self._line.document(response)
        error = body.get("error")
        partial = str(error.get("message") or error.get("code")) if isinstance(error, dict) else ""
        try:
            table = body["tables"][0]
            names = [column["name"] for column in table["columns"]]
            at = [names.index(name) for name in ("Caller", "Calls", "Last")]
            return [[row[i] for i in at] for row in table["rows"]], partial
        except MISREAD as odd:
            raise self._line.nonsense(response, "what is not a table of callers") from odd


def _say_if_forbidden(fault: Exception, words: str) -> None:
    if isinstance(fault, Refused) and fault.why is Why.FORBIDDEN:
        raise _NotKnown(words) from fault


def _merged(rows: list[list[Any]]) -> tuple[tuple[Caller, ...], int]:
    """The callers, most calls first, and the calls whose caller is no address.

    Raises:
        Undecided: a row is none.
    """
    seen: dict[str, Caller] = {}
    odd = 0
    for address, calls, last in _read(rows):
        if address is None:
            odd += calls
            continue
        before = seen.get(str(address))
        seen[str(address)] = Caller(
            address=str(address),
            calls=calls + (before.calls if before else 0),
            last=max(last, before.last) if before else last,
            private=any(address in one for one in _PRIVATE),
        )
    return tuple(sorted(seen.values(), key=lambda one: (-one.calls, one.address))), odd


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _read(rows: list[list[Any]]) -> Iterator[tuple[_Address | None, int, datetime]]:
    for text, calls, last in rows:
        try:
            at = datetime.fromisoformat(last)
            yield _address(str(text)), int(calls), at if at.tzinfo else at.replace(tzinfo=UTC)
        except (ArithmeticError, TypeError, ValueError) as odd:
            raise Undecided("Log Analytics answered with what is not a table of callers") from odd


def _address(text: str) -> _Address | None:
    """An address as one writes it; None for what is none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped if mapped is not None else found


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")[:_LONGEST_REASON]
