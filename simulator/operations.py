"""Long-running operations: begun by a write, ended by the clock, followed by polling."""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from simulator.address import Address
from simulator.call import Call
from simulator.state import State
from simulator.types import Long
from simulator.wire import Refusal, Response, answer

_RDBMS = (
    "{sub}/providers/{ns}/locations/{loc}/azureAsyncOperation/{id}",
    "{sub}/providers/{ns}/locations/{loc}/operationResults/{id}",
)
_POLLS = {
    "microsoft.documentdb": (
        "{sub}/providers/{ns}/locations/{loc}/operationsStatus/{id}",
        "{sub}/providers/{ns}/locations/{loc}/operationResults/{id}",
    ),
    "microsoft.sql": (
        "{group}/providers/{ns}/locations/{loc}/{noun}AzureAsyncOperation/{id}",
        "{group}/providers/{ns}/locations/{loc}/{noun}OperationResults/{id}",
    ),
    "microsoft.storage": (
        "{sub}/providers/{ns}/locations/{loc}/asyncoperations/{id}",
        "{sub}/providers/{ns}/locations/{loc}/asyncoperations/{id}",
    ),
    "microsoft.elasticsan": (
        "{sub}/providers/{ns}/locations/{loc}/asyncoperations/{id}",
        "{sub}/providers/{ns}/locations/{loc}/asyncoperations/{id}",
    ),
    "microsoft.cache/redisenterprise": (
        "{sub}/providers/{ns}/locations/{loc}/operationsStatus/{id}",
        "{sub}/providers/{ns}/locations/{loc}/operationResults/{id}",
    ),
    "microsoft.eventgrid": (
        "{sub}/providers/{ns}/locations/{loc}/operationsStatus/{id}",
        "{sub}/providers/{ns}/locations/{loc}/operationResults/{id}",
    ),
    "microsoft.appconfiguration": (
        "{sub}/providers/{ns}/locations/{loc}/operationsStatus/{id}",
        "{sub}/providers/{ns}/locations/{loc}/operationResults/{id}",
    ),
    "microsoft.databricks": (
        "{group}/providers/{ns}/locations/{loc}/operationStatuses/{id}",
        "{group}/providers/{ns}/locations/{loc}/operationResults/{id}",
    ),
    "microsoft.keyvault/managedhsms": (
        "{sub}/providers/{ns}/locations/{loc}/managedHsmOperationResults/{id}",
        "{sub}/providers/{ns}/locations/{loc}/managedHsmOperationResults/{id}",
    ),
    "microsoft.recoveryservices": (
        "{top}/operationStatus/{id}",
        "{top}/operationResults/{id}",
    ),
    "microsoft.resources": ("{sub}/operations/{id}", "{sub}/operationresults/{id}"),
    "microsoft.app": (
        "{sub}/providers/{ns}/locations/{loc}/containerappOperationStatuses/{id}",
        "{sub}/providers/{ns}/locations/{loc}/containerappOperationResults/{id}",
    ),
    "microsoft.netapp": (
        "{sub}/providers/{ns}/locations/{loc}/operationresults/{id}",
        "{sub}/providers/{ns}/locations/{loc}/operationresults/{id}",
    ),
    "microsoft.dbformariadb": _RDBMS,
    "microsoft.dbformysql": _RDBMS,
    "microsoft.dbforpostgresql": _RDBMS,
    "microsoft.documentdb/mongoclusters": (
        "{sub}/providers/{ns}/locations/{loc}/mongoClusterAzureAsyncOperation/{id}",
        "{sub}/providers/{ns}/locations/{loc}/mongoClusterOperationResults/{id}",
    ),
    "microsoft.synapse": (
        "{top}/operationStatuses/{id}",
        "{top}/operationResults/{id}",
    ),
}
_NOUNS = {"servers": "server", "databases": "database", "managedInstances": "managedInstance"}
_USUAL = (
    "{sub}/providers/{ns}/locations/{loc}/operations/{id}",
    "{sub}/providers/{ns}/locations/{loc}/operationResults/{id}",
)


@dataclass
class Operation:
    """One operation. `status` is empty while it runs, then `Succeeded` or `Failed`."""

    id: str
    call: Call
    long: Long
    due: datetime
    location: str
    land: Callable[["Operation"], None]
    number: int
    failure: tuple[str, str] | None = None
    status: str = ""
    polls: int = 0
    result: Callable[[], Any] | None = None
    ended: datetime | None = None


class Operations:
    """Operations under way and ended, by id and by the resource they work on.

    `checks` are asked when one is about to end; a code and a message make it end as Failed.
    """

    def __init__(self, state: State) -> None:
        """Begin with none; what they do to `state` follows from the requests that began them."""
        self._state = state
        self.by_id: dict[str, Operation] = {}
        self.seconds: float | None = None
        self.checks: list[Callable[[Operation], tuple[str, str] | None]] = []
        self._due: list[tuple[datetime, int, Operation]] = []
        self._busy: dict[str, Operation] = {}
        self._fail: list[tuple[str, str, str]] = []

    def fail_next(self, pattern: str, code: str, message: str) -> None:
        """Make the next operation whose type or id matches the glob end as Failed."""
        self._fail.append((pattern.lower(), code, message))

    def begin(
        self, call: Call, long: Long, location: str, land: Callable[[Operation], None]
    ) -> Operation:
        """Start an operation; `land` runs when it ends, and reads whether it failed."""
        if self.seconds is not None:
            again = max(1, math.ceil(self.seconds))
            long = replace(long, seconds=self.seconds, retry_after=again)
        due = call.now + timedelta(seconds=long.seconds)
        operation = Operation(call.request_id, call, long, due, location, land, len(self.by_id))
        operation.failure = self._failure_for(call.address)
        self.by_id[operation.id] = operation
        self._busy[call.address.key] = operation
        heapq.heappush(self._due, (due, operation.number, operation))
        return operation

    def underway(self, key: str) -> Operation | None:
        """The operation that keeps this resource busy, if any."""
        return self._busy.get(key)

    def underway_below(self, key: str) -> Operation | None:
        """An operation on something inside a resource, if any."""
        prefix = key + "/"
        return next((one for busy, one in self._busy.items() if busy.startswith(prefix)), None)

    def run_due(self, now: datetime) -> None:
        """End, in order, every operation whose time has come."""
        while self._due and self._due[0][0] <= now:
            due, _, operation = heapq.heappop(self._due)
            self._end(operation, due)

    def settle(self, now: datetime, key: str | None = None) -> None:
        """End every operation now, or only the one on a resource."""
        running = sorted(self._busy.values(), key=lambda one: (one.due, one.number))
        for operation in running if key is None else [self._busy.get(key)]:
            if operation is not None:
                self._end(operation, now)

    def headers(self, operation: Operation) -> dict[str, str]:
        """What the first answer of a long-running operation carries."""
        long = operation.long
        fields: dict[str, str] = {}
        if long.style in {"azure-asyncoperation", "both"}:
            fields["Azure-AsyncOperation"] = _url(operation, 0)
        if long.style in {"location", "both"}:
            fields["Location"] = _url(operation, 1)
        if long.retry_after is not None:
            fields["Retry-After"] = str(long.retry_after)
        return fields

    def poll(self, operation: Operation, path: str, *, monitor: bool) -> Response:
        """Answer a poll, of either kind: which one, the path or `monitor=true` tells."""
        operation.polls += 1
        kind = path.rsplit("/", 2)[-2].lower()
        if monitor or kind.endswith("operationresults"):
            return self._result(operation)
        return self._status(operation)

    def _end(self, operation: Operation, at: datetime) -> None:
        if operation.status:
            return
        for check in self.checks:
            operation.failure = operation.failure or check(operation)
        operation.status = "Failed" if operation.failure else "Succeeded"
        operation.ended = at
        key = operation.call.address.key
        if self._busy.get(key) is operation:
            del self._busy[key]
        with self._state.acting(operation.call, at):
            operation.land(operation)

    def _failure_for(self, address: Address) -> tuple[str, str] | None:
        for position, (pattern, code, message) in enumerate(self._fail):
            if fnmatchcase(address.key, pattern) or fnmatchcase(address.type_key, pattern):
                del self._fail[position]
                return code, message
        return None

    def _status(self, operation: Operation) -> Response:
        body: dict[str, Any] = {"status": operation.status or _word(operation)}
        if operation.call.address.namespace.lower() in {"microsoft.sql", "microsoft.compute"}:
            body["name"] = operation.id
            body["startTime"] = _stamp(operation.call.now)
            if operation.ended:
                body["endTime"] = _stamp(operation.ended)
        if operation.failure and operation.status:
            body["error"] = {"code": operation.failure[0], "message": operation.failure[1]}
        fields = {} if operation.status else _retry(operation)
        return answer(200, body, fields)

    def _result(self, operation: Operation) -> Response:
        if not operation.status:
            return answer(202, None, {"Location": _url(operation, 1), **_retry(operation)})
        namespace = operation.call.address.namespace
        if operation.failure:
            raise Refusal(409, *operation.failure)
        if namespace.lower() == "microsoft.documentdb" and operation.call.method == "DELETE":
            raise Refusal(
                404,
                "InvalidResourceType",
                f"Resource type 'operationResults' of provider namespace '{namespace}' was not "
                f"found in global location for api version '{operation.call.target.api_version}'.",
            )
        document = operation.result() if operation.result else None
        return answer(204 if document is None else 200, document)


def _word(operation: Operation) -> str:
    words = operation.long.words
    return words[min(operation.polls, len(words)) - 1]


def _retry(operation: Operation) -> dict[str, str]:
    retry = operation.long.retry_after
    return {} if retry is None else {"Retry-After": str(retry)}


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _url(operation: Operation, kind: int) -> str:
    address = operation.call.address
    namespace = address.namespace
    top = "/".join(address.type.split("/")[:2])
    known = _POLLS.get(top.lower()) or _POLLS.get(namespace.lower(), _USUAL)
    template = known[kind]
    noun = address.type.rsplit("/", 1)[-1]
    path = template.format(
        sub=address.subscription_id,
        group=address.group_id,
        top=f"{address.group_id}/providers/{top}/{address.names[0] if address.names else ''}",
        ns=namespace,
        loc=operation.location.replace(" ", "").lower() or "global",
        noun=_NOUNS.get(noun, noun),
        id=operation.id,
    )
    monitor = "monitor=true&" if kind and "monitor" not in path and _monitored(namespace) else ""
    target = operation.call.target
    return f"{target.base}{path}?{monitor}api-version={target.api_version}"


def _monitored(namespace: str) -> bool:
    return namespace.lower() in {"microsoft.storage", "microsoft.elasticsan", "microsoft.compute"}
