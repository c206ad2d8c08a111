"""State in Azure Tables, queues in Azure Queues, and blobs for what an entity cannot hold.

A value is kept as JSON text: in properties of at most 32,000 characters, and beyond eight of them
in a blob. The blob is written before its entity and removed after the entity that follows it; a
stop in between, or writing over a row that this process never read, leaves a blob that no row
names. Messages are plain text, as the queue triggers are told in host.json.

Limits of the services: https://learn.microsoft.com/azure/storage/tables/scalability-targets and
https://learn.microsoft.com/azure/storage/queues/scalability-targets.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import TableClient, UpdateMode

from shared.errors import Exists, Moved, StoreUnavailable
from shared.store import LONGEST_DELAY, Message, Row, Value
from shared.store.azure_clients import Clients
from shared.store.azure_faults import BLOBS, QUEUES, TABLES
from shared.store.azure_keys import escaped, is_hashed, original, stored
from shared.store.tables import Table, listed

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, TokenCredential

_PART = 32_000
_PARTS = 8
_BATCH = 32
_NO_TABLE = "TableNotFound"
_GONE = {"MessageNotFound", "PopReceiptMismatch", "QueueNotFound"}

_Entity = dict[str, Any]
_Name = tuple[str, str, str]
_Send = Callable[[TableClient, _Entity], Mapping[str, Any]]


def _seconds(delta: timedelta) -> int:
    """Whole seconds, never fewer than asked.

    Raises:
        ValueError: longer than a queue can hide a message.
    """
    if delta > LONGEST_DELAY:
        raise ValueError(f"a message waits {LONGEST_DELAY.days} days at most, not {delta}")
    return max(0, math.ceil(delta.total_seconds()))


def _code(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code))


class AzureStore:
    """The `Store` seam over one storage account.

    `tables`, `queues` and `blobs` are the addresses of its services. Nothing is asked before the
    first operation; a table, a queue or the container that is missing is made when something is
    written to it, where we may. `prefix`, letters and digits, keeps several stores in one account
    apart; queue triggers know none. A fault is retried twice within seconds and then raises
    `StoreUnavailable`.
    """

    def __init__(
        self,
        credential: TokenCredential | AzureNamedKeyCredential,
        *,
        tables: str,
        queues: str,
        blobs: str,
        prefix: str = "",
    ) -> None:
        self._clients = Clients(credential, (tables, queues, blobs), prefix)
        self._closed = False
        # The blobs of rows that this process saw, so that a write can remove the one it replaces.
        self._blobs_seen: dict[_Name, str] = {}

    def close(self) -> None:
        self._closed = True
        self._clients.close()

    def _open(self) -> None:
        """Raises StoreUnavailable once it was closed."""
        if self._closed:
            raise StoreUnavailable("state in Azure: it was closed")

    def get(self, table: Table, partition: str, key: str) -> Row | None:
        self._open()
        return self._read(_name(table, partition, key))

    def insert(self, table: Table, partition: str, key: str, value: Value) -> str:
        etag = self._put(table, partition, key, value, _create)
        if etag is None:
            raise Exists(f"{table}: {partition} {key} is there already")
        return etag

    def replace(self, table: Table, partition: str, key: str, value: Value, etag: str) -> str:
        def update(client: TableClient, entity: _Entity) -> Mapping[str, Any]:
            return client.update_entity(
                entity, UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )

        new = self._put(table, partition, key, value, update)
        if new is None:
            raise Moved(f"{table}: {partition} {key} has moved on")
        return new

    def put(self, table: Table, partition: str, key: str, value: Value) -> str:
        etag = self._put(table, partition, key, value, _upsert)
        if etag is None:
            raise StoreUnavailable(f"state in Azure Tables: {table} could not be made")
        return etag

    def delete(self, table: Table, partition: str, key: str, etag: str | None = None) -> None:
        self._open()
        name = _name(table, partition, key)
        unmoved = MatchConditions.IfNotModified if etag else None
        old = self._blobs_seen.get(name)
        with self._clients.asking(TABLES), suppress(ResourceNotFoundError):
            try:
                self._clients.table(table).delete_entity(
                    name[1], name[2], etag=etag, match_condition=unmoved
                )
            except ResourceModifiedError as error:
                raise Moved(f"{table}: {partition} {key} has moved on") from error
        self._replaced(name, old, None)

    def scan(
        self,
        table: Table,
        partition: str | None = None,
        *,
        after: str | None = None,
        upto: str | None = None,
        beyond: str | None = None,
    ) -> Iterator[Row]:
        self._open()
        asked = [] if partition is None else [f"PartitionKey eq '{stored(partition)}'"]
        asked += [] if after is None else [f"RowKey gt '{escaped(after)}'"]
        asked += [] if beyond is None else [f"PartitionKey gt '{stored(beyond)}'"]
        asked += [] if upto is None else [f"RowKey le '{escaped(upto)}'"]
        entities = self._clients.table(listed(table)).query_entities(" and ".join(asked))
        while (entity := self._next(entities)) is not None:
            with self._clients.asking(TABLES):
                name = (table, entity["PartitionKey"], entity["RowKey"])
            row = self._unpacked(name, entity) or self._read(name)
            if row is not None:
                yield row

    def _next(self, entities: Iterator[Any]) -> Any:
        """The next entity; None at the end, and where there is no such table yet."""
        with self._clients.asking(TABLES), suppress(ResourceNotFoundError):
            return next(entities, None)
        return None

    def _read(self, name: _Name) -> Row | None:
        # A blob may be replaced between reading its row and reading it: the row says by which.
        for _ in range(5):
            with self._clients.asking(TABLES):
                try:
                    entity = self._clients.table(name[0]).get_entity(*name[1:])
                except ResourceNotFoundError:
                    return None
            if (row := self._unpacked(name, entity)) is not None:
                return row
        raise StoreUnavailable(f"state in Azure Blobs: the value of a row of {name[0]} is missing")

    def _unpacked(self, name: _Name, entity: Any) -> Row | None:
        """The row of an entity; None where its blob is gone."""
        blob = entity.get("Blob")
        text = self._downloaded(blob) if blob else _joined(entity)
        if text is None:
            return None
        with self._clients.asking(TABLES):
            row = _row(name, entity, text)
        if blob:
            self._blobs_seen[name] = blob
        return row

    def _put(self, table: Table, partition: str, key: str, value: Value, send: _Send) -> str | None:
        self._open()
        return self._write(_name(table, partition, key), partition, key, value, send)

    def _write(
        self, name: _Name, partition: str, key: str, value: Value, send: _Send
    ) -> str | None:
        """Write a row by `send`; its etag, None where another version stands in the way."""
        hashed = is_hashed(name[1]) or is_hashed(name[2])
        text = json.dumps([value, partition, key] if hashed else value)
        entity: _Entity = {
            "PartitionKey": name[1],
            "RowKey": name[2],
            "Write": uuid.uuid4().hex,
        }
        if len(text) > _PART * _PARTS:
            entity["Blob"] = self._uploaded(name, entity["Write"], text)
        else:
            starts = range(0, len(text), _PART)
            entity |= {f"Text{i}": text[at : at + _PART] for i, at in enumerate(starts)}
        # Seen before the write, so what the write leaves behind; seen after it, it may be newer.
        old = self._blobs_seen.get(name)
        with self._clients.asking(TABLES):
            etag = self._sent(name, entity, send)
        if etag is not None:
            self._replaced(name, old, entity.get("Blob"))
        elif "Blob" in entity:
            self._remove(entity["Blob"])
        return etag

    def _sent(self, name: _Name, entity: _Entity, send: _Send) -> str | None:
        client = self._clients.table(name[0])
        try:
            try:
                return _etag(send(client, entity))
            except ResourceNotFoundError as error:
                if send not in (_create, _upsert):
                    return None
                # A deployment made the tables, and gives the gate no right to make one.
                if not _without_table(error):
                    raise
                with suppress(ResourceExistsError):
                    client.create_table()
                return _etag(send(client, entity))
        except (ResourceExistsError, ResourceModifiedError):
            return self._ours(client, entity)

    def _ours(self, client: TableClient, entity: _Entity) -> str | None:
        """The etag where it was this very write that got there first.

        The answer to a write may be lost, and the write repeated by the client.
        """
        with suppress(ResourceNotFoundError):
            found = client.get_entity(entity["PartitionKey"], entity["RowKey"])
            if found.get("Write") == entity["Write"]:
                return _etag(found.metadata)
        return None

    def _uploaded(self, name: _Name, write: str, text: str) -> str:
        folder = hashlib.sha256("/".join(name).encode()).hexdigest()
        blob = f"{name[0]}/{folder}/{write}"
        container = self._clients.container()
        with self._clients.asking(BLOBS):
            try:
                container.upload_blob(blob, text.encode(), overwrite=True)
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):
                    container.create_container()
                container.upload_blob(blob, text.encode(), overwrite=True)
        return blob

    def _downloaded(self, blob: str) -> str | None:
        with self._clients.asking(BLOBS), suppress(ResourceNotFoundError):
            return self._clients.container().download_blob(blob).readall().decode()
        return None

    def _replaced(self, name: _Name, old: str | None, new: str | None) -> None:
        """Remove the blob that was seen before a write, and remember the one it brought."""
        if self._blobs_seen.get(name) == old:
            self._blobs_seen.pop(name, None)
        if new is not None:
            self._blobs_seen[name] = new
        if old is not None:
            self._remove(old)

    def _remove(self, blob: str) -> None:
        # The row is written by now: a blob too many is no reason to say that it is not.
        with suppress(AzureError):
            self._clients.container().delete_blob(blob)

    def send(self, queue: str, text: str, delay: timedelta = timedelta(0)) -> None:
        self._open()
        seconds, client = _seconds(delay), self._clients.queue(queue)
        with self._clients.asking(QUEUES):
            try:
                client.send_message(text, visibility_timeout=seconds, time_to_live=-1)
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):
                    client.create_queue()
                client.send_message(text, visibility_timeout=seconds, time_to_live=-1)

    def receive(self, queue: str, count: int, hidden: timedelta) -> list[Message]:
        """As the seam says; a call brings 32 messages at most."""
        self._open()
        with self._clients.asking(QUEUES), suppress(ResourceNotFoundError):
            page = (
                self._clients.queue(queue)
                .receive_messages(
                    messages_per_page=min(count, _BATCH),
                    visibility_timeout=max(1, _seconds(hidden)),
                )
                .by_page()
            )
            return [
                Message(queue, m.id, str(m.pop_receipt), m.content, m.dequeue_count or 0)
                for m in next(page, ())
            ]
        return []

    def done(self, message: Message) -> None:
        self._open()
        client = self._clients.queue(message.queue)
        with self._clients.asking(QUEUES), _unless_gone():
            client.delete_message(message.id, message.receipt)

    def release(self, message: Message, delay: timedelta = timedelta(0)) -> None:
        self._open()
        seconds, client = _seconds(delay), self._clients.queue(message.queue)
        with self._clients.asking(QUEUES), _unless_gone():
            client.update_message(message.id, message.receipt, visibility_timeout=seconds)

    def waiting(self, queue: str) -> int:
        self._open()
        with self._clients.asking(QUEUES), suppress(ResourceNotFoundError):
            return int(
                self._clients.queue(queue).get_queue_properties().approximate_message_count or 0
            )
        return 0


def _name(table: str, partition: str, key: str) -> _Name:
    return listed(table), stored(partition), stored(key)


def _create(client: TableClient, entity: _Entity) -> Mapping[str, Any]:
    return client.create_entity(entity)


def _upsert(client: TableClient, entity: _Entity) -> Mapping[str, Any]:
    return client.upsert_entity(entity, UpdateMode.REPLACE)


def _row(name: _Name, entity: Any, text: str) -> Row:
    """The row that an entity of this name holds.

    Raises:
        ValueError, LookupError: it holds none, or another.
    """
    if (entity["PartitionKey"], entity["RowKey"]) != name[1:]:
        raise ValueError("another row than the one asked for")
    body = json.loads(text)
    value, partition, key = (
        body if isinstance(body, list) else (body, original(name[1]), original(name[2]))
    )
    if not isinstance(value, dict):
        raise ValueError("a row that holds no object")  # noqa: TRY004  as everything unreadable
    return Row(partition, key, value, _etag(entity.metadata))


def _etag(metadata: Mapping[str, Any]) -> str:
    """What names the version.

    Raises:
        ValueError, LookupError: nothing does.
    """
    if not isinstance(metadata["etag"], str):
        raise ValueError("a row without an etag")  # noqa: TRY004  as everything unreadable
    return metadata["etag"]


def _joined(entity: Mapping[str, Any]) -> str:
    parts = (entity.get(f"Text{i}") for i in range(_PARTS))
    return "".join(part for part in parts if part is not None)


def _without_table(error: ResourceNotFoundError) -> bool:
    """Whether Azure says that there is no such table.

    The package leaves the code in the answer where an entity was to be created.
    """
    return error.response is not None and _NO_TABLE in error.response.text()


@contextmanager
def _unless_gone() -> Iterator[None]:
    """A receipt that is no longer good is no fault."""
    try:
        yield
    except HttpResponseError as error:
        if _code(error) not in _GONE:
            raise
