"""Conditions on role assignments: delegation that is held to what it was meant for."""

from typing import Any

import pytest

from simulator import roles
from simulator.conditions import Attributes, UnknownCondition, understand
from simulator.tenant import Tenant
from tests.simulator.client import ALICE, GROUP, ROBOT, SUB, Client, code

WRITE = "Microsoft.Authorization/roleAssignments/write"
DELETE = "Microsoft.Authorization/roleAssignments/delete"
ATTRIBUTE = "[Microsoft.Authorization/roleAssignments:"
PRIVILEGED = f"{{{roles.OWNER}, {roles.USER_ACCESS_ADMINISTRATOR}, {roles.RBAC_ADMINISTRATOR}}}"
ANY = "ForAnyOfAnyValues:GuidEquals"
ONLY_READERS = (
    f"((!(ActionMatches{{'{WRITE}'}})) OR (@Request{ATTRIBUTE}RoleDefinitionId] {ANY} "
    f"{{{roles.READER}}})) AND ((!(ActionMatches{{'{DELETE}'}})) OR "
    f"(@Resource{ATTRIBUTE}RoleDefinitionId] {ANY} {{{roles.READER}}}))"
)
NOT_PRIVILEGED = (
    f"((!(ActionMatches{{'{WRITE}'}})) OR (@Request{ATTRIBUTE}RoleDefinitionId] "
    f"ForAnyOfAllValues:GuidNotEquals {PRIVILEGED}))"
)
TEAM = "dddddddd-0000-4000-8000-000000000001"


@pytest.fixture
def tenant() -> Tenant:
    made = Tenant(rbac=True)
    made.load({"id": GROUP, "location": "westeurope"})
    return made


def _delegated(tenant: Tenant, condition: str) -> Client:
    tenant.load(
        roles.assignment(
            ROBOT.object_id, roles.RBAC_ADMINISTRATOR, SUB, condition=condition,
            conditionVersion="2.0",
        )
    )  # fmt: skip
    return Client(tenant)


def _new(role: str, **more: Any) -> tuple[str, dict[str, Any]]:
    made = roles.assignment(TEAM, role, GROUP, **more)
    return str(made["id"]), {"properties": made["properties"]}


def test_only_named_roles_are_handed_out_and_taken_away(tenant: Tenant) -> None:
    arm = _delegated(tenant, ONLY_READERS)
    owner = tenant.load(roles.assignment(ALICE.object_id, roles.OWNER, GROUP))
    path, body = _new(roles.READER)
    assert arm.put(path, body).status_code == 201
    assert arm.delete(path).status_code == 200
    assert code(arm.put(*_new(roles.CONTRIBUTOR))) == "AuthorizationFailed"
    assert code(arm.delete(owner)) == "AuthorizationFailed"
    assert arm.get(owner).status_code == 200, "the condition is about writing alone"


@pytest.mark.parametrize(
    ("role", "status"),
    [(roles.OWNER, 403), (roles.RBAC_ADMINISTRATOR, 403), (roles.CONTRIBUTOR, 201)],
)
def test_privileged_roles_can_be_left_out(tenant: Tenant, role: str, status: int) -> None:
    """A deny-list still lets Contributor through."""
    assert _delegated(tenant, NOT_PRIVILEGED).put(*_new(role)).status_code == status


@pytest.mark.parametrize(
    ("attribute", "operator", "more", "status"),
    [
        ("PrincipalId", f"{ANY} {{{TEAM}}}", {}, 201),
        ("PrincipalId", f"{ANY} {{{ALICE.object_id}}}", {}, 403),
        ("PrincipalId", f"ForAnyOfAllValues:GuidNotEquals {{{TEAM}}}", {}, 403),
        ("PrincipalType", "StringEqualsIgnoreCase 'GROUP'", {"principalType": "Group"}, 201),
        (
            "PrincipalType",
            "ForAnyOfAnyValues:StringEqualsIgnoreCase {'User', 'Group'}",
            {"principalType": "Group"},
            201,
        ),
        ("PrincipalType", "StringEqualsIgnoreCase 'User'", {"principalType": "Group"}, 403),
        ("PrincipalType", "StringEqualsIgnoreCase 'User'", {}, 403),
    ],
)
def test_principals_can_be_held_to(
    tenant: Tenant, attribute: str, operator: str, more: Any, status: int
) -> None:
    """What the request does not say equals nothing."""
    arm = _delegated(tenant, f"@Request{ATTRIBUTE}{attribute}] {operator}")
    assert arm.put(*_new(roles.READER, **more)).status_code == status


def test_another_assignment_allows_what_a_condition_does_not(tenant: Tenant) -> None:
    arm = _delegated(tenant, ONLY_READERS)
    tenant.load(roles.assignment(ROBOT.object_id, roles.USER_ACCESS_ADMINISTRATOR, GROUP))
    assert arm.put(*_new(roles.OWNER)).status_code == 201


def test_a_condition_inside_of_a_role_holds_its_block(tenant: Tenant) -> None:
    block = {**roles.block(["Microsoft.Authorization/*"]), "condition": ONLY_READERS}
    role = tenant.load(roles.custom_role("delegate", SUB, block))
    tenant.load(roles.assignment(ROBOT.object_id, role, SUB))
    arm = Client(tenant)
    assert arm.put(*_new(roles.READER)).status_code == 201
    assert arm.put(*_new(roles.OWNER)).status_code == 403


NAMED = f"{ANY} {{{roles.READER}}}"
STRANGE = [
    "",
    "@Principal[Microsoft.Directory/CustomSecurityAttributes/Value:a] StringEquals 'b'",
    f"@Request[Microsoft.Storage/storageAccounts:RoleDefinitionId] {NAMED}",
    f"@Request{ATTRIBUTE}Description] StringEqualsIgnoreCase 'x'",
    f"@Request{ATTRIBUTE}RoleDefinitionId] StringLike 'x'",
    f"@Request{ATTRIBUTE}RoleDefinitionId] ForAllOfAnyValues:GuidEquals {{{roles.READER}}}",
    f"@Request{ATTRIBUTE}RoleDefinitionId] {ANY} {{}}",
    f"@Request{ATTRIBUTE}RoleDefinitionId] {ANY}",
    f"Exists @Request{ATTRIBUTE}RoleDefinitionId]",
    f"ActionMatches{{'{WRITE}'}} && ActionMatches{{'{DELETE}'}}",
    f"(ActionMatches{{'{WRITE}'}}",
    f"ActionMatches{{'{WRITE}'}})",
    f"ActionMatches{{'{WRITE}'}} XOR ActionMatches{{'{DELETE}'}}",
    "ActionMatches{'a'} AND ActionMatches{'b'} OR ActionMatches{'c'}",
    "ActionMatches{'a'} AND",
    "!",
]


@pytest.mark.parametrize("text", STRANGE)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(UnknownCondition):
        understand(text)


@pytest.mark.parametrize("text", STRANGE[1:])
def test_no_answer_hangs_on_a_condition_that_is_not_understood(tenant: Tenant, text: str) -> None:
    """Neither allowed nor denied: the simulator says that it does not know."""
    answer = _delegated(tenant, text).put(*_new(roles.READER))
    assert (answer.status_code, code(answer)) == (501, "SimulatorDoesNotKnow")


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"condition": ONLY_READERS, "conditionVersion": "2.0"}, 201),
        ({"condition": STRANGE[1], "conditionVersion": "2.0"}, 501),
        ({"condition": ONLY_READERS, "conditionVersion": "1.0"}, 501),
    ],
)
def test_an_unknown_condition_cannot_be_written(tenant: Tenant, more: Any, status: int) -> None:
    tenant.load(roles.assignment(ROBOT.object_id, roles.OWNER, SUB))
    assert Client(tenant).put(*_new(roles.READER, **more)).status_code == status


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ActionMatches{'a/*'}", True),
        ("ActionMatches{'b/*', 'A/B/write'}", True),
        ("ActionMatches{'a/b'}", False),
        ("!ActionMatches{'a/*'}", False),
        ("!!(ActionMatches{'a/*'})", True),
        ("ActionMatches{'x'} OR ActionMatches{'y'} OR ActionMatches{'*'}", True),
        ("ActionMatches{'x'} or (ActionMatches{'a*'} and !(ActionMatches{'*/write'}))", False),
        (f"@Resource{ATTRIBUTE}PrincipalId] GuidEquals {TEAM.upper()}", True),
        (f"@Request{ATTRIBUTE}PrincipalId] GuidEquals {TEAM}", False),
    ],
)
def test_words_and_marks_mean_what_they_say(text: str, *, expected: bool) -> None:
    given = Attributes(resource={"principalid": TEAM})
    assert understand(text)("a/b/write", given) is expected
