"""The store on Azure Tables, Queues and Blobs: the conformance suite, on Azurite."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport

from shared.errors import Exists, Moved, StoreUnavailable
from shared.settings import Settings
from shared.store import Row
from shared.store.azure import AzureStore
from simulator.adapter import TenantCredential
from simulator.clock import MONDAY_MORNING, VirtualClock
from tests.azurite import ACCOUNT, KEY, Azurite, missing
from tests.engine.test_one_write import BLOB, assert_one_story, scenario
from tests.engine.world import US, Fragile, Killed, World, enforce, policy, storage
from tests.store.conformance import StoreConformance
from wiring import build, kept

ROOT = Path(__file__).parents[2]


class AzuriteClock(VirtualClock):
    """A clock that takes Azurite along."""

    def __init__(self, azurite: Azurite, start: datetime = MONDAY_MORNING) -> None:
        super().__init__(start)
        self._azurite = azurite

    def advance(self, delta: timedelta) -> None:
        super().advance(delta)
        self._azurite.advance(delta)


def opened(azurite: Azurite, prefix: str, tables: str = "") -> AzureStore:
    """A store on Azurite; `tables` is another address of its tables."""
    return AzureStore(
        AzureNamedKeyCredential(ACCOUNT, KEY),
        tables=tables or azurite.addresses["table"],
        queues=azurite.addresses["queue"],
        blobs=azurite.addresses["blob"],
        prefix=prefix,
    )


@pytest.fixture
def clock(azurite: Azurite) -> AzuriteClock:
    return AzuriteClock(azurite)


@pytest.fixture
def another(azurite: Azurite) -> Iterator[Callable[[], AzureStore]]:
    """Opens stores over the same state, which is empty at first, as other processes would."""
    prefix = f"t{uuid.uuid4().hex[:12]}"
    made: list[AzureStore] = []

    def make() -> AzureStore:
        made.append(opened(azurite, prefix))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(another: Callable[[], AzureStore]) -> AzureStore:
    return another()


class TestOnAzurite(StoreConformance):
    """Everything that a store must do."""


def blobs(store: AzureStore) -> list[str]:
    """Names of all blobs of a store."""
    container = store._clients.container()  # noqa: SLF001  there is no other way to look
    return list(container.list_blob_names()) if container.exists() else []


@pytest.mark.parametrize("size", [250_000, 1_000_000])
def test_what_is_written_over_leaves_no_blob(another: Callable[[], AzureStore], size: int) -> None:
    """A large value has one blob, however often and by whichever way it is written; then none."""
    store, large = another(), {"text": "x" * size}
    one = 1 if size > 256_000 else 0
    etag = store.insert("log", "p", "k", large)
    with pytest.raises(Exists):
        store.insert("log", "p", "k", large)
    with pytest.raises(Moved):
        store.replace("log", "p", "gone", large, etag)
    store.replace("log", "p", "k", large, etag)
    store.put("log", "p", "k", large)
    assert len(blobs(store)) == one
    later = another()
    assert len(list(later.scan("log"))) == 1
    later.put("log", "p", "k", {"small": True})
    assert blobs(store) == []
    store.put("log", "p", "k", large)
    store.delete("log", "p", "k")
    assert blobs(store) == []


def test_a_newer_blob_is_never_removed(
    another: Callable[[], AzureStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write removes what it replaced, not what another process has put there right after it."""
    store, other = another(), another()
    first, second, newest = ({"n": n, "text": "x" * 300_000} for n in range(3))
    store.put("log", "p", "k", first)
    real, writers = AzureStore._sent, [store]  # noqa: SLF001  the moment after the row is written

    def sent(self: AzureStore, *args: Any) -> str | None:
        etag = real(self, *args)
        if self in writers:
            writers.remove(self)
            other.put("log", "p", "k", newest)
            self.get("log", "p", "k")
        return etag

    monkeypatch.setattr(AzureStore, "_sent", sent)
    store.put("log", "p", "k", second)
    row = another().get("log", "p", "k")
    assert row is not None
    assert row.value == newest


@pytest.mark.parametrize("length", [511, 512, 513, 40_000])
def test_keys_of_any_length(store: AzureStore, length: int) -> None:
    """Around the longest that a table takes and far beyond, keys that differ at the end differ."""
    for end in "/a":
        store.insert("log", "p" * length, "k" * (length - 1) + end, {"end": end})
    found = {row.key[-1]: row.value["end"] for row in store.scan("log", "p" * length)}
    assert found == {"/": "/", "a": "a"}


def test_no_message_waits_longer_than_a_queue_can_hide_it(store: AzureStore) -> None:
    """Seven days are taken; beyond that the send is refused, not shortened."""
    store.send("q-week", "a", timedelta(days=7))
    with pytest.raises(ValueError, match="7 days at most"):
        store.send("q-week", "b", timedelta(days=7, seconds=1))
    assert store.waiting("q-week") == 1


def test_a_closed_store_is_unavailable(store: AzureStore) -> None:
    """A call after the end is the same one error as any other trouble with state."""
    store.get("log", "p", "k")
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.get("log", "p", "k")


def test_a_write_whose_answer_was_lost_is_known_again(
    store: AzureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client repeats a write that got through unheard: it won, though 409 and 412 come back."""
    store.put("log", "p", "other", {})
    real, lost = RequestsTransport.send, ["POST", "PUT"]

    def send(self: RequestsTransport, request: Any, **options: Any) -> Any:
        answer = real(self, request, **options)
        if request.method in lost:
            lost.remove(request.method)
            # A POST is repeated after a 500 alone, a PUT after a cut connection too.
            if request.method == "PUT":
                raise ServiceResponseError("the answer was cut off")
            answer.status_code = 500
        return answer

    monkeypatch.setattr(RequestsTransport, "send", send)
    etag = store.insert("log", "p", "k", {"n": 1})
    etag = store.replace("log", "p", "k", {"n": 2}, etag)
    assert lost == []
    assert store.get("log", "p", "k") == Row("p", "k", {"n": 2}, etag)


def world_on(store: AzureStore, clock: AzuriteClock) -> World:
    world = World(clock=clock)
    world.store = store
    return world


def test_an_event_ends_in_a_cure(store: AzureStore, clock: AzuriteClock) -> None:
    """The whole way of one change, with every row and message in the storage account."""
    world = world_on(store, clock)
    (account,) = world.load(storage())
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.change(account, {"allowBlobPublicAccess": True})
    world.run(gate)
    assert world.properties(account)["allowBlobPublicAccess"] is False
    assert world.our_writes() == ["PATCH contoso"]
    assert world.entries(gate) == ["intent", "remediated"]
    assert world.transitions(gate) == ["opened", "decided-remediate", "closed-cured"]


@pytest.mark.parametrize("at", range(3, 60, 8))
def test_a_full_stop_loses_and_doubles_nothing(
    store: AzureStore, clock: AzuriteClock, at: int
) -> None:
    """The process ends at an operation on state; the next one completes the one story."""
    world = world_on(store, clock)
    account = scenario(world)
    seen: list[str] = []

    def kill(name: str) -> None:
        seen.append(name)
        if len(seen) == at + 1:
            raise Killed(name)

    with suppress(Killed):
        world.gate(store=Fragile(store, kill)).engine.reconcile(world.hint(account))
    assert len(seen) > at, "the look took fewer operations: take the point out"
    assert_one_story(world, account, f"killed {seen[-1]} ({at})")


def test_without_state_nothing_is_written_to_azure() -> None:
    """The account stops answering during a look: one clear line, and the tenant is left alone."""
    if why := missing():
        pytest.skip(f"no Azurite to keep state in: {why}")
    azurite = Azurite()
    store = opened(azurite, "stopped")
    try:
        world = world_on(store, AzuriteClock(azurite))
        account = scenario(world)
        gate = world.gate()
        world.look(gate, storage("other")["id"])

        def stop(name: str) -> None:
            if name == "before insert":
                azurite.stop()

        doomed = world.gate(store=Fragile(store, stop))
        with pytest.raises(StoreUnavailable, match=r"^state in Azure Tables at 127\.0") as caught:
            doomed.engine.reconcile(world.hint(account))
        assert "\n" not in str(caught.value)
        assert KEY not in str(caught.value)
        assert world.our_writes() == []
        with pytest.raises(StoreUnavailable, match=r"^state in Azure Queues at 127\.0"):
            store.send("hints", "a")
    finally:
        store.close()
        azurite.stop()


def test_the_settings_choose_it(azurite: Azurite) -> None:
    """An emulator that the host is told of keeps the state of the gate that is built."""
    settings = Settings.of({"AzureWebJobsStorage": azurite.connection}, Path.cwd())
    world = World()
    store = kept(settings, TenantCredential(world.tenant, US), world.clock.now)
    assert isinstance(store, AzureStore)
    store.close()
    gate = build(settings, TenantCredential(world.tenant, US))
    assert gate.state.suspension.stopped() is None
    gate.close()


def test_an_embedded_store_imports_nothing_of_it() -> None:
    """A cold start without storage does not pay for the packages of Azure Storage."""
    script = (
        "import sys, wiring; from shared.settings import Settings;"
        "wiring.build(Settings(), None).close();"
        "print([m for m in sys.modules if m.startswith(('azure.data', 'azure.storage'))])"
    )
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
