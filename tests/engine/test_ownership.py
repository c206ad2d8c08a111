"""A resource that infrastructure code owns gets its notice first, where policy says so."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from shared.hints import ACT
from shared.model import ResourceId
from shared.outbox import Console
from shared.settings import App
from tests.engine.world import GROUP, SUBSCRIPTION, US, World, enforce, policy, storage

BLOB, HTTPS = "storage-public-blob-access", "storage-secure-transfer"
RESOURCES = "providers/Microsoft.Resources"
TAGS = "infrastructure_code: {tags: ['managed-by: terraform', 'hidden-link:*']}\n"
STACKS = "infrastructure_code: {stacks: true, notice: 12h}\n"
DEPLOYMENTS = "infrastructure_code: {deployments: 7d, notice: 12h}\n"


def opened(name: str = "contoso", tags: dict[str, str] | None = None) -> dict[str, Any]:
    return {**storage(name, allowBlobPublicAccess=True), "tags": tags or {}}


def is_open(world: World, account: str) -> bool:
    return world.properties(account)["allowBlobPublicAccess"] is True


def stack(scope: str, *managed: str) -> dict[str, Any]:
    each = [{"id": one, "status": "managed", "denyStatus": "none"} for one in managed]
    return {
        "id": f"{scope}/{RESOURCES}/deploymentStacks/landing-zone",
        "properties": {
            "provisioningState": "succeeded",
            "actionOnUnmanage": {"resources": "detach"},
            "denySettings": {"mode": "none"},
            "resources": each,
        },
    }


def deployment(world: World, *put_out: str, days: float = 1, **more: Any) -> dict[str, Any]:
    at = world.clock.now() - timedelta(days=days)
    properties = {
        "mode": "Incremental",
        "provisioningState": "Succeeded",
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.1234567Z",
        "outputResources": [{"id": one} for one in put_out],
        **more,
    }
    return {"id": f"{GROUP}/{RESOURCES}/deployments/web-7", "properties": properties}


def asked_of(world: World) -> list[str]:
    """What was read of deployments and stacks."""
    return [r.path for r in world.tenant.requests if f"/{RESOURCES}/deployment" in r.path]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"Managed-By": "Terraform"}, "Terraform owns it (tag Managed-By): notice until "),
        ({"hidden-link:/app/x": "Resource"}, "infrastructure code owns it (tag hidden-link:/app/"),
    ],
)
def test_what_a_tag_says_is_owned_waits_for_its_notice(
    world: World, tags: dict[str, str], words: str
) -> None:
    """The owner is told once, whoever looks how often; a day later it is cured."""
    (account,) = world.load(opened(tags=tags))
    world.policy = policy(enforce(BLOB) + TAGS)
    gate = world.gate()
    shipped = []
    for _ in range(3):
        world.look(gate, account)
        shipped.append(gate.state.outbox.ship([Console(StringIO())]))
    assert shipped == [3, 0, 0]
    told = world.decision(gate, account, BLOB)
    assert told["do"] == "wait"
    assert told["reason"].startswith(words)
    assert told["until"] == (world.clock.now() + timedelta(hours=24)).isoformat()
    assert told["source"].endswith("$.infrastructure_code")
    world.run(gate, hours=23.5, step=600)
    assert is_open(world, account)
    assert world.entries(gate) == ["notice"]
    assert world.records(gate)[0]["Message"] == told["reason"]
    world.run(gate, hours=0.6, step=60)
    assert not is_open(world, account)
    assert world.entries(gate) == ["notice", "intent", "remediated"]


@pytest.mark.parametrize(
    "tags",
    [{"managed-by": "bicep"}, {"by": "terraform"}, {"hidden-": "x"}, {"my-hidden-link:": "x"}, {}],
    ids=str,
)
def test_other_tags_own_nothing(world: World, tags: dict[str, str]) -> None:
    (account,) = world.load(opened(tags=tags))
    world.policy = policy(enforce(BLOB) + TAGS)
    world.look(world.gate(), account)
    assert not is_open(world, account)


def test_where_policy_says_nothing_nothing_waits_and_nothing_more_is_read(world: World) -> None:
    """Tags, a stack and a deployment of now notwithstanding."""
    (account,) = world.load(opened(tags={"managed-by": "terraform"}))
    world.load(stack(GROUP, account), deployment(world, account))
    world.policy = policy(enforce(BLOB))
    world.look(world.gate(), account)
    assert not is_open(world, account)
    assert asked_of(world) == []


@pytest.mark.parametrize("scope", [GROUP, SUBSCRIPTION], ids=["group", "subscription"])
def test_what_a_stack_manages_waits(world: World, scope: str) -> None:
    """In any case, by a part of it too; its neighbour is cured at once."""
    account, other, third = world.load(opened(), opened("contoso2"), opened("contoso3"))
    blobs = f"{third}/blobServices/default"
    world.load(stack(scope, account.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), blobs))
    world.policy = policy(enforce(BLOB) + STACKS)
    gate = world.gate()
    for one in (account, other, third):
        world.look(gate, one)
    assert [is_open(world, one) for one in (account, other, third)] == [True, False, True]
    reason = world.decision(gate, account, BLOB)["reason"]
    assert reason.startswith("the deployment stack landing-zone manages it: notice until ")
    world.run(gate, hours=12.2, step=300)
    assert not is_open(world, account)


def test_what_holds_or_hangs_on_a_resource_does_not_own_it(world: World) -> None:
    """Its group, and a diagnostic setting of it; a stack that has not deployed yet."""
    (account,) = world.load(opened())
    attached = f"{account}/providers/Microsoft.Insights/diagnosticSettings/d"
    young = stack(SUBSCRIPTION)
    del young["properties"]["resources"]
    world.load(stack(GROUP, GROUP, attached, f"{account}2"), young)
    world.policy = policy(enforce(BLOB) + STACKS)
    world.look(world.gate(), account)
    assert not is_open(world, account)


@pytest.mark.parametrize(
    ("days", "more", "waits"),
    [
        (6.9, {}, "the deployment web-7 put it out"),
        (7.1, {}, ""),
        (1, {"outputResources": []}, ""),
        (1, {"outputResources": None}, ""),
        (1, {"provisioningState": "Failed", "outputResources": None}, "does not say what it put"),
        (9, {"provisioningState": "Failed", "outputResources": None}, ""),
        (9, {"timestamp": "lately"}, "the deployment web-7 put it out"),
    ],
)
def test_what_a_deployment_put_out_lately_waits(
    world: World, days: float, more: dict[str, Any], waits: str
) -> None:
    """One that has not ended well does not say what it put out: everything may be its own."""
    (account,) = world.load(opened())
    world.load(deployment(world, account, days=days, **more))
    world.policy = policy(enforce(BLOB) + DEPLOYMENTS)
    gate = world.gate()
    world.look(gate, account)
    assert is_open(world, account) is bool(waits)
    assert waits in world.decision(gate, account, BLOB)["reason"]


@pytest.mark.parametrize(
    ("section", "action"),
    [(STACKS, "deploymentStacks/read"), (DEPLOYMENTS, "deployments/read")],
    ids=["stacks", "deployments"],
)
def test_what_cannot_be_seen_counts_as_owned(world: World, section: str, action: str) -> None:
    """It is said why, and the notice ends all the same."""
    (account,) = world.load(opened())
    world.tenant.refuse(US, f"Microsoft.Resources/{action}", SUBSCRIPTION)
    world.policy = policy(enforce(BLOB) + section)
    gate = world.gate()
    world.look(gate, account)
    reason = world.decision(gate, account, BLOB)["reason"]
    assert reason.startswith("it cannot be seen whether infrastructure code owns it (")
    assert action in reason
    assert is_open(world, account)
    world.run(gate, hours=12.2, step=300)
    assert not is_open(world, account)


def test_nothing_is_read_for_what_would_not_be_written(world: World) -> None:
    """What is only reported, and what policy enforces but is not violated."""
    (account,) = world.load(opened())
    both = "infrastructure_code: {stacks: true, deployments: 7d}\n"
    for rules in ("", enforce(HTTPS)):
        world.policy = policy(rules + both)
        world.look(world.gate(), account)
    assert asked_of(world) == []
    world.policy = policy(enforce(BLOB) + both)
    world.look(world.gate(), account)
    assert len(asked_of(world)) == 3


def test_what_was_read_is_remembered_for_ten_minutes(world: World) -> None:
    """A burst in one group reads its stacks and the subscription's once."""
    accounts = world.load(*(opened(f"contoso{n}") for n in range(3)))
    world.policy = policy(enforce(BLOB) + STACKS)
    gate = world.gate()
    for account in accounts[:2]:
        world.look(gate, account)
    assert len(asked_of(world)) == 2
    world.clock.advance(timedelta(minutes=11))
    world.load(stack(GROUP, accounts[2]))
    world.look(gate, accounts[2])
    assert is_open(world, accounts[2])


@pytest.mark.parametrize("way", ["approve", "apply"])
def test_a_person_does_not_wait_and_is_told_who_owns_it(world: World, way: str) -> None:
    (account,) = world.load(opened(tags={"managed-by": "terraform"}))
    mode = "approve" if way == "approve" else "enforce"
    world.policy = policy(f"rules: [{{control: {BLOB}, mode: {mode}}}]\n{TAGS}")
    gate = world.gate()
    world.look(gate, account)
    assert is_open(world, account)
    if way == "approve":
        (asked,) = gate.state.approvals.all()
        assert "terraform owns it (tag managed-by)" in asked.value["caveats"][-1]
        gate.people.approve(asked.id, "carol")
    else:
        gate.people.apply(ResourceId(account), "carol", {})
    assert not is_open(world, account)
    (done,) = [r for r in world.records(gate) if r["Entry"] == "remediated"]
    assert done["Plan"]["caveats"][-1].startswith("terraform owns it (tag managed-by): ")


@pytest.mark.parametrize(("after", "hours"), [("48h", 48), ("1h", 24)])
def test_the_longer_of_grace_and_notice_holds(world: World, after: str, hours: int) -> None:
    (account,) = world.load(opened(tags={"managed-by": "terraform"}))
    world.policy = policy(enforce(BLOB, after=after) + TAGS)
    gate = world.gate()
    world.look(gate, account)
    until = (world.clock.now() + timedelta(hours=hours)).isoformat()
    assert world.decision(gate, account, BLOB)["until"] == until
    assert world.entries(gate) == ["notice"]
    world.run(gate, hours=hours + 0.2, step=600)
    assert not is_open(world, account)
    assert world.entries(gate) == ["notice", "intent", "remediated"]


def test_a_finding_that_was_open_before_gets_its_whole_notice(world: World) -> None:
    """It was only reported for days; the edit of the policy does not cure it unannounced."""
    (account,) = world.load(opened(tags={"managed-by": "terraform"}))
    gate = world.gate()
    world.look(gate, account)
    world.clock.advance(timedelta(days=5))
    world.policy = policy(enforce(BLOB) + TAGS)
    world.run(gate, hours=0.1)
    world.look(gate, account)
    assert is_open(world, account)
    assert world.entries(gate) == ["notice"]
    world.run(gate, hours=24.2, step=600)
    assert not is_open(world, account)


def test_each_episode_has_its_own_notice(world: World) -> None:
    (account,) = world.load(opened(tags={"managed-by": "terraform"}))
    world.policy = policy(enforce(BLOB) + TAGS)
    gate = world.gate()
    world.look(gate, account)
    world.run(gate, hours=24.2, step=600)
    world.change(account, {"allowBlobPublicAccess": True})
    world.look(gate, account)
    assert is_open(world, account)
    assert world.entries(gate) == ["notice", "intent", "remediated", "notice"]


def test_once_nobody_owns_it_any_more_it_is_cured(world: World) -> None:
    (account,) = world.load(opened(tags={"managed-by": "terraform"}))
    world.policy = policy(enforce(BLOB) + TAGS)
    gate = world.gate()
    world.look(gate, account)
    world.load(opened())
    world.look(gate, account)
    assert not is_open(world, account)


def test_two_apps_give_one_notice_and_the_hand_acts_after_it(world: World) -> None:
    """The gate orders nothing while the notice stands; the hand finds the owner by itself."""
    (account,) = world.load(opened())
    world.load(stack(GROUP, account))
    world.policy = policy(enforce(BLOB) + STACKS)
    gate, hand = world.gate(app=App.GATE), world.gate(app=App.HAND)
    world.look(gate, account)
    world.look(hand, account)
    world.run(gate, hours=11.5, step=600)
    assert world.store.waiting(ACT) == 0
    world.run(gate, hours=0.6, step=60)
    assert is_open(world, account)
    world.drain(hand)
    assert not is_open(world, account)
    assert world.entries(gate) == ["notice", "intent", "remediated"]
