"""A subscription's owners: who they are behind groups and eligibility, and which of them live.

Declare `LOOKUPS`. Grants at the subscription and above it count, eligible ones (PIM) as well; an
elevation is by somebody who is eligible. What counts is behind the grants: users who may sign in,
members of groups among them, and applications that may.

Source: Microsoft Learn, "Role Assignments - List For Subscription": grants above are listed too.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from detectors.authorization import ASSIGNMENT, OWNER, role_id
from detectors.authorization.principals import (
    ENABLED,
    PRINCIPAL_ID,
    is_a,
    is_enabled,
    told_by_defender,
)
from detectors.authorization.schedules import ELIGIBILITIES, seen_in
from shared.model import (
    DIRECTORY_OBJECT,
    GROUP_MEMBERS,
    Evidence,
    Lookup,
    NeedsLookup,
    Resource,
    ResourceId,
    Undecided,
    directory_object,
    group_members,
)


@dataclass(frozen=True, slots=True)
class Owners:
    """By object id, the name that the directory shows."""

    people: dict[str, str]
    programs: dict[str, str]


def owner_grants(subscription: Resource) -> tuple[Resource, ...]:
    """The grants of Owner that hold on the whole subscription, eligible ones too.

    Raises:
        Undecided: they could not be had, or none is shown.
    """
    active = subscription.related(ASSIGNMENTS.name)
    eligible = seen_in(subscription, ELIGIBILITIES)
    found = tuple(
        grant
        for grant in (*active, *eligible)
        if role_id(grant) == OWNER and _whole(subscription, grant) and _told(grant)
    )
    if not found:
        raise Undecided("no grant of Owner is shown, though a subscription has at least one")
    return found


def owners_of(subscription: Resource, without: Collection[str] = ()) -> Owners:
    """Who may use Owner here and can sign in; `without` these holders, by object id.

    Members are listed of all groups together: without one of the groups, no member counts.

    Raises:
        Undecided: the grants or the directory could not be had, or it knows none of the holders.
    """
    holders = owner_ids(owner_grants(subscription))
    found = subscription.related("owners")
    if not found:
        raise Undecided(f"the directory shows none of the {len(holders)} holders of Owner")
    groups = {_id(one) for one in found if is_a("group", one)}
    behind = [one for one in found if _id(one) not in {*groups, *without}]
    if groups and groups.isdisjoint(without):
        behind += subscription.related("members")
    return Owners(_living("user", behind), _living("servicePrincipal", behind))


def counted(
    subscription: Resource, found: Callable[[Owners], Iterable[Evidence]]
) -> Iterator[Evidence]:
    """What `found` says of the owners; Defender for Cloud's word where they cannot be seen.

    Raises:
        Undecided: neither tells.
    """
    try:
        owners = owners_of(subscription)
    except NeedsLookup:
        raise
    except Undecided as unseen:
        yield from told_by_defender(subscription, unseen)
        return
    yield from found(owners)


def _living(kind: str, principals: Iterable[Resource]) -> dict[str, str]:
    return {_id(one): _name(one) for one in principals if is_a(kind, one) and _lives(kind, one)}


def _lives(kind: str, principal: Resource) -> bool:
    """Whether it may sign in; of a group's applications the directory does not say it."""
    if kind == "servicePrincipal" and principal.get(ENABLED) is None:
        return True
    return is_enabled(principal)


def owner_ids(grants: Iterable[Resource]) -> list[str]:
    """The object ids of who holds the grants, in order, each once."""
    return sorted({grant.text(PRINCIPAL_ID) for grant in grants})


def _told(grant: Resource) -> bool:
    if not grant.text(PRINCIPAL_ID):
        raise Undecided(f"{grant.id} names no principal")
    return True


def _whole(subscription: Resource, grant: Resource) -> bool:
    """Whether it holds on the whole subscription: ARM lists what is granted below it as well.

    Of what lies outside of subscriptions ARM lists only what is above this one.
    """
    scope = ResourceId(str(grant.get("/properties/scope") or grant.id.scope))
    return scope == subscription.id or not scope.subscription


def _id(principal: Resource) -> str:
    return principal.id.name.casefold()


def _name(principal: Resource) -> str:
    told = principal.get("/properties/userPrincipalName") or principal.get(
        "/properties/displayName"
    )
    return str(told or principal.id.name)


def _groups(subscription: Resource) -> Iterable[str]:
    return (group_members(_id(one)) for one in subscription.related("owners") if is_a("group", one))


ASSIGNMENTS = Lookup(
    name="assignments",
    type=ASSIGNMENT,
    ids=lambda subscription: [f"{subscription.id}/providers/{ASSIGNMENT.name}"],
    many=True,
)
LOOKUPS = (
    ASSIGNMENTS,
    ELIGIBILITIES,
    Lookup(
        name="owners",
        type=DIRECTORY_OBJECT,
        ids=lambda one: map(directory_object, owner_ids(owner_grants(one))),
    ),
    Lookup(name="members", type=GROUP_MEMBERS, ids=_groups, many=True),
)
