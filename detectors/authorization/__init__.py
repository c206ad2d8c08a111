"""Role assignments: what a role hands out, how wide its scope is, who holds it.

Weights are those of the project's grading of grants: scope, role and principal add up, and a
condition takes one away.
"""

from collections.abc import Iterable, Mapping

from shared.model import Json, Resource, ResourceId, ResourceType, Role, Undecided, permission_of

ASSIGNMENT = ResourceType("Microsoft.Authorization/roleAssignments", api_version="2022-04-01")
DEFINITION = ResourceType("Microsoft.Authorization/roleDefinitions", api_version="2022-04-01")

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
USER_ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"

BUILT_IN: Mapping[str, tuple[str, int]] = {
    OWNER: ("Owner", 3),
    USER_ACCESS_ADMINISTRATOR: ("User Access Administrator", 3),
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": ("Role Based Access Control Administrator", 3),
    CONTRIBUTOR: ("Contributor", 2),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": ("Reader", 0),
    "39bc4728-0917-49c7-9d2c-d95423bc2eb4": ("Security Reader", 0),
    "fb1c8493-542b-48eb-b624-b4c8fea62acd": ("Security Admin", 0),
    "4d97b98b-1d4f-4787-a291-c67834d212e7": ("Network Contributor", 0),
    "9980e02c-c2be-4d73-94e8-173b1dc7cf3c": ("Virtual Machine Contributor", 0),
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": ("Storage Account Contributor", 0),
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": ("Storage Blob Data Owner", 0),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": ("Storage Blob Data Contributor", 0),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": ("Storage Blob Data Reader", 0),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": ("Storage Queue Data Contributor", 0),
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": ("AcrPull", 0),
    "8311e382-0749-4cb8-b61a-304f252e45ec": ("AcrPush", 0),
    "4633458b-17de-408a-b874-0445c86b69e6": ("Key Vault Secrets User", 0),
    "43d0d8ad-25c7-4714-9337-8ba259a9fe05": ("Monitoring Reader", 0),
    "3913510d-42f4-4e42-8a64-420c390055eb": ("Monitoring Metrics Publisher", 0),
    "73c42c96-874c-492b-b04d-ab87d138a893": ("Log Analytics Reader", 0),
}
"""Roles whose weight is known by their id, so that their definitions need not be read.

No other built-in role grants `*`, or writes role assignments without a condition of its own
(Microsoft Learn, "Azure built-in roles"); those left out here are weighed by their definition.
"""

PRINCIPALS = {
    "user": 2, "serviceprincipal": 2, "agentuser": 2, "agentserviceprincipal": 2, "group": 1,
}  # fmt: skip
UNKNOWN_PRINCIPAL = 3
"""Deleted ones, groups of other tenants, and kinds that Azure may add."""


def role_id(assignment: Resource) -> str:
    """The role's own id: what stands before it depends on who asked.

    Raises:
        Undecided: the assignment names no role.
    """
    found = assignment.text("/properties/roleDefinitionId").rstrip("/").rsplit("/", 1)[-1]
    if not found:
        raise Undecided("the assignment names no role definition")
    return found


def scope_of(assignment: Resource) -> ResourceId:
    """Where the assignment holds.

    Raises:
        Undecided: its id and its body name different scopes.
    """
    scope = assignment.id.scope
    said = assignment.get("/properties/scope")
    if said is not None and ResourceId(str(said)) != scope:
        raise Undecided(f"the id says the scope {scope}, and the body {said}")
    return scope


def scope_weight(scope: ResourceId) -> tuple[int, str]:
    kind = scope.type.casefold()
    if scope.key == "/":
        return 5, "root"
    if kind == "microsoft.management/managementgroups":
        return 4, "management group"
    if kind == "microsoft.resources/subscriptions":
        return 3, "subscription"
    if kind == "microsoft.resources/resourcegroups":
        return 2, "resource group"
    return 1, "resource"


def role_weight(role: Role) -> int:
    """3 where the role hands out rights, 2 where it lets one take more than it says, else 0.

    Of built-in roles only those count that write whatever there is: what else they may raise is
    Azure's own choice, and known by their names.
    """
    if role.hands_out_rights:
        return 3
    return 2 if "*/write" in role.privileges or (role.custom and role.privileges) else 0


def definition_weight(definition: Resource) -> int:
    """The weight of the role that a definition describes.

    Raises:
        Undecided: the definition shows no permissions.
    """
    return role_weight(Role.of(definition))


def granted(action: str, permissions: Iterable[Mapping[str, Json]]) -> bool:
    """Whether any permission grants an action: what one leaves out another may grant."""
    return any(permission_of(one).actions.cover(action.casefold()) for one in permissions)
