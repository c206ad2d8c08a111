"""Who holds a role assignment, as Microsoft Graph tells it, or else Defender for Cloud.

Source: Microsoft Graph v1.0, "user", "servicePrincipal"; Microsoft Learn, "Manage multifactor
authentication (MFA) on your subscriptions": a sub-assessment is named by an account's object id.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from detectors import seen
from detectors.authorization import (
    BUILT_IN,
    DEFINITION,
    OWNER,
    definition_weight,
    granted,
    role_id,
)
from detectors.authorization.schedules import elevated
from shared.model import (
    DIRECTORY_OBJECT,
    Evidence,
    Json,
    Lookup,
    NeedsLookup,
    Resource,
    ResourceType,
    Undecided,
    directory_object,
)

ROLE: Final = "/properties/roleDefinitionId"
KIND: Final = "/properties/principalType"
PRINCIPAL_ID: Final = "/properties/principalId"
USER_TYPE: Final = "/properties/userType"
ENABLED: Final = "/properties/accountEnabled"
STATUS: Final = "/properties/status/code"
_EXPECTED: Final[Mapping[str, Json]] = {USER_TYPE: "Member", ENABLED: True}
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"

ASSESSMENT = ResourceType("Microsoft.Security/assessments", api_version="2021-06-01")
ACCOUNT = ResourceType(
    "Microsoft.Security/assessments/subAssessments", api_version="2019-01-01-preview"
)


def principal_id(assignment: Resource) -> str:
    """The object id of who holds it, in lower case.

    Raises:
        Undecided: the assignment names nobody.
    """
    found = assignment.text(PRINCIPAL_ID)
    if not found:
        raise Undecided("the assignment names no principal")
    return found


PRINCIPAL = Lookup(
    name="principal",
    type=DIRECTORY_OBJECT,
    ids=lambda assignment: [directory_object(str(assignment.get(PRINCIPAL_ID)))],
)
ROLE_DEFINITION = Lookup(
    name="roleDefinition",
    type=DEFINITION,
    ids=lambda assignment: [str(assignment.get(ROLE))],
)


def holder(assignment: Resource) -> Resource | None:
    """The directory's object; None where the directory holds none.

    Raises:
        Undecided: the assignment names nobody, or the directory could not be asked.
    """
    principal_id(assignment)
    return next(iter(assignment.related(PRINCIPAL.name)), None)


def is_a(kind: str, principal: Resource) -> bool:
    """Whether the directory's object is a `user`, a `group`, a `servicePrincipal`.

    Raises:
        Undecided: it does not say what it is.
    """
    told = principal.text("/properties/@odata.type")
    if not told:
        raise Undecided(f"the directory does not say what {principal.id.name} is")
    return told == f"#microsoft.graph.{kind}".casefold()


def is_guest(principal: Resource) -> bool:
    """Whether it is a user of another directory, invited here.

    Raises:
        Undecided: the directory does not say it.
    """
    if not is_a("user", principal):
        return False
    told = principal.text("/properties/userType")
    if told not in {"guest", "member"}:
        raise Undecided(f"the directory does not say whether {principal.id.name} is a guest")
    return told == "guest"


def is_enabled(principal: Resource) -> bool:
    """Whether it may sign in.

    Raises:
        Undecided: the directory does not say it.
    """
    told = principal.flag("/properties/accountEnabled")
    if told is None:
        raise Undecided(f"the directory does not say whether {principal.id.name} may sign in")
    return told


# --- roles


def owns(assignment: Resource) -> bool:
    return role_id(assignment) == OWNER


def privileged(assignment: Resource) -> bool:
    """Whether the role hands out rights, or can write whatever there is.

    Raises:
        Undecided: its definition cannot be seen.
    """
    if known := BUILT_IN.get(role_id(assignment)):
        return known[1] > 0
    return definition_weight(_definition(assignment)) > 0


def writes(assignment: Resource) -> bool:
    """Whether the role allows more than reading; support tickets do not count.

    Raises:
        Undecided: its definition cannot be seen.
    """
    role = role_id(assignment)
    if role == READER or BUILT_IN.get(role, ("", 0))[1]:
        return role != READER
    permissions = _definition(assignment).items("/properties/permissions")
    if not permissions:
        raise Undecided(f"the definition of the role {role} shows no permissions")
    return any(_writes(one) for one in permissions)


def _definition(assignment: Resource) -> Resource:
    for definition in assignment.related(ROLE_DEFINITION.name):
        return seen(definition)
    raise Undecided("the role's definition is not there")


def _writes(permission: Mapping[str, Json]) -> bool:
    # Resource Graph writes `Actions` where ARM writes `actions`.
    fields = {key.casefold(): value or () for key, value in permission.items()}
    for kind in ("actions", "dataactions"):
        part = {"actions": fields.get(kind, ()), "notActions": fields.get(f"not{kind}", ())}
        if any(granted(one, [part]) for one in _beyond_reading(part["actions"])):
            return True
    return False


def _beyond_reading(patterns: Iterable[str]) -> Iterator[str]:
    """Actions that are no reading, one for each way in which a pattern may allow some."""
    for pattern in (one.casefold() for one in patterns):
        if pattern.endswith("/read") or pattern.startswith("microsoft.support/"):
            continue
        head, star, tail = pattern.rpartition("*")
        if star and not tail:
            yield from (f"{head}any{end}" for end in ("/write", "/delete", "/action"))
        else:
            yield pattern


# --- Defender for Cloud, where the directory cannot be asked


def defender(key: str) -> tuple[Lookup, Lookup]:
    """Lookups of one recommendation on the assignment's subscription, and of what it names."""

    def assessments(resource: Resource) -> Iterable[str]:
        if resource.id.subscription:
            yield f"/subscriptions/{resource.id.subscription}/providers/{ASSESSMENT.name}/{key}"

    def accounts(resource: Resource) -> Iterable[str]:
        return (f"{one}/subAssessments" for one in assessments(resource))

    return (
        Lookup(name="assessment", type=ASSESSMENT, ids=assessments),
        Lookup(name="accounts", type=ACCOUNT, ids=accounts, many=True),
    )


def recommended(resource: Resource, unseen: Undecided) -> Resource | None:
    """Defender's recommendation where it is unhealthy; None where it is healthy.

    Raises:
        Undecided: it is not there, or does not apply; `unseen` is why it was asked.
    """
    for assessment in resource.related("assessment"):
        code = assessment.text(STATUS)
        if code in {"healthy", "unhealthy"}:
            return assessment if code == "unhealthy" else None
    raise Undecided(f"{unseen}; Defender for Cloud does not tell it either") from unseen


def told_by_defender(resource: Resource, unseen: Undecided) -> Iterator[Evidence]:
    """Evidence where Defender's recommendation is unhealthy.

    Raises:
        Undecided: as `recommended`.
    """
    assessment = recommended(resource, unseen)
    if assessment is not None:
        yield Evidence(STATUS, assessment.get(STATUS), "Healthy", resource=assessment.id)


def named_by_defender(assignment: Resource, unseen: Undecided) -> Iterator[Evidence]:
    """Evidence where Defender's recommendation names the assignment's holder.

    Raises:
        Undecided: Defender does not say whom it means either.
    """
    if recommended(assignment, unseen) is None:
        return
    accounts = assignment.related("accounts")
    if not accounts:
        raise Undecided(f"{unseen}; Defender for Cloud names no account") from unseen
    for account in accounts:
        if account.id.name.casefold() == principal_id(assignment):
            if account.text(STATUS) != "healthy":
                yield Evidence(STATUS, account.get(STATUS), "Healthy", resource=account.id)


# --- accounts that should hold nothing


def may_be_account(assignment: Resource) -> bool:
    """Whether ARM says that a user holds it, guests among them; old api-versions do not say."""
    return assignment.text(KIND) in {"", "user"}


def account_at_fault(assignment: Resource, pointer: str) -> Iterator[Evidence]:
    """Evidence where the holder is a user of the wrong sort, and is not only elevated by PIM.

    `pointer` is USER_TYPE for guests, ENABLED for those who may not sign in; where the directory
    cannot be asked, Defender's recommendation tells.

    Raises:
        Undecided: neither can tell, or PIM cannot.
    """
    found = list(_told(assignment, pointer))
    if found and not elevated(assignment):
        yield from found
        yield Evidence(ROLE, assignment.get(ROLE), "no role")


def _told(assignment: Resource, pointer: str) -> Iterator[Evidence]:
    principal_id(assignment)
    try:
        principal = holder(assignment)
    except NeedsLookup:
        raise
    except Undecided as unseen:
        yield from named_by_defender(assignment, unseen)
        return
    if principal is None or not is_a("user", principal):
        return
    wrong = is_guest(principal) if pointer == USER_TYPE else not is_enabled(principal)
    if wrong:
        yield Evidence(pointer, principal.get(pointer), _EXPECTED[pointer], resource=principal.id)
