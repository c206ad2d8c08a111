"""Reading and writing one resource: what every provider behind ARM does alike.

The differences between types are rows of `simulator.types`; the rules that need code are in the
modules named after the services.
"""

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from simulator import types
from simulator.address import GROUP, ROOT, SUBSCRIPTION, Address, parse
from simulator.call import Call
from simulator.compute import answer_disk
from simulator.documents import Document, clone, dig, drop, put
from simulator.drafts import (
    complete_embedded,
    describe_embedded,
    give_identity,
    parse_body,
    patched,
    replacement,
    stamp,
)
from simulator.gates import Gates
from simulator.operations import Operation, Operations
from simulator.refusals import group_not_found, precondition_failed, subscription_not_found
from simulator.state import State
from simulator.types import Long, ResourceType
from simulator.wire import Refusal, Response, answer, encode, unknown
from simulator.writes import Write


class Report(Protocol):
    """Told how a write ended, when its effect is there or has failed."""

    def __call__(self, call: Call, *, created: bool, succeeded: bool, at: datetime) -> None: ...


SUCCEEDED = "Succeeded"
_PLAIN = ResourceType("", patch=None)


class Resources:
    """The providers' side of every request on a single id."""

    def __init__(self, state: State, operations: Operations, gates: Gates, report: Report) -> None:
        """`report` is told of writes when their effect is there, or has failed."""
        self._state = state
        self._operations = operations
        self._gates = gates
        self._report = report

    def get(self, call: Call) -> Response:
        """Answer a GET of one resource."""
        entry = self._state.entries.get(call.address.key)
        if entry is not None:
            row = types.row_of(entry.address.type)
            headers = {"Content-Type": "application/json; charset=utf-8"}
            if row is not None and row.etag:
                headers["ETag"] = str(entry.document.get("etag", ""))
            return Response(200, headers, entry.encoded)
        document = self._state.at(call.address)
        if document is None:
            raise self._missing(call.address, "read")
        headers = {"ETag": document["etag"]} if "etag" in document else {}
        return answer(200, document, headers)

    def head(self, call: Call) -> Response:
        """Answer a HEAD: 204 for what is there, 404 with an empty body for what is not."""
        return answer(204 if self._state.exists(call.address.key) else 404)

    def put(self, call: Call) -> Response:
        """Create or replace."""
        row = types.row_of(call.address.type) or _PLAIN
        body = parse_body(call)
        self._gates.check_references(call, body)
        self._check_parents(call.address, "write")
        self._gates.admit(call)
        before = self._state.at(call.address)
        self._check_preconditions(call, row, before)
        after = replacement(call, self._state, row, body, before)
        long = row.create if before is None else row.update
        return self._write(call, row, Write(
            self._state, call.address, call.method, body, before, after, call.now,
            call.target.api_version,
        ), long)  # fmt: skip

    def patch(self, call: Call) -> Response:
        """Change parts, as far as the type's provider has PATCH at all."""
        row = types.row_of(call.address.type)
        body = parse_body(call)
        self._gates.check_references(call, body)
        self._check_parents(call.address, "write")
        before = self._state.at(call.address)
        if before is None:
            raise self._missing(call.address, "write")
        if row is None:
            raise unknown(f"how {call.address.type} answers PATCH; add a row to simulator.types")
        if row.patch is None:
            raise Refusal(
                405,
                "MethodNotAllowed",
                f"The requested resource does not support http method '{call.method}'.",
            )
        self._gates.admit(call)
        self._check_preconditions(call, row, before)
        after = patched(row, body, before)
        give_identity(self._state, after, before)
        return self._write(call, row, Write(
            self._state, call.address, call.method, body, before, after, call.now,
            call.target.api_version,
        ), row.patched)  # fmt: skip

    def delete(self, call: Call) -> Response:
        """Remove, with everything below."""
        row = types.row_of(call.address.type) or _PLAIN
        self._check_parents(call.address, "delete")
        before = self._state.at(call.address)
        if before is None:
            if row.gone == 404:
                raise self._missing(call.address, "delete")
            return answer(row.gone)
        self._gates.admit(call)
        self._check_preconditions(call, row, before)
        write = Write(self._state, call.address, "DELETE", {}, before, clone(before), call.now)
        if row.removal is not None:
            row.removal(write)
        if row.delete is None or call.target.api_version < row.asynchronous_since:
            self._remove(call, call.now)
            return answer(row.delete_status, before if row.delete_returns_body else None)
        return self._delete_slowly(call, row, row.delete, before)

    def post(self, call: Call) -> Response:
        """Run an action that the type's row names."""
        row = types.row_of(call.address.type)
        self._check_parents(call.address, "action")
        document = self._state.at(call.address)
        if document is None:
            raise self._missing(call.address, "action")
        actions = {name.lower(): action for name, action in row.actions.items()} if row else {}
        action = actions.get(call.address.rest.lower())
        if action is None:
            raise unknown(f"the action {call.address.rest!r} of {call.address.type}")
        self._gates.admit(call)
        self._check_busy(call, row or _PLAIN)
        body = parse_body(call) if call.request.body else {}
        if action.long is None:
            self._act(call, action, body)
            self._report(call, created=False, succeeded=True, at=call.now)
            result = action.result(document, body) if action.result else None
            return answer(action.status, result)

        def land(operation: Operation) -> None:
            if operation.failure is None:
                self._act(call, action, body)
            self._report(
                call, created=False, succeeded=operation.failure is None, at=ended(operation)
            )

        operation = self._operations.begin(call, action.long, self._location(call.address), land)
        if action.result is not None:
            outcome = action.result
            operation.result = lambda: outcome(self._state.at(call.address) or {}, body)
        return answer(action.long.status, None, self._operations.headers(operation))

    def _act(self, call: Call, action: types.Action, body: Document) -> None:
        current = self._state.at(call.address)
        if action.effect is None or current is None:
            return
        changed = clone(current)
        action.effect(changed, body)
        self._state.save(call.address, changed)

    # What a write goes through

    def _write(self, call: Call, row: ResourceType, write: Write, long: Long | None) -> Response:
        self._gates.check_policy(call, write.after)
        tags_only = call.method == "PATCH" and row.patch == "tags"
        if not tags_only:
            complete_embedded(write.after, row)
            for rule in row.rules:
                rule(write)
        describe_embedded(write.after, row, write.api_version)
        if long is None or call.target.api_version < row.asynchronous_since:
            _finish(row, write)
            self._store(call.address, row, write.after, SUCCEEDED)
            self._report(call, created=write.creates, succeeded=True, at=call.now)
            return self._answer(call, 200 if write.before else row.created_status)
        return self._write_slowly(call, row, write, long)

    def _write_slowly(self, call: Call, row: ResourceType, write: Write, long: Long) -> Response:
        if long.lands == "start":
            self._store(call.address, row, write.after, long.state)
        elif write.before is not None:
            self._store(call.address, row, clone(write.before), long.state)

        def land(operation: Operation) -> None:
            self._land(call, row, write, long, operation)

        operation = self._operations.begin(
            call, long, self._location(call.address, write.after), land
        )
        operation.result = lambda: self._state.at(call.address)
        headers = self._operations.headers(operation)
        if long.body in {"none", "operation", "status"}:
            return answer(long.status, _receipt(call, long, "Upsert"), headers)
        if long.body == "echo":
            echo = answer_disk(write) if write.creates else _with_state(write.after, long.state)
            return answer(long.status, echo, headers)
        response = self._answer(call, long.status)
        response.headers.update(headers)
        return response

    def _land(
        self, call: Call, row: ResourceType, write: Write, long: Long, operation: Operation
    ) -> None:
        failed = operation.failure is not None
        current = self._state.at(call.address)
        parent = call.address.parent
        orphan = parent != ROOT and not self._state.exists(parent.lower())
        if orphan or (current is None and (write.before is not None or long.lands == "start")):
            # Deleted meanwhile, with its group: there is nothing to land on.
            return
        after = clone(write.after)
        for path in row.read_only if current else ():
            _copy(current or {}, after, path)
        if not failed:
            _finish(row, replace(write, after=after))
            self._store(call.address, row, after, SUCCEEDED)
        elif long.lands == "start":
            self._store(call.address, row, after, "Failed")
        elif current is not None:
            self._store(call.address, row, clone(current), SUCCEEDED)
        self._report(call, created=write.creates, succeeded=not failed, at=ended(operation))

    def _delete_slowly(
        self, call: Call, row: ResourceType, long: Long, before: Document
    ) -> Response:
        self._store(call.address, row, clone(before), "Deleting")

        def land(operation: Operation) -> None:
            if operation.failure is None:
                self._remove(call, ended(operation))
                return
            self._store(call.address, row, clone(before), SUCCEEDED)
            self._report(call, created=False, succeeded=False, at=ended(operation))

        operation = self._operations.begin(call, long, self._location(call.address, before), land)
        receipt = _receipt(call, long, "Drop")
        return answer(long.status, receipt, self._operations.headers(operation))

    def _remove(self, call: Call, at: datetime) -> None:
        inside = [entry.address for entry in self._state.below(call.address.key)]
        self._state.delete(call.address)
        if call.address.type == GROUP:
            # The group's deletion deletes each resource, and each says so.
            for address in inside:
                inner = replace(call, address=address)
                self._report(inner, created=False, succeeded=True, at=at)
        place = types.embedding(call.address.type)
        if place is not None:
            self._restamp(parse(call.address.parent), place[0])
        self._report(call, created=False, succeeded=True, at=at)

    def _store(self, address: Address, row: ResourceType, document: Document, state: str) -> None:
        """Stamp and save; a child that lives in its parent stamps the parent."""
        place = types.embedding(address.type)
        if row.provisioning_state and place is None:
            put(document, "properties.provisioningState", state)
        if place is not None:
            put(document, "properties.provisioningState", state)
            self._state.save(address, document)
            self._restamp(parse(address.parent), place[0])
            return
        stamp(self._state, row, document, state)
        self._state.save(address, document)

    def _restamp(self, address: Address, row: ResourceType) -> None:
        """A child's write moves the etag of its parent."""
        parent = self._state.find(address.key)
        if parent is not None:
            document = clone(parent)
            stamp(self._state, row, document, "")
            self._state.save(address, document)

    def _answer(self, call: Call, status: int) -> Response:
        entry = self._state.entries.get(call.address.key)
        body = entry.encoded if entry else encode(self._state.at(call.address))
        return Response(status, {"Content-Type": "application/json; charset=utf-8"}, body)

    def _location(self, address: Address, document: Document | None = None) -> str:
        """Where an operation runs: children have no location of their own, but their parent's."""
        found = document or self._state.at(address) or {}
        if found.get("location") or address.parent in {"", ROOT}:
            return str(found.get("location") or "")
        return self._location(parse(address.parent))

    # What is checked first

    def _check_parents(self, address: Address, verb: str) -> None:
        if address.group and address.type != GROUP:
            group = address.group_id.lower()
            if group not in self._state.entries:
                raise group_not_found(address.group)
        parent = address.parent
        if parent in {"", ROOT} or address.type in {GROUP, SUBSCRIPTION}:
            return
        if self._state.exists(parent.lower()):
            return
        kind = address.type.split("/", 1)[1]
        raise Refusal(
            404,
            "ParentResourceNotFound",
            f"Failed to perform '{verb}' on resource(s) of type '{kind}', because the parent "
            f"resource '{parent}' could not be found.",
        )

    def _check_preconditions(self, call: Call, row: ResourceType, before: Document | None) -> None:
        self._check_busy(call, row)
        place = types.embedding(call.address.type)
        if not (row.etag or place):
            return
        wanted = call.request.headers.get("if-match")
        unwanted = call.request.headers.get("if-none-match")
        present = str((before or {}).get("etag", ""))
        if wanted is not None and (before is None or wanted not in {"*", present}):
            raise precondition_failed(call.address, wanted, present)
        if unwanted == "*" and before is not None:
            raise precondition_failed(call.address, unwanted, present)

    def _check_busy(self, call: Call, row: ResourceType) -> None:
        address = call.address
        operation = self._operations.underway(address.key)
        place = types.embedding(address.type)
        if place is not None and operation is None:
            operation = self._operations.underway(address.parent.lower())
            row = place[0]
        if operation is None and row.embedded:
            operation = self._operations.underway_below(address.key)
        if operation is None:
            return
        busy = row.busy or types.Busy(
            409, "AnotherOperationInProgress", "Another operation is in progress on the resource."
        )
        link = self._operations.headers(operation).get("Azure-AsyncOperation", "")
        headers = {} if busy.retry_after is None else {"Retry-After": str(busy.retry_after)}
        raise Refusal(busy.status, busy.code, busy.message.format(uri=link), headers=headers)

    def _missing(self, address: Address, verb: str) -> Refusal:
        if address.type == SUBSCRIPTION:
            return subscription_not_found(address.subscription)
        if address.type == GROUP:
            return group_not_found(address.group)
        try:
            self._check_parents(address, verb)
        except Refusal as refusal:
            return refusal
        kind = f"{address.type}/{address.name}"
        row = types.row_of(address.type) or _PLAIN
        return Refusal(
            404,
            row.missing,
            f"The Resource '{kind}' under resource group '{address.group}' was not found. For "
            "more details please go to https://aka.ms/ARMResourceNotFoundFix",
        )


def ended(operation: Operation) -> datetime:
    """When an operation ended; its due time while it runs."""
    return operation.ended or operation.due


def _copy(source: Document, target: Document, path: str) -> None:
    """Make `target` have at `path` what `source` has, also where that is nothing."""
    value = dig(source, path)
    if value is None:
        drop(target, path)
    else:
        put(target, path, clone(value))


def _finish(row: ResourceType, write: Write) -> None:
    """What a provider completes when a write has its effect; tags alone complete nothing."""
    for rule in () if write.method == "PATCH" and row.patch == "tags" else row.landed:
        rule(write)


def _receipt(call: Call, long: Long, verb: str) -> Document | None:
    """What an accepted operation answers in place of the document."""
    if long.body == "status":
        return {"status": long.words[0]}
    if long.body == "none":
        return None
    noun = call.address.type.rsplit("/", 1)[-1]
    return {"operation": f"{verb}{noun}", "startTime": call.now.isoformat()}


def _with_state(document: Document, state: str) -> Document:
    echoed: Document = clone(document)
    put(echoed, "properties.provisioningState", state)
    return echoed
