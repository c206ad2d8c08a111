"""What stands before a write: locks, policy, deny assignments, subscriptions, access."""

from typing import Any

import pytest

from simulator.tenant import PolicyDenial, Tenant
from tests.simulator.client import (
    ACCOUNT,
    ALICE,
    ASSIGNMENTS,
    GROUP,
    LOCKS,
    NSG,
    ROBOT,
    SERVER,
    SUB,
    Client,
    code,
    rule,
)

MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/platform"
EVERYONE = "00000000-0000-0000-0000-000000000000"


def _lock(tenant: Tenant, scope: str, level: str) -> str:
    return tenant.load({"id": f"{scope}/{LOCKS}/keep", "properties": {"level": level}})


@pytest.fixture
def account(tenant: Tenant) -> str:
    return tenant.load({"id": ACCOUNT, "location": "westeurope", "properties": {}})


@pytest.mark.parametrize("scope", [SUB, GROUP, ACCOUNT])
@pytest.mark.parametrize(
    ("level", "refused"),
    [("CanNotDelete", {"DELETE"}), ("ReadOnly", {"DELETE", "PATCH", "PUT", "POST"})],
)
def test_locks_are_inherited_and_named(
    tenant: Tenant, arm: Client, account: str, scope: str, level: str, refused: set[str]
) -> None:
    _lock(tenant, scope, level)
    body = {"location": "westeurope", "properties": {}}
    answers = {
        "PATCH": arm.patch(account, {"tags": {}}),
        "PUT": arm.put(account, body),
        "POST": arm.post(f"{account}/listKeys"),
        "DELETE": arm.delete(account),
    }
    assert {name for name, answer in answers.items() if answer.status_code == 409} == refused
    assert code(answers["DELETE"]) == "ScopeLocked"
    message = answers["DELETE"].json()["error"]["message"]
    assert f"locked: '{scope}'" in message
    assert "delete operation" in message


def test_a_read_only_lock_leaves_reading_alone(tenant: Tenant, arm: Client, account: str) -> None:
    _lock(tenant, GROUP, "ReadOnly")
    assert arm.get(account).status_code == 200


def test_a_lock_inside_keeps_the_group(tenant: Tenant, arm: Client, account: str) -> None:
    """Deleting a group would delete the locked account with it."""
    _lock(tenant, account, "CanNotDelete")
    answer = arm.delete(GROUP)
    assert (answer.status_code, code(answer)) == (409, "ScopeLocked")
    assert account in answer.json()["error"]["message"]


def test_a_lock_protects_assignments_but_not_itself(tenant: Tenant, arm: Client) -> None:
    """Role assignments under a lock stay; the lock itself can be taken away."""
    lock = _lock(tenant, GROUP, "CanNotDelete")
    assignment = tenant.load(
        {"id": f"{GROUP}/{ASSIGNMENTS}/dddddddd-0000-4000-8000-000000000001", "properties": {}}
    )
    assert code(arm.delete(assignment)) == "ScopeLocked"
    assert arm.delete(lock).status_code == 200
    assert arm.delete(assignment).status_code == 200


@pytest.mark.parametrize(
    ("scope", "level", "expected"),
    [(GROUP, "Sometimes", "InvalidLockLevel"), ("", "ReadOnly", "LockScopeNotSupported")],
)
def test_unsound_locks_are_refused(arm: Client, scope: str, level: str, expected: str) -> None:
    answer = arm.put(f"{scope}/{LOCKS}/keep", {"properties": {"level": level}})
    assert (answer.status_code, code(answer)) == (400, expected)


@pytest.mark.parametrize("scope", [MANAGEMENT_GROUP, SUB, GROUP, ACCOUNT])
def test_a_policy_denies_what_a_write_would_leave(
    tenant: Tenant, arm: Client, account: str, scope: str
) -> None:
    """The result is judged, so a PATCH of something else is denied on a violating account."""
    tenant.load({"id": f"{MANAGEMENT_GROUP}/subscriptions/{SUB.rsplit('/', 1)[1]}"})
    tenant.policies.append(
        PolicyDenial(
            scope,
            "Microsoft.Storage/storageAccounts",
            path="properties.publicNetworkAccess",
            values=("Enabled", None),
            name="No public storage",
            assignment_id=f"{scope}/providers/Microsoft.Authorization/policyAssignments/nopub",
        )
    )
    answer = arm.patch(account, {"tags": {"a": "b"}})
    assert (answer.status_code, code(answer)) == (403, "RequestDisallowedByPolicy")
    error = answer.json()["error"]
    info = error["additionalInfo"][0]
    assert (info["type"], error["target"]) == ("PolicyViolation", "contoso")
    assert info["info"]["policyAssignmentId"].endswith("/policyAssignments/nopub")
    assert info["info"]["policyDefinitionEffect"] == "deny"
    closed = arm.patch(account, {"properties": {"publicNetworkAccess": "Disabled"}})
    assert closed.status_code == 200


def test_a_policy_may_be_any_question(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": NSG, "location": "westeurope"})
    tenant.policies.append(
        PolicyDenial(
            SUB,
            "Microsoft.Network/networkSecurityGroups/securityRules",
            when=lambda one: one["properties"]["priority"] < 200,
        )
    )
    assert code(arm.put(f"{NSG}/securityRules/a", rule(150))) == "RequestDisallowedByPolicy"
    assert arm.put(f"{NSG}/securityRules/b", rule(250)).status_code == 201


def test_a_policy_elsewhere_or_for_another_type_is_silent(
    tenant: Tenant, arm: Client, account: str
) -> None:
    for scope, kind in [
        (f"{SUB}/resourceGroups/other", "Microsoft.Storage/storageAccounts"),
        (SUB, "Microsoft.KeyVault/vaults"),
        (GROUP[:-1], "Microsoft.Storage/storageAccounts"),
    ]:
        tenant.policies.append(PolicyDenial(scope, kind, when=lambda _: True))
    assert arm.patch(account, {"tags": {}}).status_code == 200


def _deny(tenant: Tenant, **properties: Any) -> None:
    tenant.load(
        {
            "id": f"{GROUP}/providers/Microsoft.Authorization/denyAssignments/d1",
            "properties": {
                "denyAssignmentName": "managed by the platform",
                "permissions": [{"actions": ["*"], "notActions": ["*/read"]}],
                "principals": [{"id": EVERYONE, "type": "SystemDefined"}],
                **properties,
            },
        }
    )


def test_a_deny_assignment_stops_writes_in_its_scope(
    tenant: Tenant, arm: Client, account: str
) -> None:
    _deny(tenant)
    assert arm.get(account).status_code == 200
    answer = arm.patch(account, {"tags": {}})
    assert (answer.status_code, code(answer)) == (403, "DenyAssignmentAuthorizationFailed")
    assert "managed by the platform" in answer.json()["error"]["message"]
    other = account.replace("Prod-RG", "other")
    tenant.load({"id": other, "location": "westeurope"})
    assert arm.patch(other, {"tags": {}}).status_code == 200


@pytest.mark.parametrize(
    "properties",
    [
        {"excludePrincipals": [{"id": ROBOT.object_id}]},
        {"principals": [{"id": ALICE.object_id}]},
        {"permissions": [{"actions": ["Microsoft.KeyVault/*"]}]},
        {"doNotApplyToChildScopes": True},
    ],
)
def test_a_deny_assignment_spares_whom_it_does_not_mean(
    tenant: Tenant, arm: Client, properties: dict[str, Any]
) -> None:
    tenant.load({"id": f"{SERVER}/firewallRules/all", "properties": {}})
    _deny(tenant, **properties)
    assert arm.delete(f"{SERVER}/firewallRules/all").status_code == 200
    assert arm.patch(SERVER, {"tags": {}}).status_code == 202


def test_a_deny_assignment_for_its_scope_alone_holds_there(tenant: Tenant, arm: Client) -> None:
    """Without child scopes it still guards the group itself and what is granted on it."""
    grant = f"{GROUP}/{ASSIGNMENTS}/dddddddd-0000-4000-8000-000000000001"
    tenant.load({"id": grant, "properties": {}})
    _deny(tenant, doNotApplyToChildScopes=True)
    for answer in (arm.patch(GROUP, {"tags": {}}), arm.delete(grant)):
        assert code(answer) == "DenyAssignmentAuthorizationFailed"


def test_an_unregistered_provider_is_refused_on_writes_only(
    tenant: Tenant, arm: Client, account: str
) -> None:
    tenant.unregistered.add("microsoft.storage")
    answer = arm.patch(account, {"tags": {}})
    assert (answer.status_code, code(answer)) == (409, "MissingSubscriptionRegistration")
    assert answer.json()["error"]["details"][0]["target"] == "Microsoft.Storage"
    assert arm.get(account).status_code == 200


def test_a_registration_leaves_a_trace(tenant: Tenant, arm: Client, account: str) -> None:
    """Whoever registers a provider is seen doing it, and it takes effect."""
    tenant.unregistered.add("Microsoft.Storage")
    path = f"{SUB}/providers/Microsoft.Storage"
    assert arm.get(path).json()["registrationState"] == "NotRegistered"
    assert arm.post(f"{path}/register").json()["registrationState"] == "Registered"
    assert [entry.path for entry in tenant.writes] == [f"{path}/register"]
    assert arm.patch(account, {"tags": {}}).status_code == 200


def test_a_disabled_subscription_is_read_only(tenant: Tenant, arm: Client, account: str) -> None:
    tenant.load({"id": SUB, "state": "Disabled"})
    for answer in (arm.patch(account, {"tags": {}}), arm.delete(account)):
        assert (answer.status_code, code(answer)) == (409, "ReadOnlyDisabledSubscription")
    assert arm.get(account).status_code == 200


@pytest.mark.parametrize(
    ("action", "scope", "refused"),
    [
        ("Microsoft.Storage/storageAccounts/write", SUB, True),
        ("*", GROUP, True),
        ("microsoft.storage/*/WRITE", "/", True),
        ("*/delete", SUB, False),
        ("*", f"{SUB}/resourceGroups/other", False),
    ],
)
def test_access_can_be_refused_by_action_and_scope(
    tenant: Tenant, arm: Client, account: str, action: str, scope: str, *, refused: bool
) -> None:
    tenant.refuse(ROBOT, action, scope)
    answer = arm.patch(account, {"tags": {}})
    assert (answer.status_code == 403) is refused
    if refused:
        assert code(answer) == "AuthorizationFailed"
        message = answer.json()["error"]["message"]
        assert ROBOT.object_id in message
        assert "'Microsoft.Storage/storageAccounts/write'" in message
    assert Client(tenant, ALICE).patch(account, {"tags": {}}).status_code == 200


def test_a_refused_write_changes_nothing_and_is_no_write(
    tenant: Tenant, arm: Client, account: str
) -> None:
    before = tenant.read(account)
    _lock(tenant, GROUP, "ReadOnly")
    arm.patch(account, {"tags": {"a": "b"}})
    arm.delete(account)
    assert tenant.read(account) == before
    assert tenant.writes == []
    assert [entry.status for entry in tenant.requests] == [409, 409]
