"""What each app has to write in the state: the stories of writes are the hand's alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableServiceClient

from shared.errors import StoreUnavailable
from shared.orders import DONE
from shared.outbox import JsonLines
from shared.settings import App
from shared.store import Store
from shared.store.tables import HANDS, OURS, SHARED
from tests.azurite import ACCOUNT, KEY, Azurite
from tests.engine.test_people import BLOB
from tests.engine.test_undo_orders import work
from tests.engine.world import World, enforce, policy, storage
from tests.standin import Said, stand_in
from tests.store.test_azure import AzuriteClock, opened


class Reading:
    """A store whose tables of the hand can only be read, as by a role on the other tables."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name not in ("insert", "replace", "put", "delete"):
            return real

        def write(table: str, *args: Any, **kwargs: Any) -> Any:
            if table in HANDS:
                raise StoreUnavailable(f"{table} is not ours to write")
            return real(table, *args, **kwargs)

        return write


def everything_works(world: World, mine: Store, records: Path) -> None:
    """Looks, orders, approvals, undos, the stop, of a gate whose store is `mine`."""
    accounts = world.load(*(storage(n, allowBlobPublicAccess=True) for n in ("one", "two")))
    world.policy = policy(enforce(BLOB))
    gate = world.gate(app=App.GATE, store=mine)
    hand = world.gate(app=App.HAND)
    for account in accounts:
        world.look(gate, account)
    work(world, hand)
    assert [world.properties(a)["allowBlobPublicAccess"] for a in accounts] == [False, False]
    action = world.records(gate)[-1]["ActionId"]
    gate.undos.order(action, "carol")
    work(world, hand)
    order = gate.state.orders.of(action)
    assert order is not None
    assert order.state == DONE
    world.policy = policy(f"rules: [{{control: [{BLOB}], mode: approve}}]\n")
    (third,) = world.load(storage("three", allowBlobPublicAccess=True))
    world.look(gate, third)
    (asked,) = [a for a in gate.state.approvals.all() if a.status == "waiting"]
    gate.people.approve(asked.id, "carol")
    work(world, hand)
    assert world.properties(third)["allowBlobPublicAccess"] is False
    gate.people.suspend("carol", "drill")
    gate.people.resume("carol")
    world.clock.advance(timedelta(hours=1))
    gate.worker.due()
    assert gate.worker.ship([JsonLines(records)]) > 0
    gate.sweep.run()


def test_the_gate_does_all_its_work_without_writing_a_story(world: World, tmp_path: Path) -> None:
    """A role that lets it read these tables is enough.

    So whoever has the gate's identity cannot make up a story for the hand to carry on or undo.
    """
    everything_works(world, Reading(world.store), tmp_path / "records.jsonl")


def refusing(method: str, path: str) -> Said | None:
    """As Azure answers an identity with rights on single tables; the hand's it may only read."""
    at = urlsplit(path).path
    makes = at.endswith("/Tables")
    writes = method != "GET" and any(f"{OURS}{table}" in at for table in HANDS)
    signed = {"Content-Type": "application/json", "x-ms-request-id": "1"}
    body = '{"odata.error": {"code": "AuthorizationPermissionMismatch"}}'
    return Said(403, body, signed) if makes or writes else None


def test_rights_on_single_tables_are_enough_for_the_gate(azurite: Azurite, tmp_path: Path) -> None:
    """The same on Azure Tables: where all of them are there, none is asked to be made."""
    world = World(clock=AzuriteClock(azurite))
    world.store = opened(azurite, "rights")
    everybodys = TableServiceClient(
        azurite.addresses["table"], credential=AzureNamedKeyCredential(ACCOUNT, KEY)
    )
    for table in HANDS | SHARED:
        everybodys.create_table(f"rights{OURS}{table}")
    with stand_in(azurite.addresses["table"]) as door:
        door.says = refusing
        mine = opened(azurite, "rights", tables=f"{door.url}/{ACCOUNT}")
        with pytest.raises(StoreUnavailable, match="403 "):
            mine.put("own", "an id", "write", {"action": "made up"})
        door.heard.clear()
        everything_works(world, mine, tmp_path / "records.jsonl")
        assert [one for one in door.heard if refusing(*one)] == []
    for store in (world.store, mine, everybodys):
        store.close()
