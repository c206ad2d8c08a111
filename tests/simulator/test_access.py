"""Access by role assignments: who may do what, where, from when, and as whom it is remembered."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import roles
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.simulator.client import (
    ACCOUNT,
    ALICE,
    ASSIGNMENTS,
    GROUP,
    NSG,
    ROBOT,
    SUB,
    VAULT,
    Client,
    code,
    rule,
)

PLATFORM = "/providers/Microsoft.Management/managementGroups/platform"
ABOVE = "/providers/Microsoft.Management/managementGroups/company"
OTHER = f"{SUB}/resourceGroups/other"
TEAM = "dddddddd-0000-4000-8000-000000000001"
WRITE = "Microsoft.Storage/storageAccounts/write"
READ = "Microsoft.Storage/storageAccounts/read"
TAGGED = {"tags": {"a": "b"}}


def _tenant(clock: VirtualClock | None = None) -> Tenant:
    tenant = Tenant(clock, rbac=True)
    tenant.load({"id": ABOVE})
    tenant.load({"id": PLATFORM, "properties": {"details": {"parent": {"id": ABOVE}}}})
    tenant.load({"id": f"{PLATFORM}/subscriptions/{SUB.rsplit('/', 1)[1]}"})
    for scope in (GROUP, OTHER):
        tenant.load({"id": scope, "location": "westeurope"})
    tenant.load({"id": ACCOUNT, "location": "westeurope", "properties": {}})
    return tenant


@pytest.fixture
def tenant(clock: VirtualClock) -> Tenant:
    """A tenant with access control, a subscription two management groups down, one account."""
    return _tenant(clock)


def _custom(tenant: Tenant, *blocks: Any, name: str = "custom", scope: str = SUB) -> str:
    """A custom role of blocks, each its actions and what it leaves out; returns its id."""
    made = [roles.block(*one) for one in blocks]
    return tenant.load(roles.custom_role(name, scope, *made))


def _grant(tenant: Tenant, role: str, scope: str = SUB, **more: Any) -> str:
    return tenant.load(roles.assignment(ROBOT.object_id, role, scope, **more))


def test_without_an_assignment_nothing_is_allowed(arm: Client) -> None:
    """Reading and writing are refused, in Azure's words."""
    for answer, action in ((arm.get(ACCOUNT), READ), (arm.patch(ACCOUNT, TAGGED), WRITE)):
        assert (answer.status_code, code(answer)) == (403, "AuthorizationFailed")
        assert answer.json()["error"]["message"] == (
            f"The client '{ROBOT.app_id}' with object id '{ROBOT.object_id}' does not have "
            f"authorization to perform action '{action}' over scope '{ACCOUNT}' or the scope is "
            "invalid. If access was recently granted, please refresh your credentials."
        )


@pytest.mark.parametrize("scope", ["/", ABOVE, PLATFORM, SUB, GROUP, ACCOUNT])
def test_a_right_holds_at_its_scope_and_below(tenant: Tenant, arm: Client, scope: str) -> None:
    _grant(tenant, roles.STORAGE_ACCOUNT_CONTRIBUTOR, scope)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 200
    assert Client(tenant, ALICE).patch(ACCOUNT, TAGGED).status_code == 403


@pytest.mark.parametrize(
    "scope",
    [
        OTHER,
        "/providers/Microsoft.Management/managementGroups/elsewhere",
        GROUP[:-1],
        VAULT,
        ACCOUNT + "/blobServices/default",
    ],
)
def test_a_right_does_not_hold_beside_or_above(tenant: Tenant, arm: Client, scope: str) -> None:
    _grant(tenant, roles.OWNER, scope)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 403


def test_a_management_group_inherits_from_the_one_above(tenant: Tenant, arm: Client) -> None:
    _grant(tenant, roles.READER, ABOVE)
    assert arm.get(PLATFORM).status_code == 200
    assert arm.get(f"{PLATFORM}/descendants").status_code == 200
    assert arm.get("/providers/Microsoft.Management/managementGroups/x").status_code == 403


@pytest.mark.parametrize(
    ("actions", "left_out", "allowed"),
    [
        (("*",), (), True),
        (("*/write",), (), True),
        (("microsoft.STORAGE/*/Write",), (), True),
        (("Microsoft.Storage/storageAccounts/*",), ("*/delete",), True),
        (("*/read", "*/action"), (), False),
        (("*",), ("Microsoft.Storage/*",), False),
        (("*",), (WRITE.upper(),), False),
        (("Microsoft.Storage/storageAccounts",), (), False),
        (("Microsoft.Storage/storageAccounts/writ?",), (), False),
        ((), (), False),
    ],
)
def test_actions_less_what_is_left_out(
    tenant: Tenant, arm: Client, actions: Any, left_out: Any, *, allowed: bool
) -> None:
    """Wildcards span segments, letters have no case, and `?` is only a character."""
    _grant(tenant, _custom(tenant, (actions, left_out)))
    assert (arm.patch(ACCOUNT, TAGGED).status_code == 200) is allowed


def test_blocks_of_a_role_add_up(tenant: Tenant, arm: Client) -> None:
    """What one block leaves out another may give."""
    _grant(tenant, _custom(tenant, (["*"], ["*/write"]), ([WRITE], [])))
    assert arm.patch(ACCOUNT, TAGGED).status_code == 200
    assert arm.put(VAULT, {"location": "westeurope", "properties": {}}).status_code == 403


_ACTION = st.sampled_from(
    ["*", "*/read", "*/write", WRITE, READ, "Microsoft.Storage/*", "Microsoft.KeyVault/*"]
)
_ROLE = st.tuples(st.lists(_ACTION, max_size=3), st.lists(_ACTION, max_size=2))


@settings(max_examples=60, deadline=None)
@given(granted=st.lists(st.tuples(_ROLE, st.sampled_from(["/", SUB, GROUP, OTHER])), max_size=5))
def test_rights_are_the_union_of_what_each_assignment_gives(granted: Any) -> None:
    """Allowed by all together exactly when one of them alone allows; none takes from another."""
    together = _tenant()
    alone: list[bool] = []
    for number, (blocks, scope) in enumerate(granted):
        single = _tenant()
        for tenant in (together, single):
            role = _custom(tenant, blocks, name=f"role {number}", scope="/")
            _grant(tenant, role, scope)
        alone.append(Client(single).patch(ACCOUNT, TAGGED).status_code == 200)
    assert (Client(together).patch(ACCOUNT, TAGGED).status_code == 200) is any(alone)


@pytest.mark.parametrize(
    ("assignable", "scope", "allowed"),
    [(SUB, GROUP, True), (PLATFORM, SUB, True), (GROUP, SUB, False), (OTHER, GROUP, False)],
)
def test_a_custom_role_counts_where_it_can_be_assigned(
    tenant: Tenant, arm: Client, assignable: str, scope: str, *, allowed: bool
) -> None:
    """Elsewhere it does not exist: no such assignment can be made, and a loaded one is void."""
    role = _custom(tenant, (["*"], []), scope=assignable)
    _grant(tenant, role, scope)
    assert (arm.patch(ACCOUNT, TAGGED).status_code == 200) is allowed
    tenant.load(roles.assignment(ALICE.object_id, roles.OWNER, SUB))
    answer = Client(tenant, ALICE).put(*_new(scope, role))
    assert (answer.status_code == 201) is allowed
    assert allowed or code(answer) == "RoleDefinitionDoesNotExist"


def _new(scope: str, role: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """Path and body of an assignment to the team."""
    made = roles.assignment(TEAM, role, scope, **more)
    return str(made["id"]), {"properties": made["properties"]}


def test_a_changed_definition_changes_what_its_holders_may_do(tenant: Tenant, arm: Client) -> None:
    role = _custom(tenant, (["*/read"], []))
    _grant(tenant, role)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 403
    _custom(tenant, (["*"], []))
    assert arm.patch(ACCOUNT, TAGGED).status_code == 200


def test_members_have_what_their_group_has(tenant: Tenant, arm: Client) -> None:
    tenant.load(roles.assignment(TEAM, roles.CONTRIBUTOR, GROUP))
    assert arm.patch(ACCOUNT, TAGGED).status_code == 403
    tenant.principals.join(TEAM.upper(), ROBOT.object_id)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 200


def test_members_of_a_group_in_a_group_have_what_both_have(tenant: Tenant, arm: Client) -> None:
    """Also where the groups are in each other."""
    outer = TEAM[:-1] + "2"
    tenant.load(roles.assignment(outer, roles.CONTRIBUTOR, GROUP))
    tenant.principals.join(TEAM, ROBOT.object_id)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 403
    for group, member in ((outer, TEAM), (TEAM, outer)):
        tenant.principals.join(group, member)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 200


def test_a_deleted_group_gives_its_members_nothing(tenant: Tenant, arm: Client) -> None:
    """Its assignments stay behind; whoever is left in it has nothing of them."""
    tenant.load(roles.assignment(TEAM, roles.CONTRIBUTOR, GROUP))
    tenant.principals.join(TEAM, ROBOT.object_id)
    tenant.principals.remove(TEAM)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 403


@pytest.fixture
def boss(tenant: Tenant) -> Client:
    """Somebody who may hand out and take away."""
    tenant.load(roles.assignment(ALICE.object_id, roles.USER_ACCESS_ADMINISTRATOR, SUB))
    return Client(tenant, ALICE)


def test_a_grant_and_its_end_take_their_time(
    tenant: Tenant, clock: VirtualClock, arm: Client, boss: Client
) -> None:
    """Listed at once, in force after the delay; deleted at once, in force until the delay."""
    tenant.propagation = timedelta(minutes=10)
    tenant.principals.join(TEAM, ROBOT.object_id)
    path, body = _new(GROUP, roles.CONTRIBUTOR)
    assert boss.put(path, body).status_code == 201
    statuses = []
    for minutes in (9, 1):
        clock.advance(timedelta(minutes=minutes))
        statuses.append(arm.patch(ACCOUNT, TAGGED).status_code)
    assert boss.delete(path).status_code == 200
    for minutes in (9, 1):
        clock.advance(timedelta(minutes=minutes))
        statuses.append(arm.patch(ACCOUNT, TAGGED).status_code)
    assert statuses == [403, 200, 200, 403]


def test_what_stood_for_five_minutes_counts_for_five(
    tenant: Tenant, clock: VirtualClock, arm: Client, boss: Client
) -> None:
    """Each change counts its delay later, also one that was taken back before it did."""
    tenant.propagation = timedelta(minutes=10)
    tenant.principals.join(TEAM, ROBOT.object_id)
    path, body = _new(GROUP, roles.CONTRIBUTOR)
    boss.put(path, body)
    clock.advance(timedelta(minutes=5))
    boss.delete(path)
    statuses = []
    for _ in range(4):
        statuses.append(arm.patch(ACCOUNT, TAGGED).status_code)
        clock.advance(timedelta(minutes=4))
    assert statuses == [403, 403, 200, 403]


@settings(max_examples=60, deadline=None)
@given(changed=st.lists(st.booleans(), max_size=12), delay=st.integers(0, 4))
def test_rights_follow_their_assignments_by_the_delay(changed: list[bool], delay: int) -> None:
    """Whatever is made and deleted when: allowed now is what stood the delay ago."""
    clock = VirtualClock()
    tenant = _tenant(clock)
    tenant.load(roles.assignment(ALICE.object_id, roles.OWNER, SUB))
    tenant.propagation = timedelta(minutes=delay)
    tenant.principals.join(TEAM, ROBOT.object_id)
    path, body = _new(GROUP, roles.CONTRIBUTOR)
    boss, arm = Client(tenant, ALICE), Client(tenant)
    stood = [False] * (delay + 1)
    for change in changed:
        stands = stood[-1] is not change
        if change:
            assert (boss.put(path, body) if stands else boss.delete(path)).status_code < 300
        stood.append(stands)
        assert (arm.patch(ACCOUNT, TAGGED).status_code == 200) is stood[-1 - delay]
        clock.advance(timedelta(minutes=1))


def test_a_changed_role_gives_what_it_lists_by_then(tenant: Tenant, arm: Client) -> None:
    role = _custom(tenant, (["*"], []))
    _grant(tenant, role)
    narrowed = {"properties": {**(tenant.read(role) or {})["properties"]}}
    narrowed["properties"]["permissions"] = [roles.block(["*/read"])]
    assert arm.put(role, narrowed).status_code == 200
    assert arm.patch(ACCOUNT, TAGGED).status_code == 403


def test_a_deleted_role_can_be_assigned_no_more(tenant: Tenant, boss: Client) -> None:
    role = _custom(tenant, (["*"], []))
    assert boss.delete(role).status_code == 200
    path, body = _new(GROUP, role)
    assert code(boss.put(path, body)) == "RoleDefinitionDoesNotExist"


def test_without_a_delay_rights_come_and_go_at_once(
    tenant: Tenant, arm: Client, boss: Client
) -> None:
    tenant.principals.join(TEAM, ROBOT.object_id)
    path, body = _new(GROUP, roles.CONTRIBUTOR)
    boss.put(path, body)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 200
    boss.delete(path)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 403


def test_what_is_loaded_was_always_there(tenant: Tenant, arm: Client) -> None:
    tenant.propagation = timedelta(minutes=10)
    _grant(tenant, roles.CONTRIBUTOR)
    assert arm.patch(ACCOUNT, TAGGED).status_code == 200


def test_rights_go_with_the_group_they_were_on(tenant: Tenant, arm: Client) -> None:
    _grant(tenant, roles.OWNER, OTHER)
    assert arm.delete(OTHER).status_code == 202
    tenant.settle()
    assert arm.get(OTHER).status_code == 403


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (roles.OWNER, {"account", "grant"}),
        (roles.CONTRIBUTOR, {"account"}),
        (roles.READER, set()),
        (roles.USER_ACCESS_ADMINISTRATOR, {"grant"}),
        (roles.RBAC_ADMINISTRATOR, {"grant"}),
        (roles.STORAGE_ACCOUNT_CONTRIBUTOR, {"account"}),
        (roles.NETWORK_CONTRIBUTOR, {"nsg"}),
        (roles.SQL_SECURITY_MANAGER, set()),
        (roles.KEY_VAULT_CONTRIBUTOR, {"vault"}),
    ],
)
def test_built_in_roles_do_what_they_are_known_for(
    tenant: Tenant, arm: Client, role: str, allowed: set[str]
) -> None:
    _grant(tenant, role)
    vault = {"location": "westeurope", "properties": {"tenantId": tenant.tenant_id}}
    answers = {
        "account": arm.patch(ACCOUNT, TAGGED),
        "grant": arm.put(*_new(GROUP, roles.READER)),
        "nsg": arm.put(f"{NSG}", {"location": "westeurope", "properties": {}}),
        "vault": arm.put(VAULT, vault),
    }
    everything = {"nsg", "vault"} if role in {roles.OWNER, roles.CONTRIBUTOR} else set()
    found = {name for name, answer in answers.items() if answer.status_code != 403}
    assert found == allowed | everything


@pytest.mark.parametrize("scope", ["", SUB, GROUP])
def test_built_in_roles_can_be_read(tenant: Tenant, arm: Client, scope: str) -> None:
    """At the root by everybody, elsewhere by who may read roles there."""
    path = f"{scope}/providers/Microsoft.Authorization/roleDefinitions"
    assert arm.get(f"{path}/{roles.OWNER}").status_code == (403 if scope else 200)
    _grant(tenant, roles.READER)
    assert arm.get(f"{path}/{roles.OWNER}").json()["properties"]["roleName"] == "Owner"
    listed = {one["name"] for one in arm.get(path).json()["value"]}
    assert {roles.OWNER, roles.KEY_VAULT_CONTRIBUTOR} <= listed


def test_a_registration_needs_its_own_action(tenant: Tenant, arm: Client) -> None:
    tenant.unregistered.add("Microsoft.Storage")
    path = f"{SUB}/providers/Microsoft.Storage"
    _grant(tenant, roles.READER)
    assert arm.get(path).json()["registrationState"] == "NotRegistered"
    answer = arm.post(f"{path}/register")
    assert "'Microsoft.Storage/register/action'" in answer.json()["error"]["message"]
    assert tenant.unregistered == {"Microsoft.Storage"}
    _grant(tenant, _custom(tenant, (["Microsoft.Storage/register/action"], [])))
    assert arm.post(f"{path}/register").status_code == 200


def test_following_an_operation_is_a_read_of_its_own(tenant: Tenant, arm: Client) -> None:
    """The right to write does not include the right to poll."""
    tenant.load({"id": NSG, "location": "westeurope"})
    writing = ["Microsoft.Network/networkSecurityGroups/securityRules/write"]
    _grant(tenant, _custom(tenant, (writing, [])))
    begun = arm.put(f"{NSG}/securityRules/a", rule())
    answer = arm.get(begun.headers["Azure-AsyncOperation"])
    assert (answer.status_code, code(answer)) == (403, "AuthorizationFailed")
    assert "'Microsoft.Network/locations/operations/read'" in answer.json()["error"]["message"]
    _custom(tenant, ([*writing, "Microsoft.Network/locations/operations/read"], []))
    assert arm.get(begun.headers["Azure-AsyncOperation"]).status_code == 200


def test_an_event_names_the_assignment_that_allowed(tenant: Tenant, arm: Client) -> None:
    """Through a group the principal is the group."""
    tenant.load(roles.assignment(TEAM, roles.CONTRIBUTOR, PLATFORM, principalType="Group"))
    tenant.principals.join(TEAM, ROBOT.object_id)
    arm.patch(ACCOUNT, TAGGED)
    (event,) = tenant.events.take()
    made = roles.assignment(TEAM, roles.CONTRIBUTOR, PLATFORM)
    assert event["data"]["authorization"]["evidence"] == {
        "role": "Contributor",
        "roleAssignmentScope": PLATFORM,
        "roleAssignmentId": made["name"].replace("-", ""),
        "roleDefinitionId": roles.CONTRIBUTOR.replace("-", ""),
        "principalId": TEAM.replace("-", ""),
        "principalType": "Group",
    }


def test_an_event_of_a_refusal_names_no_assignment(tenant: Tenant, arm: Client) -> None:
    arm.patch(ACCOUNT, TAGGED)
    (event,) = tenant.events.take()
    assert event["eventType"] == "Microsoft.Resources.ResourceWriteFailure"
    assert event["data"]["authorization"] == {"scope": ACCOUNT, "action": WRITE}


def test_refusals_and_deny_assignments_stand_above_rights(tenant: Tenant, arm: Client) -> None:
    _grant(tenant, roles.OWNER)
    tenant.refuse(ROBOT, WRITE, GROUP)
    assert code(arm.patch(ACCOUNT, TAGGED)) == "AuthorizationFailed"
    assert arm.get(f"{GROUP}/{ASSIGNMENTS}").status_code == 200
    tenant.load(
        {
            "id": f"{OTHER}/providers/Microsoft.Authorization/denyAssignments/d1",
            "properties": {
                "permissions": [{"actions": ["*/write"]}],
                "principals": [{"id": ROBOT.object_id}],
            },
        }
    )
    assert code(arm.patch(OTHER, TAGGED)) == "DenyAssignmentAuthorizationFailed"
