"""Role assignments and definitions: immutable, unique, inherited, and read in odd ways."""

from typing import Any

import pytest

from simulator.tenant import Tenant
from tests.simulator.client import ASSIGNMENTS, GROUP, SUB, VAULT, Client, code

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
PERSON = "eeeeeeee-0000-4000-8000-000000000001"
MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/platform"


def _guid(number: int) -> str:
    return f"dddddddd-0000-4000-8000-{number:012d}"


def _path(scope: str, number: int) -> str:
    return f"{scope}/{ASSIGNMENTS}/{_guid(number)}"


def _body(principal: str = PERSON, role: str = OWNER) -> dict[str, Any]:
    definition = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return {"properties": {"principalId": principal, "roleDefinitionId": definition}}


def _load(tenant: Tenant, scope: str, number: int, principal: str = PERSON) -> str:
    properties = {**_body(principal)["properties"], "scope": scope}
    return tenant.load({"id": _path(scope, number), "properties": properties})


def test_creating_and_deleting_an_assignment(arm: Client) -> None:
    """PUT answers 201, DELETE 200 with the body of what was deleted, then 204."""
    created = arm.put(_path(GROUP, 1), _body())
    assert created.status_code == 201
    properties = created.json()["properties"]
    assert (properties["scope"], properties["principalType"]) == (GROUP, "User")
    assert properties["createdOn"].startswith("2026-03-02T06:00:00")
    deleted = arm.delete(_path(GROUP, 1))
    assert (deleted.status_code, deleted.json()["name"]) == (200, _guid(1))
    assert arm.delete(_path(GROUP, 1)).status_code == 204


def test_an_assignments_name_is_a_guid(arm: Client) -> None:
    answer = arm.put(f"{GROUP}/{ASSIGNMENTS}/my-assignment", _body())
    assert (answer.status_code, code(answer)) == (400, "InvalidRoleAssignmentId")


@pytest.mark.parametrize("missing", ["principalId", "roleDefinitionId"])
def test_an_assignment_needs_principal_and_role(arm: Client, missing: str) -> None:
    body = _body()
    del body["properties"][missing]
    assert arm.put(_path(GROUP, 1), body).status_code == 400


@pytest.mark.parametrize("change", [{"principal": _guid(99)}, {"role": READER}])
def test_principal_and_role_never_change(arm: Client, change: dict[str, str]) -> None:
    arm.put(_path(GROUP, 1), _body())
    answer = arm.put(_path(GROUP, 1), _body(**change))
    assert (answer.status_code, code(answer)) == (400, "RoleAssignmentUpdateNotPermitted")
    described = _body()
    described["properties"]["description"] = "for the migration"
    assert arm.put(_path(GROUP, 1), described).status_code == 200


def test_the_same_grant_under_another_name_exists_already(arm: Client) -> None:
    """Only the guid of the role counts, whatever prefixes it; another scope is another grant."""
    arm.put(_path(GROUP, 1), _body())
    again = _body()
    again["properties"]["roleDefinitionId"] = (
        f"/providers/Microsoft.Authorization/roleDefinitions/{OWNER.upper()}"
    )
    answer = arm.put(_path(GROUP, 2), again)
    assert (answer.status_code, code(answer)) == (409, "RoleAssignmentExists")
    assert arm.put(_path(SUB, 2), _body()).status_code == 201
    assert arm.put(_path(GROUP, 3), _body(role=READER)).status_code == 201


def test_a_fresh_principal_is_not_found_until_it_is(tenant: Tenant, arm: Client) -> None:
    tenant.fresh_principals.add(PERSON)
    answer = arm.put(_path(GROUP, 1), _body())
    assert (answer.status_code, code(answer)) == (400, "PrincipalNotFound")
    tenant.fresh_principals.clear()
    assert arm.put(_path(GROUP, 1), _body()).status_code == 201


@pytest.mark.parametrize("scope", ["", MANAGEMENT_GROUP, SUB, GROUP, VAULT])
def test_assignments_live_at_every_scope(tenant: Tenant, arm: Client, scope: str) -> None:
    tenant.load({"id": MANAGEMENT_GROUP})
    tenant.load({"id": VAULT, "location": "westeurope"})
    assert arm.put(_path(scope, 1), _body()).status_code == 201
    assert arm.get(_path(scope, 1)).json()["properties"]["scope"] == (scope or "/")


@pytest.fixture
def inherited(tenant: Tenant) -> None:
    """One assignment at each level, and one beside the line."""
    tenant.load({"id": f"{MANAGEMENT_GROUP}/subscriptions/{SUB.rsplit('/', 1)[1]}"})
    tenant.load({"id": VAULT, "location": "westeurope"})
    tenant.load({"id": f"{SUB}/resourceGroups/other"})
    scopes = ["", MANAGEMENT_GROUP, SUB, GROUP, VAULT, f"{SUB}/resourceGroups/other"]
    for number, scope in enumerate(scopes):
        _load(tenant, scope, number, principal=_guid(90 + number))
    _load(tenant, "/providers/Microsoft.Management/managementGroups/elsewhere", 9)


def _numbers(answer: Any) -> list[int]:
    return sorted(int(one["name"].rsplit("-", 1)[1]) for one in answer.json()["value"])


@pytest.mark.parametrize(
    ("scope", "query", "expected"),
    [
        (SUB, "", [0, 1, 2, 3, 4, 5]),
        (SUB, "&$filter=atScope()", [0, 1, 2]),
        (GROUP, "", [0, 1, 2, 3, 4]),
        (GROUP, "&$filter=atScope()", [0, 1, 2, 3]),
        (VAULT, "", [0, 1, 2, 3, 4]),
        (SUB, f"&$filter=principalId eq '{_guid(93)}'", [3]),
        (SUB, f"&$filter=assignedTo('{_guid(93)}')", [3]),
        (GROUP, f"&$filter=assignedTo('{_guid(91)}')", [1]),
        (MANAGEMENT_GROUP, "&$filter=atScope()", [0, 1]),
    ],
)
@pytest.mark.usefixtures("inherited")
def test_a_list_holds_what_is_at_above_and_below(
    arm: Client, scope: str, query: str, expected: list[int]
) -> None:
    answer = arm.get(f"{scope}/{ASSIGNMENTS}?api-version=2022-04-01{query}")
    assert _numbers(answer) == expected


@pytest.mark.usefixtures("inherited")
def test_a_list_names_roles_under_the_subscription_that_asked(tenant: Tenant, arm: Client) -> None:
    """Even for an assignment at the root; only the guid identifies a role."""
    answer = arm.get(f"{SUB}/{ASSIGNMENTS}?api-version=2022-04-01")
    prefixes = {
        one["properties"]["roleDefinitionId"].rsplit("/", 1)[0] for one in answer.json()["value"]
    }
    assert prefixes == {f"{SUB}/providers/Microsoft.Authorization/roleDefinitions"}


@pytest.mark.usefixtures("inherited")
def test_what_is_assigned_to_groups_is_assigned_to_their_members(
    tenant: Tenant, arm: Client
) -> None:
    """Through groups in groups too; of a filter by principal only what is its own."""
    team, everybody = _guid(90), _guid(91)
    tenant.principals.join(team, _guid(92).upper())
    tenant.principals.join(everybody, team)
    asked = f"{SUB}/{ASSIGNMENTS}?api-version=2022-04-01&$filter="
    assert _numbers(arm.get(f"{asked}assignedTo('{_guid(92)}')")) == [0, 1, 2]
    assert _numbers(arm.get(f"{asked}principalId eq '{_guid(92)}'")) == [2]


@pytest.mark.parametrize("asked", ["principalType eq 'User'", f"assignedTo('{PERSON}')"])
def test_an_unknown_filter_is_refused(tenant: Tenant, arm: Client, asked: str) -> None:
    """`assignedTo` is for users and service principals: nobody says what a group's id gets."""
    tenant.principals.add_group(PERSON, "a group")
    answer = arm.get(f"{SUB}/{ASSIGNMENTS}?api-version=2022-04-01&$filter={asked}")
    assert code(answer) == "SimulatorDoesNotKnow"


@pytest.mark.parametrize("scope", ["", SUB, GROUP])
def test_built_in_roles_exist_at_every_scope(arm: Client, scope: str) -> None:
    path = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"
    answer = arm.get(path)
    assert (answer.json()["id"], answer.json()["properties"]["roleName"]) == (path, "Owner")


@pytest.mark.parametrize("scope", [MANAGEMENT_GROUP, SUB, GROUP, VAULT])
@pytest.mark.usefixtures("inherited")
def test_a_role_exists_below_where_it_was_made(tenant: Tenant, arm: Client, scope: str) -> None:
    """Lists name it under the subscription that was asked, and there it can be read."""
    role = f"providers/Microsoft.Authorization/roleDefinitions/{_guid(7)}"
    tenant.load({"id": f"{MANAGEMENT_GROUP}/{role}", "properties": {"roleName": "Deployer"}})
    answer = arm.get(f"{scope}/{role}")
    assert (answer.json()["id"], answer.json()["properties"]["roleName"]) == (
        f"{scope}/{role}",
        "Deployer",
    )
    beside = "/providers/Microsoft.Management/managementGroups/elsewhere"
    assert arm.get(f"{beside}/{role}").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("type eq 'CustomRole'", ["Deployer"]), ("roleName eq 'owner'", ["Owner"])],
)
def test_role_definitions_can_be_filtered(
    tenant: Tenant, arm: Client, wanted: str, expected: list[str]
) -> None:
    custom = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{_guid(7)}"
    tenant.load({"id": custom, "properties": {"roleName": "Deployer", "type": "CustomRole"}})
    path = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions"
    answer = arm.get(f"{path}?api-version=2022-04-01&$filter={wanted}")
    assert [one["properties"]["roleName"] for one in answer.json()["value"]] == expected


def test_a_custom_role_is_not_deleted_while_it_is_assigned_anywhere(
    tenant: Tenant, arm: Client
) -> None:
    custom = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{_guid(7)}"
    tenant.load({"id": custom, "properties": {"roleName": "Deployer", "type": "CustomRole"}})
    held = tenant.load({"id": _path(GROUP, 1), "properties": _body(role=_guid(7))["properties"]})
    answer = arm.delete(custom)
    assert (answer.status_code, code(answer)) == (400, "RoleDefinitionHasAssignments")
    arm.delete(held)
    assert arm.delete(custom).status_code == 200


def test_custom_roles_of_a_tenant_have_names_of_their_own(arm: Client) -> None:
    """A PUT of the same role may keep its name."""
    body = {"properties": {"roleName": "Deployer", "type": "CustomRole", "permissions": []}}
    definitions = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions"
    assert arm.put(f"{definitions}/{_guid(7)}", body).status_code == 201
    assert arm.put(f"{definitions}/{_guid(7)}", body).status_code in {200, 201}
    body["properties"]["roleName"] = "deployer"
    answer = arm.put(f"{definitions}/{_guid(8)}", body)
    assert (answer.status_code, code(answer)) == (409, "RoleDefinitionWithSameNameExists")


@pytest.mark.parametrize(
    ("scope", "query", "expected"),
    [(GROUP, "", [1, 2]), (SUB, "", [1, 2]), (SUB, "&$filter=atScope()", [1])],
)
def test_pim_shows_its_grants_at_above_and_below_a_scope(
    tenant: Tenant, arm: Client, scope: str, query: str, expected: list[int]
) -> None:
    kind = "Microsoft.Authorization/roleAssignmentScheduleInstances"
    for number, at in ((1, SUB), (2, GROUP)):
        tenant.load({"id": f"{at}/providers/{kind}/{_guid(number)}", "properties": {}})
    answer = arm.get(f"{scope}/providers/{kind}?api-version=2020-10-01{query}")
    assert _numbers(answer) == expected


def test_roles_over_data_list_data_actions(arm: Client) -> None:
    role = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
    shown = arm.get(f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{role}").json()
    (permission,) = shown["properties"]["permissions"]
    assert [one.rsplit("/", 1)[-1] for one in permission["dataActions"]] == ["*"]


def test_role_definitions_are_listed_with_those_above(tenant: Tenant, arm: Client) -> None:
    custom = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{_guid(7)}"
    tenant.load({"id": custom, "properties": {"roleName": "Deployer", "type": "CustomRole"}})
    listed = arm.get(f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions").json()["value"]
    names = {one["properties"]["roleName"]: one["id"] for one in listed}
    assert names["Deployer"] == custom
    assert names["Owner"].startswith(SUB)
    assert {"Contributor", "Reader", "User Access Administrator"} <= set(names)
