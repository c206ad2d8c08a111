"""Narrower grants in place of a wide one: first they are given, and only then the wide one goes.

Without grants named by a person they are proposed from what the wide one was seen used for: for
each resource group the smallest built-in role that covers the use, and Reader where it held. What
was never seen used is no reason to take anything away: reads, and clients of data, leave no trace.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from remediations.authorization import (
    CONTRIBUTOR,
    HAND_OUT_RIGHTS,
    KIND,
    OWNER,
    PERMISSIONS,
    withholding,
)
from remediations.authorization.eligibility import command
from remediations.authorization.removal import deletion
from shared.model import (
    USES,
    Change,
    Finding,
    Json,
    Lookup,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    ResourceType,
    Role,
    Roles,
    Undecided,
    Verb,
    uses_of,
)

__all__ = ["LOOKUPS", "PARAMETERS", "PERMISSIONS", "narrowed"]

READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
RBAC_ADMINISTRATOR: Final = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
SETTLES: Final = 15 * 60
"""Seconds until a new grant holds (Microsoft Learn, "Troubleshoot Azure RBAC": 10 minutes)."""
MOST_SCOPES: Final = 10
"""A grant used in more resource groups than this keeps its subscription, and gets a lesser role."""
HANDING_OUT: Final = frozenset(
    f"microsoft.authorization/roleassignments/{verb}" for verb in ("write", "delete")
)
GUARDED: Final = withholding(sorted(HAND_OUT_RIGHTS))
"""Roles may be handed out, but for those that hand out rights themselves."""

_ROLE = "/properties/roleDefinitionId"
_DEFINITION = ResourceType("Microsoft.Authorization/roleDefinitions", api_version="2022-04-01")

LOOKUPS: Final = (
    Lookup(name="uses", type=USES, ids=lambda grant: [uses_of(grant.id)]),
    Lookup(name="grantedRole", type=_DEFINITION, ids=lambda grant: [str(grant.get(_ROLE))]),
    Lookup(
        name="builtInRoles",
        type=_DEFINITION,
        ids=lambda _: [f"/providers/{_DEFINITION.name}"],
        many=True,
        steady=True,
    ),
)

PARAMETERS: Final = (
    Parameter(
        name="grants",
        description="What the principal gets instead: objects of scope (an id inside the old one),"
        " role (a GUID) and, for a role that hands out rights, condition. None named: as was seen"
        " used.",
        schema={"type": "array", "items": {"type": "object"}},
        for_person=[],
    ),
)


@dataclass(frozen=True, slots=True)
class Grant:
    """One narrower grant."""

    scope: ResourceId
    role: str
    condition: str = ""

    def to_json(self) -> dict[str, Json]:
        limited = {"condition": self.condition} if self.condition else {}
        return {"scope": self.scope.text, "role": self.role, **limited}


def narrowed(remediation: Remediation, finding: Finding, parameters: Parameters) -> Plan:
    """Narrower grants, time for them to hold, and then the end of the wide one.

    The new assignments' names follow from scope, role and principal, so that a repetition changes
    nothing.

    Raises:
        NeedsLookup: one of `LOOKUPS`. Undecided: the new grants would not be narrower, or cannot
            be seen to be, or nothing was seen used.
    """
    old = finding.resource
    properties: Mapping[str, Json] = old.body["properties"]
    principal = properties.get("principalId")
    if not isinstance(principal, str) or old.text(KIND) in {"", "unknown"}:
        raise Undecided("nothing can be granted to a principal of an unknown kind")
    named = [_read(one) for one in parameters["grants"]]
    grants = list(dict.fromkeys(named or proposed(old)))
    for grant in grants:
        _refuse_wider(old, grant)
    version = finding.type.api_version
    changes = [
        Change(
            verb=Verb.CREATE,
            target=_named(grant, principal),
            api_version=version,
            document={"properties": _granted(old, grant)},
        )
        for grant in grants
    ]
    gone = replace(deletion(old, version), settle=SETTLES)
    said = [*_caveats(properties), "" if named else _watched(old)]
    if named and _on_group(old):
        said.append(f"Whether the named scopes lie in {old.id.scope.name} is not looked at.")
    given = {"grants": [grant.to_json() for grant in grants]}
    return remediation.propose(finding, [*changes, gone], *said, given=given)


# --- from what was used


def proposed(old: Resource) -> list[Grant]:
    """What covers all that the assignment was seen used for, and Reader where it held.

    Raises:
        NeedsLookup: one of `LOOKUPS`. Undecided: nothing was seen, or nothing narrower covers it.
    """
    used = _used(old)
    if not used:
        raise Undecided(_unused(old))
    if len(used) > MOST_SCOPES:
        used = _by_subscription(used)
    within = next((Role.of(one) for one in old.related("grantedRole")), None)
    if within is None:
        raise Undecided("the role's definition is not there")
    known = _roles(old.related("builtInRoles"))
    found = [
        grant
        for scope, actions in used.items()
        for grant in _covering(scope, actions, known, within)
    ]
    reading = Grant(old.id.scope, READER)
    return [*found, *([] if reading in found else [reading])]


def _covering(scope: ResourceId, actions: set[str], known: Roles, within: Role) -> Iterator[Grant]:
    """The smallest role for the actions; handing out roles is a grant of its own, and limited."""
    if handing := actions & HANDING_OUT:
        if not within.covers(handing):
            raise Undecided(f"{within.name} does not allow what it was seen used for in {scope}")
        yield Grant(scope, RBAC_ADMINISTRATOR, GUARDED)
    if others := actions - HANDING_OUT:
        role = known.smallest(others, inside=within)
        if role is None:
            told = ", ".join(sorted(others)[:5])
            raise Undecided(f"no built-in role inside {within.name} covers {told} in {scope}")
        yield Grant(scope, role.id)


def _used(old: Resource) -> dict[ResourceId, set[str]]:
    """The actions seen, in lower case, by resource group or what is wider."""
    found: dict[ResourceId, set[str]] = {}
    for kept in old.related("uses"):
        for use in kept.items("/properties/uses"):
            where = ResourceId(str(use["scope"]))
            found.setdefault(where, set()).add(str(use["action"]).casefold())
    return found


def _by_subscription(used: Mapping[ResourceId, set[str]]) -> dict[ResourceId, set[str]]:
    found: dict[ResourceId, set[str]] = {}
    for scope, actions in used.items():
        found.setdefault(ResourceId(f"/subscriptions/{scope.subscription}"), set()).update(actions)
    return found


_built: list[tuple[tuple[Resource, ...], Roles]] = []


def _roles(definitions: tuple[Resource, ...]) -> Roles:
    """The built-in roles as an index, kept for the next plan over the very same documents."""
    same = _built and list(map(id, _built[0][0])) == list(map(id, definitions))
    if not same:
        usable = (one for one in definitions if one.text("/properties/type") == "builtinrole")
        _built[:] = [(definitions, Roles(_readable(usable)))]
    return _built[0][1]


def _readable(definitions: Iterable[Resource]) -> Iterator[Role]:
    for one in definitions:
        try:
            yield Role.of(one)
        except Undecided:
            continue


def _watched(old: Resource) -> str:
    """From when on uses are known, for the approver to weigh."""
    since = next((kept.get("/properties/since") for kept in old.related("uses")), None)
    day = str(since)[:10]
    return f"Proposed from writes, deletes and actions seen since {day}; reads are not seen."


def _unused(old: Resource) -> str:
    """Silence, and what a person may do about it."""
    since = next((kept.get("/properties/since") for kept in old.related("uses")), None)
    if since is None:
        return "uses of role assignments are not known here yet: name the grants it should get"
    told = f"no use seen since {str(since)[:10]}, which alone takes nothing away"
    if old.text(KIND) not in ("user", "group") or old.id.scope.key == "/":
        return f"{told}: name the grants it should get"
    return f"{told}; make the holder eligible in PIM instead: {command(old)}"


# --- what may be granted


def _read(one: Json) -> Grant:
    if not isinstance(one, Mapping) or not {"scope", "role"} <= one.keys():
        raise Undecided("a grant is an object of scope and role")
    try:
        role = str(uuid.UUID(str(one["role"])))
    except ValueError:
        raise Undecided(f"{one['role']!r} is not the GUID of a role") from None
    return Grant(ResourceId(str(one["scope"])), role, str(one.get("condition") or ""))


def _refuse_wider(old: Resource, grant: Grant) -> None:
    held, role, scope = _role_of(old), grant.role, grant.scope
    if role in HAND_OUT_RIGHTS:
        limited = role == RBAC_ADMINISTRATOR and grant.condition
        if not (limited and held in HAND_OUT_RIGHTS):
            raise Undecided(f"the role {role} hands out rights; narrow to one that does not")
    if role == CONTRIBUTOR and held not in (OWNER, CONTRIBUTOR):
        raise Undecided(f"Contributor may hold rights that {held} does not")
    if not scope.within(old.id.scope) and not (_on_group(old) and scope.subscription):
        raise Undecided(f"{scope} cannot be seen to lie inside {old.id.scope}")
    # A grant this wide would be found again, or be the old one.
    if role in (CONTRIBUTOR, held) and scope.resource_group is None:
        raise Undecided(f"{role} on {scope} is no narrower than a resource group")


def _on_group(old: Resource) -> bool:
    """Whether the wide grant is on a management group, whose ids do not tell what lies below."""
    return old.id.scope.type.casefold() == "microsoft.management/managementgroups"


def _role_of(assignment: Resource) -> str:
    return assignment.text(_ROLE).rstrip("/").rsplit("/", 1)[-1]


def _named(grant: Grant, principal: str) -> ResourceId:
    key = f"{grant.scope.key} {grant.role} {principal}".casefold()
    name = uuid.uuid5(uuid.NAMESPACE_URL, key)
    inside = "" if grant.scope.key == "/" else grant.scope.text
    return ResourceId(f"{inside}/providers/Microsoft.Authorization/roleAssignments/{name}")


def _granted(old: Resource, grant: Grant) -> dict[str, Json]:
    scope = grant.scope
    where = f"/subscriptions/{scope.subscription}" if scope.subscription else ""
    limited = {"condition": grant.condition, "conditionVersion": "2.0"} if grant.condition else {}
    return {
        "roleDefinitionId": f"{where}/providers/{_DEFINITION.name}/{grant.role}",
        "principalId": old.get("/properties/principalId"),
        # Sent always: a principal that is new is then not looked for in a directory that lags.
        "principalType": old.get(KIND),
        "description": f"Narrowed by Portcullis from {old.id}",
        **limited,
    }


def _caveats(properties: Mapping[str, Json]) -> list[str]:
    found = [
        "Whether the new grants cover what the principal does is for the approver to know.",
        "The new grants are given 15 minutes to hold before the old one goes.",
        "Undo makes the old grant anew: who made it and when (createdBy, createdOn) is lost.",
        "Undo grants a privileged role, so it runs under the credential of who asks for it.",
    ]
    if properties.get("condition"):
        found.append("The old grant's condition is not carried over to the new ones.")
    return found
