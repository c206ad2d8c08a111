"""Subscriptions are taken under watch and out of it again, by their Owner, in whatever state."""

from __future__ import annotations

import base64
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from shared import names
from shared.azure.arm import Arm
from shared.azure.graph import Index
from shared.errors import PortcullisError, Refused, Transient, Unusable
from shared.model import ResourceId
from shared.onboarding import Fate, Place, Taken, parts, taken
from shared.own import Own, lost_with
from simulator.adapter import TenantCredential, transport
from simulator.call import Identity
from simulator.faults import Fault, What
from simulator.policies import PolicyDenial
from simulator.roles import CONTRIBUTOR, OWNER, assignment
from tests.engine.world import enforce, policy
from tests.onboarding.conftest import (
    ACCOUNT,
    GATE,
    HAND,
    HOME,
    NEW,
    STATE,
    TEAM,
    WORKSPACE,
    Estate,
    deployment,
    heard,
)

HERE = f"/subscriptions/{NEW}"
GROUP = f"{HERE}/resourceGroups/rg-portcullis-prod"
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/portcullis-prod"
THEIRS = f"{HERE}/resourceGroups/events/providers/Microsoft.EventGrid/systemTopics/all-changes"
CONTACT = f"{HERE}/providers/Microsoft.Security/securityContacts/default"
CORP = "/providers/Microsoft.Management/managementGroups/corp"
GATE_IDENTITY = Identity(name="gate", object_id=GATE, app_id=GATE, kind="ServicePrincipal")
WRITES = policy(enforce("storage-public-blob-access"))
WHOLE: dict[str, Any] = {"contact": "soc@contoso.example", "readers": TEAM, "canary": True}


def whole() -> Any:
    return deployment(**WHOLE)


def fates(estate: Estate, of: Any, subscription: str = NEW) -> set[Fate]:
    return {step.fate for step in estate.onboarding(of).planned(subscription)}


def adopted(estate: Estate, **identity: Any) -> None:
    """A topic of others, to whose events they listen."""
    source = {"source": HERE, "topicType": "Microsoft.Resources.Subscriptions"}
    body = {"location": "global", "properties": source, **identity}
    estate.tenant.load({"id": f"{HERE}/resourceGroups/events", "location": "westeurope"})
    estate.tenant.write(THEIRS, body, by=estate.who)
    to = {"resourceId": STATE, "queueName": "theirs"}
    estate.tenant.write(
        f"{THEIRS}/eventSubscriptions/audit",
        {"properties": {"destination": {"endpointType": "StorageQueue", "properties": to}}},
        by=estate.who,
    )


def may(estate: Estate, who: Identity, path: str) -> int:
    """The status that somebody's read of a resource has."""
    line = Arm(TenantCredential(estate.tenant, who), {}, estate.clock.now,
               transport=transport(estate.tenant))  # fmt: skip
    try:
        return 200 if line.get(ResourceId(path), "2024-01-01") else 404
    except Refused:
        return 403


# --- what is there afterwards


def test_an_event_of_the_new_subscription_comes_to_our_queue(estate: Estate) -> None:
    """Before, nobody hears of it; afterwards a write of anybody is in the queue of hints."""
    account = f"{HERE}/resourceGroups/app/providers/Microsoft.Storage/storageAccounts/app"
    estate.tenant.load({"id": f"{HERE}/resourceGroups/app", "location": "westeurope"})
    body = {**ACCOUNT, "properties": {}}
    estate.tenant.write(account, body, by=estate.who)
    estate.tenant.grid.deliver()
    assert estate.tenant.grid.queues == {}
    heard(estate.onboarding().onboard, NEW)
    estate.tenant.write(account, body, by=estate.who)
    estate.tenant.grid.deliver()
    texts = [base64.b64decode(one).decode() for one in estate.tenant.grid.queues["hints"]]
    assert [json.loads(text)["data"]["operationName"] for text in texts if "/app" in text] == [
        "Microsoft.Storage/storageAccounts/write"
    ]


def test_the_gate_may_read_the_subscription_and_write_nothing(estate: Estate) -> None:
    network = f"{HERE}/resourceGroups/app/providers/Microsoft.Network/networkSecurityGroups/web"
    estate.tenant.load({"id": network, "location": "westeurope", "properties": {}})
    assert may(estate, GATE_IDENTITY, network) == 403
    heard(estate.onboarding(whole()).onboard, NEW)
    assert may(estate, GATE_IDENTITY, network) == 200
    roles = [
        document["properties"]
        for key, document in estate.everything().items()
        if "/roledefinitions/" in key and document["properties"]["type"] == "CustomRole"
    ]
    assert sorted(one["roleName"].split()[1] for one in roles) == ["canary", "gate"]
    actions = [a for one in roles for a in one["permissions"][0]["actions"]]
    assert [a for a in actions if not a.endswith("/read")] == ["Microsoft.Resources/tags/write"]


def test_the_canary_right_ends_at_the_canary(estate: Estate) -> None:
    heard(estate.onboarding(whole()).onboard, NEW)
    held = [
        (key.partition("/providers/microsoft.authorization")[0], document["properties"])
        for key, document in estate.everything().items()
        if "/roleassignments/" in key and document["properties"]["principalId"] == GATE
    ]
    scopes = {scope.rpartition("/")[2] for scope, _ in held}
    assert scopes == {NEW, "portcullis-canary-prod"}


def test_a_hand_gets_rights_only_where_policy_writes(estate: Estate) -> None:
    of = deployment(WRITES)
    heard(estate.onboarding(of).onboard, NEW)
    principals = [
        document["properties"]["principalId"]
        for key, document in estate.everything().items()
        if key.startswith(HERE) and "/roleassignments/" in key
    ]
    assert {GATE, HAND} <= set(principals)
    assert fates(estate, of) == {Fate.THERE}


def test_a_hand_whose_policy_writes_nothing_any_more_loses_its_rights(estate: Estate) -> None:
    """Called again after the policy's way back; and what is taken away is shown before."""
    before = set(estate.everything())
    heard(estate.onboarding(deployment(WRITES)).onboard, NEW)
    steps = estate.onboarding().planned(NEW)
    assert [step.fate for step in steps if step.writes] == [Fate.DELETE, Fate.DELETE]
    heard(estate.onboarding().onboard, NEW)
    assert not any(HAND in str(one) for one in estate.everything().values())
    assert fates(estate, deployment()) == {Fate.THERE}
    heard(estate.onboarding(deployment(WRITES)).onboard, NEW)
    heard(estate.onboarding().offboard, NEW)
    assert set(estate.everything()) == before


def test_the_activity_log_the_contact_and_the_readers(estate: Estate) -> None:
    heard(estate.onboarding(whole()).onboard, NEW)
    setting = estate.tenant.read(
        f"{HERE}/providers/Microsoft.Insights/diagnosticSettings/portcullis-prod"
    )
    contact = estate.tenant.read(CONTACT)
    assert setting is not None
    assert contact is not None
    assert setting["properties"]["workspaceId"] == WORKSPACE
    assert {one["category"] for one in setting["properties"]["logs"] if one["enabled"]} == {
        "Administrative", "Security", "Alert", "Policy",
    }  # fmt: skip
    assert contact["properties"]["emails"] == "soc@contoso.example"
    member = Identity(name="Mo", object_id="cccccccc-0000-4000-8000-000000000001", kind="User")
    estate.tenant.principals.add_user(member.object_id, "Mo", upn="mo@contoso.example")
    assert may(estate, member, GROUP) == 403
    estate.tenant.principals.join(TEAM, member.object_id)
    assert may(estate, member, GROUP) == 200


def test_the_subscription_that_it_is_deployed_to_keeps_its_own_group(estate: Estate) -> None:
    said = {step.part.target.type for step in heard(estate.onboarding().onboard, HOME)}
    assert "Microsoft.Resources/resourceGroups" not in said
    heard(estate.onboarding().offboard, HOME)
    assert estate.tenant.read(f"/subscriptions/{HOME}/resourceGroups/rg-portcullis-prod")


def test_rights_of_a_management_group_are_not_given_again(estate: Estate) -> None:
    heard(estate.onboarding(deployment(grants=False)).onboard, NEW)
    assert not [key for key in estate.everything() if GATE in str(key)]
    assert not any(
        document["properties"].get("principalId") == GATE
        for key, document in estate.everything().items()
        if "/roleassignments/" in key
    )


def test_with_rights_of_a_management_group_its_role_is_on_the_canary(estate: Estate) -> None:
    """A tenant takes 5,000 custom roles: none is made in the subscription."""
    of = deployment(grants=False, canary=True)
    role = names.role(HERE, "prod", "x").rpartition("/")[0] + f"/{names.canary_role(GATE, 'prod')}"
    with pytest.raises(Refused, match="RoleDefinitionDoesNotExist"):
        heard(estate.onboarding(of).onboard, NEW)
    estate.tenant.load({"id": CORP})
    properties = {"roleName": "canary", "assignableScopes": [CORP, HERE], "permissions": []}
    definition = f"{CORP}/providers/Microsoft.Authorization/roleDefinitions"
    estate.tenant.load(
        {"id": f"{definition}/{names.canary_role(GATE, 'prod')}", "properties": properties}
    )
    heard(estate.onboarding(of).onboard, NEW)
    assert {step.fate for step in estate.onboarding(of).planned(NEW)} == {Fate.THERE}
    held = [
        (key.partition("/providers/microsoft.authorization")[0], one["properties"])
        for key, one in estate.everything().items()
        if "/roleassignments/" in key and one["properties"]["principalId"] == GATE
    ]
    assert [(scope.rpartition("/")[2], one["roleDefinitionId"]) for scope, one in held] == [
        ("portcullis-canary-prod", role)
    ]
    assert not [
        key
        for key in estate.everything()
        if key.startswith(f"{HERE}/providers/microsoft.authorization/roledefinitions")
    ]
    heard(estate.onboarding(of).offboard, NEW)
    assert not any(key.startswith(f"{GROUP}/".lower()) for key in estate.everything())


# --- again, and again


def test_a_plan_writes_nothing(estate: Estate) -> None:
    before = estate.everything()
    estate.onboarding(whole()).planned(NEW)
    heard(estate.onboarding(whole()).onboard, HOME)
    held = estate.everything()
    estate.onboarding(whole()).leaving(HOME)
    estate.onboarding(whole()).planned(HOME)
    assert estate.everything() == held != before


def test_the_second_time_there_is_nothing_to_do(estate: Estate) -> None:
    heard(estate.onboarding(whole()).onboard, NEW)
    writes = len(estate.writes)
    assert {step.fate for step in heard(estate.onboarding(whole()).onboard, NEW)} == {Fate.THERE}
    assert len(estate.writes) == writes


def test_what_is_planned_is_what_is_done(estate: Estate) -> None:
    planned = [(step.part.what, step.fate) for step in estate.onboarding(whole()).planned(NEW)]
    done = [(step.part.what, step.fate) for step in heard(estate.onboarding(whole()).onboard, NEW)]
    assert done == planned


def test_in_and_out_leaves_the_tenant_as_it_was(estate: Estate) -> None:
    before = estate.everything()
    heard(estate.onboarding(whole()).onboard, NEW)
    heard(estate.onboarding(whole()).offboard, NEW)
    assert estate.everything() == before
    assert estate.onboarding(whole()).leaving(NEW) == []


def test_it_goes_on_wherever_it_ended(estate: Estate) -> None:
    """Ended before each of its writes in turn, and after each: called again it is whole."""
    whole_end = Estate()
    heard(whole_end.onboarding(whole()).onboard, NEW)
    wanted = set(whole_end.everything())
    losses: tuple[What, What] = ("cut-before", "cut-after")
    for at, lost in itertools.product(range(20), losses):
        broken = Estate()
        passed = 0

        def ends(step: Any, at: int = at) -> None:
            nonlocal passed
            passed += 1
            if passed > at:
                raise KeyboardInterrupt

        broken.tenant.faults.add(Fault(lost, method="PUT", skip=at))
        with suppress(KeyboardInterrupt, PortcullisError):
            broken.onboarding(whole()).onboard(NEW, ends)
        heard(broken.onboarding(whole()).onboard, NEW)
        assert {named(key, broken) for key in broken.everything()} == {
            named(key, whole_end) for key in wanted
        }
        if passed <= at:
            return
    pytest.fail("it has more steps than were tried")


def named(key: str, estate: Estate) -> str:
    """A key without what every tenant makes up anew: grants of the topic are named after it."""
    document = estate.tenant.read(key) or {}
    principal = str((document.get("properties") or {}).get("principalId", ""))
    topic = estate.tenant.read(TOPIC) or {}
    if principal and principal == (topic.get("identity") or {}).get("principalId"):
        return key.rpartition("/")[0]
    return key


def test_two_people_at_once_make_it_once(estate: Estate) -> None:
    """Each write of the one meets the other's; both come to the end, and nothing is there twice."""
    alone = Estate()
    heard(alone.onboarding(whole()).onboard, NEW)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(heard, estate.onboarding(whole()).onboard, NEW) for _ in range(2)]
        done = [one.result() for one in both]
    assert {len(steps) for steps in done} == {len(done[0])}
    assert {named(key, estate) for key in estate.everything()} == {
        named(key, alone) for key in alone.everything()
    }
    assert fates(estate, whole()) == {Fate.THERE}


def test_a_role_that_lacks_an_action_is_brought_up_to_date(estate: Estate) -> None:
    """After an upgrade, or a policy that writes more: only that is changed."""
    heard(estate.onboarding().onboard, NEW)
    old = deployment()
    less = {**old.roles, "gate": {**old.roles["gate"], "actions": old.roles["gate"]["actions"][:5]}}
    steps = heard(estate.onboarding(deployment(roles=less)).onboard, NEW)
    assert [step.fate for step in steps if step.writes] == [Fate.CHANGE]
    assert [step.part.target.type for step in steps if step.writes] == [
        "Microsoft.Authorization/roleDefinitions"
    ]
    assert Fate.CHANGE in fates(estate, deployment())


def tampered(estate: Estate, path: str, change: Any) -> None:
    estate.tenant.write(path, change, by=estate.who)


def test_what_somebody_narrowed_or_widened_is_put_right(estate: Estate) -> None:
    """A filter that leaves events out, and a second block of rights in our role."""
    heard(estate.onboarding().onboard, NEW)
    filters = [{"operatorType": "StringIn", "key": "subject", "values": ["/nothing"]}]
    (role,) = [key for key in estate.everything() if key.startswith(HERE) and "/roledef" in key]
    tampered(
        estate,
        f"{TOPIC}/eventSubscriptions/portcullis-prod-changes",
        lambda d: d["properties"]["filter"].update(advancedFilters=filters),
    )
    tampered(estate, role, lambda d: d["properties"]["permissions"].append({"actions": ["*"]}))
    steps = heard(estate.onboarding().onboard, NEW)
    assert sorted(s.part.target.type for s in steps if s.fate is Fate.CHANGE) == [
        "Microsoft.Authorization/roleDefinitions",
        "Microsoft.EventGrid/systemTopics/eventSubscriptions",
    ]
    assert fates(estate, None) == {Fate.THERE}


def test_what_is_not_wanted_any_more_is_taken_away_all_the_same(estate: Estate) -> None:
    before = set(estate.everything())
    heard(estate.onboarding(deployment(canary=True)).onboard, NEW)
    heard(estate.onboarding(deployment(grants=False)).offboard, NEW)
    assert set(estate.everything()) == before


# --- what others have there


OTHERS_ID = (
    f"{HERE}/resourceGroups/events/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x"
)


@pytest.mark.parametrize(
    "identity",
    [
        {},
        {"identity": {"type": "SystemAssigned"}},
        {"identity": {"type": "UserAssigned", "userAssignedIdentities": {OTHERS_ID: {}}}},
    ],
    ids=["none", "system", "user"],
)
def test_a_topic_that_is_there_is_adopted_and_left_to_its_owners(
    estate: Estate, identity: dict[str, Any]
) -> None:
    """It gets an identity where it has none; what listens to it goes on, here and afterwards."""
    adopted(estate, **identity)
    heard(estate.onboarding().onboard, NEW)
    assert estate.tenant.read(TOPIC) is None
    topic = estate.tenant.read(THEIRS)
    assert topic is not None
    assert "SystemAssigned" in topic["identity"]["type"]
    held = topic["identity"].get("userAssignedIdentities", {})
    assert list(held) == list(identity.get("identity", {}).get("userAssignedIdentities", {}))
    assert estate.tenant.read(f"{THEIRS}/eventSubscriptions/portcullis-prod-changes")
    assert fates(estate, None) == {Fate.THERE}
    left = {s.part.target.text: s.fate for s in heard(estate.onboarding().offboard, NEW)}
    assert left[THEIRS] is Fate.LEFT
    assert estate.tenant.read(f"{THEIRS}/eventSubscriptions/audit")
    assert not estate.tenant.read(f"{THEIRS}/eventSubscriptions/portcullis-prod-changes")


def test_our_topic_stays_while_others_listen_to_it(estate: Estate) -> None:
    heard(estate.onboarding().onboard, NEW)
    to = {"endpointType": "StorageQueue", "properties": {"resourceId": STATE, "queueName": "x"}}
    estate.tenant.write(
        f"{TOPIC}/eventSubscriptions/theirs", {"properties": {"destination": to}}, by=estate.who
    )
    steps = heard(estate.onboarding().offboard, NEW)
    (topic,) = [step for step in steps if step.part.target.text == TOPIC]
    assert (topic.fate, topic.why) == (Fate.LEFT, "others listen to it: theirs")
    assert estate.tenant.read(f"{TOPIC}/eventSubscriptions/theirs")


def test_our_group_stays_while_others_keep_something_in_it(estate: Estate) -> None:
    heard(estate.onboarding().onboard, NEW)
    estate.tenant.load({"id": f"{GROUP}/providers/Microsoft.Compute/disks/d", **ACCOUNT})
    steps = heard(estate.onboarding().offboard, NEW)
    (group,) = [step for step in steps if step.part.target.text == GROUP]
    assert (group.fate, group.why) == (Fate.LEFT, "there is more in it: d")


def test_a_group_of_that_name_that_is_not_ours_is_never_deleted(estate: Estate) -> None:
    estate.tenant.load({"id": GROUP, "location": "westeurope", "tags": {"owner": "others"}})
    heard(estate.onboarding().onboard, NEW)
    heard(estate.onboarding().offboard, NEW)
    group = estate.tenant.read(GROUP)
    assert group is not None
    assert group["tags"] == {"owner": "others"}


def test_whom_defender_tells_already_is_left_alone(estate: Estate) -> None:
    theirs = {"emails": "ciso@contoso.example", "isEnabled": True}
    estate.tenant.load({"id": CONTACT, "properties": theirs})
    heard(estate.onboarding(whole()).onboard, NEW)
    steps = heard(estate.onboarding(whole()).offboard, NEW)
    (contact,) = [step for step in steps if step.part.target.text == CONTACT]
    assert contact.fate is Fate.LEFT
    document = estate.tenant.read(CONTACT)
    assert document is not None
    assert document["properties"] == theirs


def test_an_activity_log_that_comes_to_our_workspace_already_is_enough(estate: Estate) -> None:
    on = [
        {"category": c, "enabled": True} for c in ("Administrative", "Security", "Alert", "Policy")
    ]
    theirs = f"{HERE}/providers/Microsoft.Insights/diagnosticSettings/central"
    estate.tenant.load({"id": theirs, "properties": {"workspaceId": WORKSPACE, "logs": on}})
    steps = heard(estate.onboarding().onboard, NEW)
    (setting,) = [step for step in steps if "diagnosticSettings" in step.part.target.text]
    assert (setting.fate, setting.why) == (Fate.THERE, f"as {theirs}")


# --- what stands in the way


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "SubscriptionNotFound.*az account list"),
        ({"state": "Disabled"}, "is Disabled: nothing can be written there"),
        ({"state": "Enabled", "tenantId": "9" * 8}, "az login --tenant 99999999"),
    ],
    ids=["vanished", "disabled", "of another tenant"],
)
def test_a_subscription_that_cannot_be_taken(
    estate: Estate, document: dict[str, Any] | None, words: str
) -> None:
    name = "00000000-0000-0000-0000-000000000003"
    if document is not None:
        estate.tenant.load({"id": f"/subscriptions/{name}", "subscriptionId": name, **document})
        scope = f"/subscriptions/{name}"
        estate.tenant.load(assignment(estate.who.object_id, OWNER, scope, principalType="User"))
    for ask in (estate.onboarding().planned, estate.onboarding().leaving):
        with pytest.raises(Unusable, match=words):
            ask(name)
    assert estate.writes == []


def test_who_may_not_assign_roles_is_told_what_it_takes(estate: Estate) -> None:
    """A Contributor sees the plan, and nothing is made."""
    who = Identity(name="Cy", object_id="cccccccc-0000-4000-8000-000000000002", kind="User")
    estate.tenant.principals.add_user(who.object_id, "Cy", upn="cy@contoso.example")
    for one in (HOME, NEW):
        scope = f"/subscriptions/{one}"
        estate.tenant.load(assignment(who.object_id, CONTRIBUTOR, scope, principalType="User"))
    onboarding = estate.onboarding(who=who)
    onboarding.planned(NEW)
    with pytest.raises(Refused, match="this takes Owner, or Contributor with User Access") as said:
        heard(onboarding.onboard, NEW)
    assert NEW in str(said.value)
    assert GROUP.lower() not in estate.everything()


def test_a_region_that_does_not_exist_is_named_with_the_mend(estate: Estate) -> None:
    with pytest.raises(Refused, match=r"'moon' is not available.*set AZURE_LOCATION"):
        heard(estate.onboarding(deployment(location="moon")).onboard, NEW)
    heard(estate.onboarding().onboard, NEW)
    assert fates(estate, None) == {Fate.THERE}


def test_a_provider_that_is_not_registered_is_not_registered_by_us(estate: Estate) -> None:
    estate.tenant.unregistered.add("Microsoft.EventGrid")
    mend = f"az provider register --wait --subscription {NEW} --namespace Microsoft.EventGrid"
    with pytest.raises(Refused, match=mend):
        heard(estate.onboarding().onboard, NEW)
    assert "Microsoft.EventGrid" in estate.tenant.unregistered


def test_a_lock_and_a_policy_are_respected_and_named(estate: Estate) -> None:
    lock = {"id": f"{HERE}/providers/Microsoft.Authorization/locks/stop"}
    estate.tenant.load({**lock, "properties": {"level": "ReadOnly"}})
    with pytest.raises(Refused, match="take the lock off"):
        heard(estate.onboarding().onboard, NEW)
    estate.tenant.remove(lock["id"], by=estate.who)
    denial = PolicyDenial(
        scope=HERE, resource_type="Microsoft.EventGrid/systemTopics", when=lambda _: True
    )
    estate.tenant.policies.append(denial)
    with pytest.raises(Refused, match=f"Azure Policy denies it: exempt {TOPIC}"):
        heard(estate.onboarding().onboard, NEW)


def test_an_identity_that_the_directory_does_not_know_yet_is_waited_for(estate: Estate) -> None:
    """It is asked again for a while; after that the same command goes on."""
    estate.tenant.fresh_principals.add(GATE)
    with pytest.raises(Transient, match="PrincipalNotFound"):
        heard(estate.onboarding().onboard, NEW)
    asked = [one for one in estate.tenant.requests if one.status == 400]
    assert len(asked) > 5
    estate.tenant.fresh_principals.clear()
    heard(estate.onboarding().onboard, NEW)
    assert fates(estate, None) == {Fate.THERE}


def test_an_operation_that_fails_is_said(estate: Estate) -> None:
    estate.tenant.fail_next_operation("*systemtopics", "Conflict", "the service is upgrading")
    with pytest.raises(Refused, match="the service is upgrading"):
        heard(estate.onboarding().onboard, NEW)
    heard(estate.onboarding().onboard, NEW)
    assert fates(estate, None) == {Fate.THERE}


def test_which_subscriptions_are_taken(estate: Estate) -> None:
    arm = Arm(
        TenantCredential(estate.tenant, estate.who),
        {},
        estate.clock.now,
        transport=transport(estate.tenant),
    )
    index = Index(arm.ask, estate.clock.now, estate.pause)
    assert taken(index, deployment()).subscriptions == [HOME]
    heard(estate.onboarding().onboard, NEW)
    assert taken(index, deployment()).subscriptions == [HOME, NEW]
    heard(estate.onboarding().offboard, NEW)
    assert taken(index, deployment()) == Taken(subscriptions=[HOME], elsewhere=[], policies=[])


@pytest.mark.parametrize("name", ["prod", "Prod"])
def test_the_deletion_of_any_part_that_we_live_by_is_known_as_ours(name: str) -> None:
    """By its name alone, for it is gone: topics, event subscriptions, roles, assignments."""
    of = deployment(WRITES, name=name, canary=True)
    place = Place(subscription=NEW)
    made = [one.target for one in parts(of, place) if one.target.within(ResourceId(HERE))]
    own = Own(deployments=frozenset({name}), identities=frozenset({GATE, HAND}))
    others = {"diagnosticSettings", "roleAssignments", "roleDefinitions"}
    unknown = [one for one in made if not lost_with(own, one)]
    assert {one.type.rpartition("/")[2] for one in unknown} <= others
    # What is left is of the canary, and of where the activity log goes.
    assert len(unknown) == 3
    assert len(made) - len(unknown) >= 8
    stranger = Own(deployments=frozenset({"test"}), identities=frozenset({GATE, HAND}))
    assert not any(lost_with(stranger, one) for one in made)
