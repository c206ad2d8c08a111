"""State in Azure when what answers is broken, full, slow, or not Azure Storage at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import AzureNamedKeyCredential

from shared.errors import StoreUnavailable
from shared.store import azure_clients
from shared.store.azure import AzureStore
from tests.azurite import ACCOUNT, KEY, Azurite
from tests.standin import HTML, Said, StandIn, stand_in

JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "application/xml"}
NONSENSE = {
    "a page": Said(200, HTML, {"Content-Type": "text/html"}),
    "a page that says 404": Said(404, HTML, {"Content-Type": "text/html"}),
    "a page that says 500": Said(500, HTML, {"Content-Type": "text/html"}),
    "nothing": Said(200),
    "nothing at all": Said(204),
    "nothing that says 404": Said(404),
    "an object": Said(200, "{}", JSON),
    "an error that says 200": Said(200, '{"error": {"code": "X"}}', JSON),
    "XML of another": Said(200, '<?xml version="1.0"?><a/>', XML),
    "another address": Said(302, "", {"Location": "http://127.0.0.1:1/x"}),
}
BROKEN = {
    "truncated JSON": Said(200, '{"PartitionKey": "p', JSON),
    "a list": Said(200, "[1, 2]", JSON),
    "an empty object": Said(200, "{}", JSON),
    "a number": Said(200, "7", JSON),
    "less than promised": Said(200, '{"a":', JSON, length=500),
    "without end": Said(200, "[" * 100_000, JSON),
}
LARGE = {"text": "x" * 300_000}
Operation = Callable[[AzureStore], Any]
TABLES: dict[str, Operation] = {
    "get": lambda store: store.get("log", "p", "k"),
    "insert": lambda store: store.insert("log", "p", "new", {}),
    "replace": lambda store: store.replace("log", "p", "k", {"n": 2}, "etag"),
    "put": lambda store: store.put("log", "p", "k", {}),
    "delete": lambda store: store.delete("log", "p", "k"),
    "scan": lambda store: list(store.scan("log")),
}
QUEUES: dict[str, Operation] = {
    "send": lambda store: store.send("odd", "text"),
    "receive": lambda store: store.receive("odd", 4, timedelta(seconds=1)),
    "waiting": lambda store: store.waiting("odd"),
}
BLOBS: dict[str, Operation] = {
    "get large": lambda store: store.get("log", "p", "large"),
    "put large": lambda store: store.put("log", "p", "larger", LARGE),
}
SERVICES = {
    **dict.fromkeys(TABLES, "table"),
    **dict.fromkeys(QUEUES, "queue"),
    **dict.fromkeys(BLOBS, "blob"),
}
OPERATIONS = TABLES | QUEUES | BLOBS


@pytest.fixture
def doors(azurite: Azurite) -> Iterator[dict[str, StandIn]]:
    """Something in front of each service of Azurite."""
    with ExitStack() as left:
        yield {n: left.enter_context(stand_in(at)) for n, at in azurite.addresses.items()}


@pytest.fixture
def store(doors: dict[str, StandIn], monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureStore]:
    """A store that has worked, with a row and a large one; it does not try again."""
    monkeypatch.setattr(azure_clients, "RETRIES", 0)
    monkeypatch.setattr(azure_clients, "ANSWERS_WITHIN", 2)
    at = {name: f"{door.url}/{ACCOUNT}" for name, door in doors.items()}
    made = AzureStore(
        AzureNamedKeyCredential(ACCOUNT, KEY),
        tables=at["table"],
        queues=at["queue"],
        blobs=at["blob"],
        prefix="nonsense",
    )
    made.put("log", "p", "k", {"n": 1})
    made.put("log", "p", "large", LARGE)
    made.put("log", "p", "larger", {})
    made.send("odd", "text")
    yield made
    made.close()


def unavailable(door: StandIn, said: Said, ask: Callable[[], Any]) -> str:
    """What is said where a service answers so; it is one line that names the service."""
    door.says = lambda _method, _path: said
    with pytest.raises(StoreUnavailable) as caught:
        ask()
    line = str(caught.value)
    assert f" at {urlsplit(door.url).netloc}: " in line
    assert "\n" not in line
    assert KEY not in line
    return line


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_not_azure_storage_is_no_state(
    store: AzureStore, doors: dict[str, StandIn], operation: str
) -> None:
    """Whatever its status, a page of something in between is neither a row nor a missing one."""
    service = SERVICES[operation]
    for said in NONSENSE.values():
        line = unavailable(doors[service], said, lambda: OPERATIONS[operation](store))
        assert line.startswith(f"state in Azure {service.capitalize()}s at ")
        assert "not Azure Storage" in line


@pytest.mark.parametrize("operation", ["get", "scan", "receive"])
def test_a_broken_answer_is_no_state(
    store: AzureStore, doors: dict[str, StandIn], operation: str
) -> None:
    """What Azure signed and something broke on the way is not taken for an empty state."""
    for said in BROKEN.values():
        signed = replace(said, headers={**said.headers, "x-ms-request-id": "1"})
        unavailable(doors[SERVICES[operation]], signed, lambda: OPERATIONS[operation](store))


def test_another_row_is_not_the_row(store: AzureStore, doors: dict[str, StandIn]) -> None:
    """An answer about another key, without a version, or with no object in it is not used."""
    whole = '"PartitionKey": "p", "RowKey": "k", "odata.etag": "1", "Text0": '
    signed = {**JSON, "x-ms-request-id": "1"}
    for body in (
        "{" + whole.replace('"k"', '"other"') + '"{}"}',
        "{" + whole.replace('"odata.etag": "1", ', "") + '"{}"}',
        "{" + whole + '"7"}',
        "{" + whole + '"{"}',
    ):
        said = Said(200, body, signed)
        unavailable(doors["table"], said, lambda: store.get("log", "p", "k"))
    doors["table"].says = lambda _method, _path: Said(200, "{" + whole + '"{}"}', signed)
    row = store.get("log", "p", "k")
    assert row is not None
    assert row.value == {}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said(403), "403 Forbidden: the identity needs Storage Table Data Contributor"),
        (Said(507), "507 Insufficient Storage: the account is full, make room"),
        (Said(503), "503 Service Unavailable: it is busy or in trouble; it is asked again"),
        (Said(200, "{}", seconds=4), "Read timed out"),
    ],
)
def test_the_words_say_what_to_do(
    store: AzureStore, doors: dict[str, StandIn], said: Said, words: str
) -> None:
    """Access, room, trouble, and a service that is too slow."""
    signed = replace(said, headers={**said.headers, "x-ms-request-id": "1"})
    assert words in unavailable(doors["table"], signed, lambda: store.put("log", "p", "k", {}))


@pytest.mark.parametrize("operation", ["put", "insert"])
@pytest.mark.parametrize(
    ("code", "makes", "words"),
    [
        ("TableNotFound", 1, "403 Forbidden: the identity needs Storage Table Data Contributor"),
        ("ResourceNotFound", 0, "404 "),
    ],
)
def test_only_a_table_that_is_not_there_is_made(
    store: AzureStore, doors: dict[str, StandIn], code: str, makes: int, words: str, operation: str
) -> None:
    """Where it may not be made the right is named; no other 404 is a reason to make one."""
    signed = {**JSON, "x-ms-request-id": "1"}
    missing = Said(404, f'{{"odata.error": {{"code": "{code}"}}}}', signed)
    door = doors["table"]
    door.says = lambda _, path: Said(403, headers=signed) if "/Tables" in path else missing
    door.heard.clear()
    with pytest.raises(StoreUnavailable, match=words):
        TABLES[operation](store)
    assert len([path for _, path in door.heard if "/Tables" in path]) == makes


def test_state_is_as_it_was_when_it_is_back(store: AzureStore, doors: dict[str, StandIn]) -> None:
    """Nothing of the trouble is remembered: the next call works on what was there before."""
    unavailable(doors["table"], NONSENSE["a page"], lambda: store.put("log", "p", "k", {"n": 2}))
    unavailable(doors["queue"], NONSENSE["a page"], lambda: store.send("odd", "text"))
    for door in doors.values():
        door.says = lambda _method, _path: None
    row = store.get("log", "p", "k")
    assert row is not None
    assert row.value == {"n": 1}
    assert [row.value for row in store.scan("log", "p") if row.key == "large"] == [LARGE]
