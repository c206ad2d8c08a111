"""`portcullis doctor` run by a person: what they are granted tells what gate and hand may do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared import names, needs
from shared.doctor import Found, Is
from shared.own import Own
from shared.settings import Storage
from simulator import roles
from simulator.adapter import TenantCredential
from simulator.call import Identity
from simulator.faults import Fault
from tests.engine.test_doctor import SETTINGS, Deployment
from tests.engine.world import ALICE, CONTROLS, GROUP, SUBSCRIPTION, US, enforce, policy, storage
from tests.standin import Said, stand_in
from wiring import kept

PETE = Identity(
    name="Pete",
    object_id="bbbbbbbb-0000-4000-8000-000000000002",
    kind="User",
    upn="pete@contoso.example",
)
CONDITION = "@Resource[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User'"
HAND = "aaaaaaaa-0000-4000-8000-000000000009"
TEAM = "cccccccc-0000-4000-8000-000000000001"
EVERYBODY = "cccccccc-0000-4000-8000-000000000002"
PLATFORM = "/providers/Microsoft.Management/managementGroups/platform"
AT = f"{GROUP.removeprefix(SUBSCRIPTION)}/providers/Microsoft.Resources/templateSpecs/canary"
STORE = str(storage("stabc")["id"])
BLOB = "storage-public-blob-access"
READ = sorted(needs.reads(CONTROLS))
CURES = sorted({*READ, *needs.writes([CONTROLS[BLOB]])})
TAGS = ["Microsoft.Resources/tags/read", "Microsoft.Resources/tags/write"]
GATE_HERE, HAND_HERE = f"gate {SUBSCRIPTION}", f"hand {SUBSCRIPTION}"
ONBOARD = f"portcullis onboard {SUBSCRIPTION.rpartition('/')[2]}, in the checkout"


class Visited(Deployment):
    """The same deployment, visited by a person who may read the subscription, and no more."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.who = PETE
        tenant = self.world.tenant
        tenant.add_identity(PETE)
        tenant.directory.allow(PETE, "User.Read.All", "GroupMember.Read.All")
        tenant.directory.allow(PETE, "Application.Read.All")
        self.grant(PETE.object_id, roles.READER, SUBSCRIPTION)

    def grant(self, principal: str, role: str, scope: str, **more: Any) -> str:
        """Assign a role, built-in by its guid or a custom one by its id."""
        named = {"roleDefinitionId": role} if "/" in role else {}
        given = roles.assignment(principal, role, scope, **named, **more)
        return self.world.tenant.load(given)

    def made(
        self, name: str, actions: Iterable[str], data: Sequence[str] = (), at: str = SUBSCRIPTION
    ) -> str:
        """A custom role that allows that."""
        block = roles.block(list(actions), data_actions=data)
        return self.world.tenant.load(roles.custom_role(name, at, block))

    def with_hand(self) -> None:
        """A hand beside the gate, that may do what the policy takes."""
        self.world.policy = policy(enforce(BLOB))
        self.environment = {
            "PORTCULLIS_GATE_PRINCIPAL_ID": US.object_id.upper(),
            "PORTCULLIS_HAND_PRINCIPAL_ID": HAND,
        }
        self.world.tenant.principals.add_managed_identity(HAND, "hand", HAND)
        self.grant(HAND, self.made("Portcullis hand", CURES), SUBSCRIPTION)

    def said(self, check: str) -> dict[str, Found]:
        return {one.found.subject: one.found for one in self.looked() if one.check == check}


@pytest.fixture
def visited() -> Visited:
    return Visited()


def test_a_reader_sees_that_all_is_well(visited: Visited) -> None:
    """Of the one identity that is told it is clear whose it is."""
    assert visited.trouble() == []
    assert visited.said("reads")[GATE_HERE].message == "all that is needed is allowed"
    assert visited.said("writes")[GATE_HERE].message == "nothing may be written that should not be"
    assert US.object_id in visited.said("identity")[PETE.object_id].message


def test_gate_and_hand_are_both_looked_at(visited: Visited) -> None:
    """Each by what it is for: the hand may write what the policy takes."""
    visited.with_hand()
    assert visited.trouble() == []
    assert set(visited.said("reads")) == {GATE_HERE, HAND_HERE}
    assert set(visited.said("writes")) == {GATE_HERE, HAND_HERE}


def test_who_gate_and_hand_are_has_to_be_told(
    visited: Visited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two identities do not say which is whose: nothing is ok then."""
    gate = visited.gate()
    both = replace(gate.settings, identities=frozenset({US.object_id, HAND}))
    monkeypatch.setattr(visited, "gate", lambda _: replace(gate, settings=both))
    said = [("identity", PETE.object_id), ("reads", ""), ("writes", "")]
    assert visited.trouble() == [(*one, "unknown") for one in said]
    assert "PORTCULLIS_GATE_PRINCIPAL_ID" in visited.said("reads")[""].mend


# --- reads


def test_a_read_that_the_gate_lacks(visited: Visited) -> None:
    key = "Microsoft.KeyVault/vaults/read"
    visited.may("Portcullis gate", set(READ) - {key})
    message, mend = visited.only("reads", GATE_HERE)
    assert message == f"not allowed are 1 of {len(READ)} actions: {key}"
    assert mend.startswith(ONBOARD)


def test_a_write_that_the_hand_lacks(visited: Visited) -> None:
    visited.with_hand()
    visited.made("Portcullis hand", READ)
    message, _ = visited.only("reads", HAND_HERE)
    assert message.endswith(" actions: Microsoft.Storage/storageAccounts/write")


def test_rights_from_a_management_group_are_renewed_there(visited: Visited) -> None:
    visited.environment = {"PORTCULLIS_RIGHTS_AT_MANAGEMENT_GROUP": "true"}
    visited.may("Portcullis gate", READ[1:])
    assert "infra/management-group.bicep" in visited.only("reads", GATE_HERE)[1]


@pytest.mark.parametrize("scope", [GROUP, STORE])
def test_what_is_granted_inside_shows_nothing_of_the_rest(visited: Visited, scope: str) -> None:
    """A read in one group, or of one resource, is no read of the subscription."""
    visited.may("Portcullis gate", READ[1:])
    visited.grant(US.object_id, roles.READER, scope)
    assert visited.only("reads", GATE_HERE)[0].endswith(f": {READ[0]}")


def test_reads_from_above_and_through_groups_count(visited: Visited) -> None:
    """At the management group, to a group that a group of ours is in."""
    tenant = visited.world.tenant
    visited.may("Portcullis gate", READ[2:])
    tenant.load({"id": f"{PLATFORM}/subscriptions/{SUBSCRIPTION.rpartition('/')[2]}"})
    visited.grant(US.object_id, visited.made("One more", READ[:1], at=PLATFORM), PLATFORM)
    visited.grant(EVERYBODY, visited.made("And another", READ[1:2]), SUBSCRIPTION)
    tenant.principals.join(EVERYBODY, TEAM)
    assert visited.said("reads")[GATE_HERE].message.endswith(
        f" 1 of {len(READ)} actions: {READ[1]}"
    )
    tenant.principals.join(TEAM, US.object_id)
    assert visited.said("reads")[GATE_HERE].state is Is.OK


def test_a_read_under_a_condition_does_not_count(visited: Visited) -> None:
    """Nobody here knows what it lets through; that there is one is said."""
    visited.may("Portcullis gate", READ[1:])
    role = visited.made("One more", READ[:1])
    visited.grant(US.object_id, role, SUBSCRIPTION, condition=CONDITION)
    told = f" actions: {READ[0]}; what has a condition is not counted"
    assert visited.only("reads", GATE_HERE)[0].endswith(told)


def test_a_condition_of_one_part_of_a_role_is_none_of_the_others(visited: Visited) -> None:
    visited.may("Portcullis gate", READ[2:])
    vague = {**roles.block(READ[:1]), "condition": CONDITION}
    role = roles.custom_role("Two more", SUBSCRIPTION, vague, roles.block(READ[1:2]))
    visited.grant(US.object_id, visited.world.tenant.load(role), SUBSCRIPTION)
    told = f"not allowed are 1 of {len(READ)} actions: {READ[0]}; what has a condition is not"
    assert visited.only("reads", GATE_HERE)[0].startswith(told)


def test_data_actions_are_no_reads(visited: Visited) -> None:
    """However they are spelt: a key vault's secrets are not the key vault."""
    key = "Microsoft.KeyVault/vaults/read"
    role = visited.made("Portcullis gate", set(READ) - {key}, data=["Microsoft.KeyVault/vaults/*"])
    visited.grant(US.object_id, role, SUBSCRIPTION)
    assert visited.said("reads")[GATE_HERE].message.endswith(f": {key}")


def test_a_hand_that_has_nothing_to_write_needs_nothing(visited: Visited) -> None:
    visited.with_hand()
    visited.world.policy = policy("")
    visited.made("Portcullis hand", ["Microsoft.Resources/subscriptions/read"])
    assert visited.said("reads")[HAND_HERE].state is Is.OK


# --- writes


@pytest.mark.parametrize("scope", ["", PLATFORM, SUBSCRIPTION, GROUP, STORE])
def test_a_gate_that_may_write_anywhere(visited: Visited, scope: str) -> None:
    """Above the subscription, at it, in one group, on one resource."""
    visited.world.load(storage("stabc"))
    visited.world.tenant.load({"id": f"{PLATFORM}/subscriptions/{SUBSCRIPTION.rpartition('/')[2]}"})
    given = visited.grant(US.object_id, roles.STORAGE_ACCOUNT_CONTRIBUTOR, scope)
    message, mend = visited.only("writes", GATE_HERE)
    assert "Microsoft.Storage/storageAccounts/*" in message
    assert message.endswith(f", by 'Storage Account Contributor' at {scope or '/'}")
    assert mend == f"az role assignment delete --ids {given}"


def test_a_gate_that_may_write_through_a_group(visited: Visited) -> None:
    """Others are in it, too: that is said before what it holds is taken away."""
    visited.grant(TEAM, roles.CONTRIBUTOR, GROUP)
    visited.world.tenant.principals.join(TEAM, US.object_id)
    message, mend = visited.only("writes", GATE_HERE)
    assert message.endswith(f" at {GROUP}, through the group {TEAM}")
    assert mend.startswith(f"take it out of the group {TEAM}, or ")


def test_a_write_under_a_condition_counts(visited: Visited) -> None:
    """Of what conditions let through nobody here knows."""
    visited.grant(US.object_id, roles.CONTRIBUTOR, GROUP, condition=CONDITION)
    assert visited.only("writes", GATE_HERE)[0].endswith(f" at {GROUP}, under a condition")


def test_each_grant_that_is_too_much_is_named(visited: Visited) -> None:
    for scope in (GROUP, SUBSCRIPTION):
        visited.grant(US.object_id, roles.NETWORK_CONTRIBUTOR, scope)
    told = [one.found for one in visited.looked() if one.found.state is Is.WRONG]
    assert [(one.subject, one.message.rpartition(" ")[2]) for one in told] == [
        (GATE_HERE, SUBSCRIPTION),
        (GATE_HERE, GROUP),
    ]


def test_a_hand_that_may_write_more_than_the_policy_takes(visited: Visited) -> None:
    """Its own role is brought up to date, not taken away."""
    named = Own(deployments=frozenset({"prod"}))
    visited.world.settings = replace(SETTINGS, named=SETTINGS.named | named)
    visited.with_hand()
    role = roles.custom_role(
        "ours", SUBSCRIPTION, roles.block([*CURES, "Microsoft.Sql/servers/write"])
    )
    role["id"] = names.role(SUBSCRIPTION, "prod", "hand")
    visited.grant(HAND, visited.world.tenant.load(role), SUBSCRIPTION)
    message, mend = visited.only("writes", HAND_HERE)
    assert "it should not: Microsoft.Sql/servers/write, by 'ours'" in message
    assert mend.startswith(ONBOARD)


def test_what_the_hand_may_write_the_gate_may_not(visited: Visited) -> None:
    visited.with_hand()
    visited.grant(US.object_id, visited.made("Portcullis hand", CURES), GROUP)
    assert "Microsoft.Storage/storageAccounts/write" in visited.only("writes", GATE_HERE)[0]


# --- what is expected


def canary(visited: Visited, at: str = AT, actions: Sequence[str] = TAGS) -> None:
    """A canary with the gate's right on it, which settings say is at `at`."""
    visited.world.settings = replace(SETTINGS, canary=at)
    scope = f"{SUBSCRIPTION}{AT}"
    visited.world.load({"id": scope, "location": "westeurope", "properties": {}})
    visited.grant(US.object_id, visited.made("Canary", actions), scope)


def test_the_right_to_the_canary_is_no_excess(visited: Visited) -> None:
    canary(visited)
    assert visited.said("writes")[GATE_HERE].state is Is.OK


@pytest.mark.parametrize(
    ("at", "actions"),
    [
        ("", TAGS),
        (AT.replace("canary", "another"), TAGS),
        (AT, [*TAGS, "Microsoft.Resources/templateSpecs/write"]),
    ],
)
def test_more_than_the_canary_is_too_much(
    visited: Visited, at: str, actions: Sequence[str]
) -> None:
    """Where none is wanted, on something else, or more than its tags."""
    canary(visited, at, actions)
    assert visited.said("writes")[GATE_HERE].state is Is.WRONG


def test_tags_of_everything_are_too_much_where_no_canary_is_wanted(visited: Visited) -> None:
    visited.grant(US.object_id, visited.made("Canary", TAGS), SUBSCRIPTION)
    assert visited.said("writes")[GATE_HERE].state is Is.WRONG


def test_the_canary_is_not_the_hands(visited: Visited) -> None:
    visited.with_hand()
    canary(visited)
    visited.grant(HAND, visited.made("Canary", TAGS), f"{SUBSCRIPTION}{AT}")
    assert visited.said("writes")[GATE_HERE].state is Is.OK
    assert visited.said("writes")[HAND_HERE].state is Is.WRONG


# --- what a person does not see


@pytest.mark.parametrize("hidden", ["roleAssignments", "roleDefinitions"])
def test_a_person_who_may_not_look(visited: Visited, hidden: str) -> None:
    """A list that may be a part of what there is proves nothing."""
    action = f"Microsoft.Authorization/{hidden}/read"
    block = roles.block(["*/read"], [action])
    role = visited.world.tenant.load(roles.custom_role("Less", SUBSCRIPTION, block))
    withdraw(visited)
    visited.grant(PETE.object_id, role, SUBSCRIPTION)
    assert visited.trouble() == [(one, GATE_HERE, "unknown") for one in ("reads", "writes")]
    found = visited.said("writes")[GATE_HERE]
    assert found.message == f"whoever runs this is not allowed {action}"
    assert found.mend.endswith(f"--assignee {PETE.object_id} --role Reader --scope {SUBSCRIPTION}")


def withdraw(visited: Visited) -> None:
    """Take the visitor's role in the subscription."""
    visited.world.tenant.remove(
        roles.assignment(PETE.object_id, roles.READER, SUBSCRIPTION)["id"], by=ALICE
    )


def test_a_person_who_sees_one_group(visited: Visited) -> None:
    """Azure lists what is granted there; what the gate holds elsewhere is not in it."""
    visited.grant(US.object_id, roles.CONTRIBUTOR, f"{SUBSCRIPTION}/resourceGroups/other")
    withdraw(visited)
    visited.grant(PETE.object_id, roles.READER, GROUP)
    told = {one.check: one.found.state for one in visited.looked()}
    assert (told["reads"], told["writes"]) == (Is.UNKNOWN, Is.UNKNOWN)


def test_a_person_who_sees_nothing(visited: Visited) -> None:
    withdraw(visited)
    for check in ("reads", "writes"):
        assert visited.said(check)[""].state is Is.UNKNOWN


def test_a_subscription_that_is_not_shown_to_a_person(visited: Visited) -> None:
    """That is not the gate's fault."""
    other = "/subscriptions/00000000-0000-0000-0000-00000000dead"
    visited.world.policy = policy(f"scopes: [{SUBSCRIPTION}, {other}]\n")
    assert visited.trouble() == [(one, other, "unknown") for one in ("reads", "writes")]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("roleAssignments", 403, "AuthorizationFailed"),
        ("roleAssignments", 500, "InternalServerError"),
        ("roleDefinitions/*", 403, "AuthorizationFailed"),
        ("roleDefinitions/*", 404, "RoleDefinitionDoesNotExist"),
    ],
)
def test_what_azure_does_not_show(visited: Visited, path: str, status: int, code: str) -> None:
    """Assignments that are refused, or the definition of a role: neither is ever ok."""
    visited.grant(US.object_id, roles.READER, GROUP)
    fault = Fault("status", method="GET", path=f"*/{path}", status=status, code=code, times=0)
    visited.world.tenant.faults.add(fault)
    assert visited.trouble() == [(one, GATE_HERE, "unknown") for one in ("reads", "writes")]


def test_an_account_that_refuses_a_person(visited: Visited) -> None:
    """By the real client: whether the gate may use it is not known, and all else is looked at."""
    with stand_in() as account:
        account.say(Said(403, headers={"x-ms-request-id": "1"}))
        at = Storage(tables=account.url, queues=account.url, blobs=account.url)
        visited.world.settings = replace(SETTINGS, state=None, storage=at)
        keyed = replace(SETTINGS, storage=replace(at, account="kept", key="a2V5"))
        us = TenantCredential(visited.world.tenant, US)
        visited.world.store = kept(keyed, us, visited.world.clock.now)
        told = {one.check: one.found for one in visited.looked()}
    assert told["state"].state is Is.UNKNOWN
    assert "403" in told["state"].message
    assert f"--assignee {PETE.object_id}" in told["state"].mend
    assert (told["reads"].state, told["writes"].state) == (Is.OK, Is.OK)


def test_a_role_that_says_nothing(visited: Visited) -> None:
    role = visited.world.tenant.load(roles.custom_role("Empty", SUBSCRIPTION))
    visited.grant(US.object_id, role, GROUP)
    assert visited.trouble() == [(one, GATE_HERE, "unknown") for one in ("reads", "writes")]
