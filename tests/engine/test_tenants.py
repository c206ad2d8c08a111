"""What another tenant delegated to us by Azure Lighthouse is reported, and never written to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from shared.findings import Standing
from shared.model import ResourceId
from shared.settings import App
from shared.stopped import Stopped
from simulator.adapter import TenantCredential
from tests.engine.world import SUBSCRIPTION, US, World, enforce, policy, storage

BLOB = "storage-public-blob-access"
OTHER = "99999999-0000-4000-8000-000000000009"
DELEGATED = "/subscriptions/99999999-0000-4000-8000-000000000001"
READ = "Microsoft.Resources/subscriptions/read"
WHY = (
    f"other-tenant: {DELEGATED} lives in tenant {OTHER}, and is seen through Azure Lighthouse:"
    " audit only"
)


def delegated(world: World) -> str:
    """A public account in a subscription that another tenant delegated to us."""
    world.load({"id": DELEGATED, "tenantId": OTHER.upper()})
    body = storage("theirs", allowBlobPublicAccess=True)
    (account,) = world.load({**body, "id": body["id"].replace(SUBSCRIPTION, DELEGATED)})
    return account


def public(world: World, account: str) -> bool:
    return bool(world.properties(account)["allowBlobPublicAccess"])


def standing(world: World, account: str) -> Standing:
    (one,) = [s for s in world.gate().state.findings.of(ResourceId(account)) if s.control == BLOB]
    return one


def reads_of(world: World, subscription: str) -> int:
    return len([r for r in world.tenant.requests if r.path.casefold() == subscription])


def test_it_is_judged_and_reported_and_never_written(world: World) -> None:
    """An event and a sweep find it like any other; the reason says whose it is."""
    account = delegated(world)
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.look(gate, account)
    assert standing(world, account).open
    told = world.decision(gate, account, BLOB)
    assert (told["do"], told["reason"]) == ("report", WHY)
    assert [r["Message"] for r in world.records(gate) if r["Entry"] == "other-tenant"] == [
        WHY.removeprefix("other-tenant: ")
    ]
    gate.sweep.run()
    world.run(gate)
    assert public(world, account)
    assert world.our_writes() == []
    assert "intent" not in world.entries(gate)


@pytest.mark.parametrize("app", [App.ALL, App.GATE])
def test_nobodys_yes_is_enough(world: World, app: App) -> None:
    """Neither an approval nor an order by hand writes there, in one app or in two."""
    account = delegated(world)
    world.policy = policy(f"rules: [{{control: {BLOB}, mode: approve}}]")
    gate, hand = world.gate(app=app), world.gate(app=App.HAND if app is App.GATE else app)
    world.look(gate, account)
    (asked,) = gate.state.approvals.of(ResourceId(account))
    gate.people.approve(asked.id, "carol")
    world.run(hand)
    gate.people.apply(ResourceId(account), "carol", {})
    world.run(hand)
    assert public(world, account)
    assert world.our_writes() == []
    assert world.decision(gate, account, BLOB)["reason"] == WHY


def test_our_own_subscriptions_are_as_ever(world: World) -> None:
    """One look at the delegated subscription stops nothing elsewhere."""
    theirs = delegated(world)
    (ours,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    for account in (theirs, ours):
        world.look(gate, account)
    assert (public(world, theirs), public(world, ours)) == (True, False)


def forbidden(world: World) -> None:
    world.tenant.refuse(US, READ, SUBSCRIPTION)


def untold(world: World) -> None:
    world.load({"id": SUBSCRIPTION, "tenantId": ""})


@pytest.mark.parametrize("hide", [forbidden, untold])
def test_a_subscription_that_does_not_show_its_tenant_is_not_written_to(
    world: World, hide: Any
) -> None:
    """It is said; and as soon as it shows, the cure goes on."""
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    hide(world)
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.look(gate, account)
    assert world.our_writes() == []
    assert standing(world, account).open
    assert world.decision(gate, account, BLOB)["reason"].startswith("unseen: ")

    world.tenant.gates.refusals.clear()
    world.load({"id": SUBSCRIPTION, "tenantId": world.tenant.tenant_id})
    world.look(gate, account)
    assert not public(world, account)


class Opaque(TenantCredential):
    """Gives tokens that ARM takes, and that tell nothing to who asks what is in them."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("opaque", 2**40)


def test_without_knowing_our_own_tenant_nothing_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.engine.world.TenantCredential", Opaque)
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.look(gate, account)
    assert world.our_writes() == []
    told = world.decision(gate, account, BLOB)["reason"]
    assert told.startswith("unseen: ")
    assert "does not say which tenant" in told


def cured(world: World) -> tuple[str, str]:
    """An account that we cured, and the action, before its subscription went to another tenant."""
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.look(gate, account)
    (story,) = gate.state.journal.all()
    world.load({"id": SUBSCRIPTION, "tenantId": OTHER})
    return account, story.id


def test_a_subscription_that_moved_is_not_taken_back_to(world: World) -> None:
    """An undo is a write too."""
    account, action = cured(world)
    result = world.gate().people.undo(action, "carol")
    assert isinstance(result, Stopped)
    assert result.why == "other-tenant"
    assert not public(world, account)
    assert world.our_writes() == ["PATCH contoso"]


def test_which_tenant_a_subscription_is_in_holds_for_a_day(world: World) -> None:
    """Within it nothing is read again; after it a move is seen."""
    world.load(storage())
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    accounts = world.load(*(storage(f"account{i}", allowBlobPublicAccess=True) for i in range(3)))
    world.look(gate, accounts[0])
    world.load({"id": SUBSCRIPTION, "tenantId": OTHER})
    world.clock.advance(timedelta(hours=23))
    world.look(gate, accounts[1])
    assert reads_of(world, SUBSCRIPTION) == 1
    world.clock.advance(timedelta(hours=2))
    world.look(gate, accounts[2])
    assert [public(world, one) for one in accounts] == [False, False, True]
