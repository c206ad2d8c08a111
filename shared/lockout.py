"""Never locks people out: what stands before a role is taken from anybody.

Everything here is read anew, from ARM and from the directory, each time a removal is about to be
sent. What cannot be seen stops the removal as surely as what is guarded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.cloud import Cloud
from shared.departures import Departures
from shared.errors import Refused
from shared.model import (
    Change,
    Resource,
    ResourceId,
    Verb,
    directory_object,
    group_members,
    instant,
)
from shared.stopped import Stopped

if TYPE_CHECKING:
    from shared.policy import Policy

OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
PIM_APPLICATION: Final = "01fc33a7-78ba-4d2f-a4b7-768e336e890e"
"""MS-PIM, by which Privileged Identity Management makes its grants; the same in every tenant."""
SETTLES: Final = timedelta(minutes=15)
"""How long after it was made a grant is left alone: PIM's own lists are no younger."""
ENOUGH: Final = 2
"""So many living owners stay in every scope."""
NO_PIM: Final = "AadPremiumLicenseRequired"
"""Azure's word for a tenant without the licence for PIM, where nothing is activated."""
_ASSIGNMENTS, _VERSION = "Microsoft.Authorization/roleAssignments", "2022-04-01"
_DENIALS, _DENIALS_VERSION = "Microsoft.Authorization/denyAssignments", "2022-04-01"
_SCHEDULES = "Microsoft.Authorization/roleAssignmentScheduleInstances"
_SCHEDULES_VERSION = "2020-10-01"
_DEFINITIONS = "microsoft.authorization/roledefinitions"


class Lockout:
    """Says what stands in the way of taking rights away."""

    def __init__(
        self,
        cloud: Cloud,
        departures: Departures,
        policy: Callable[[], Policy],
    ) -> None:
        self._arm = cloud.arm
        self._directory = cloud.directory
        self._departures = departures
        self._identities = frozenset(one.casefold() for one in cloud.identities)
        self._policy = policy

    def reasons(self, changes: tuple[Change, ...], now: datetime) -> Iterator[Stopped]:
        """What stands in the way of these changes of a cure that takes rights away.

        Raises:
            Transient, Refused: it cannot be seen whether something does.
        """
        if self._directory is None:
            yield Stopped(
                "directory-unseen",
                "report only: the directory (Microsoft Graph) is not read, so the owners that"
                " would remain cannot be counted",
            )
            return
        for change in changes:
            if change.verb is Verb.CREATE:
                continue
            kind = change.target.type.casefold()
            if kind.startswith("microsoft.managedservices/"):
                yield _guarded("a delegation by Azure Lighthouse is reported, never cut")
            elif kind == _ASSIGNMENTS.casefold():
                yield from self._assignment(change, now)
            elif kind == _DEFINITIONS:
                yield from self._holders(change.target)

    # --- one assignment

    def _assignment(self, change: Change, now: datetime) -> Iterator[Stopped]:
        found = self._arm.get(change.target, _VERSION)
        if found is None:
            return
        if change.target.scope.key == "/":
            yield _guarded("grants at the root scope are reported, never cut")
        if found.text("/properties/principalType") == "foreigngroup":
            yield _guarded("the grant is a partner's (CSP), reported, never cut")
        yield from self._age(found, now)
        yield from self._principal(str(found.get("/properties/principalId") or ""))
        yield from self._platform(found)
        if change.verb is Verb.DELETE and _is_owner(found):
            yield from self._owners(found, now)

    def _age(self, grant: Resource, now: datetime) -> Iterator[Stopped]:
        """A grant that is new is somebody's work of this moment, or an activation."""
        made = [instant(grant.get(f"/properties/{name}")) for name in ("createdOn", "updatedOn")]
        known = [one for one in made if one is not None]
        if not known:
            yield _guarded("when the grant was made cannot be seen")
            return
        settled = max(known) + SETTLES
        if now < settled:
            yield Stopped("too-new", "the grant is younger than 15 minutes", until=settled)
        by = str(grant.get("/properties/createdBy") or "").casefold()
        for i, pipeline in enumerate(self._policy().guard.pipelines):
            until = max(known) + pipeline.fresh
            if by == pipeline.principal.casefold() and now < until:
                source = self._policy().source(f"$.guard.pipelines[{i}]")
                yield Stopped("too-new", "a listed pipeline made this grant", source, until)

    def _principal(self, principal: str) -> Iterator[Stopped]:
        """Ours, one kept for emergencies, or a group that holds one of these."""
        behind = {principal.casefold()}
        who = self._shown(principal)
        if who is not None and _kind(who) == "group":
            behind |= {one.id.name.casefold() for one in self._members(principal)}
        if behind & self._identities:
            yield _guarded("the grant is one that Portcullis itself acts by")
        if who is not None and who.text("/properties/appId") == PIM_APPLICATION:
            yield _guarded("the grant is Privileged Identity Management's own")
        for i, named in enumerate(self._policy().guard.break_glass):
            source = self._policy().source(f"$.guard.break_glass[{i}]")
            if behind & self._emergency(named.casefold()):
                yield Stopped("guarded", "the grant is kept for emergencies", source)

    def _emergency(self, named: str) -> set[str]:
        """An account kept for emergencies; of a group, its members too."""
        who = self._shown(named)
        if who is None or _kind(who) != "group":
            return {named}
        return {named, *(one.id.name.casefold() for one in self._members(named))}

    def _platform(self, grant: Resource) -> Iterator[Stopped]:
        """Activations of PIM, and scopes that a platform service has closed."""
        scope = _path(grant.id.scope)
        for denial in self._arm.list(f"{scope}/providers/{_DENIALS}", _DENIALS_VERSION):
            yield _guarded(f"a deny assignment holds here: {denial.id.name}")
        for one in self._schedules(scope):
            origin = one.get("/properties/originRoleAssignmentId")
            if isinstance(origin, str) and ResourceId(origin) == grant.id:
                if one.text("/properties/assignmentType") == "activated":
                    yield _guarded("the grant is an activation by PIM, which ends it by itself")

    def _schedules(self, scope: str) -> Iterator[Resource]:
        try:
            yield from self._arm.list(f"{scope}/providers/{_SCHEDULES}", _SCHEDULES_VERSION)
        except Refused as refused:
            # Without the licence there are no activations.
            if refused.code != NO_PIM:
                raise

    # --- the owners that stay

    def _owners(self, grant: Resource, now: datetime) -> Iterator[Stopped]:
        """Announce the removal, then count: see `shared.departures`."""
        self._departures.announce(grant.id)
        others = self._departures.others(grant.id)
        scope = grant.id.scope
        wider = [one for one in self._grants(scope) if _is_owner(one) and one.id != grant.id]
        stay = self._living(one for one in wider if one.id not in others)
        if len(stay) >= ENOUGH or self._living([grant]).keys() <= stay.keys():
            return
        self._departures.withdraw(grant.id)
        names = ", ".join(sorted(stay.values())) or "nobody"
        yield Stopped(
            "last-owners",
            f"of the living owners of {scope} only {names} would stay: there must be {ENOUGH}",
            until=now + SETTLES if others else None,
        )

    def _grants(self, scope: ResourceId) -> Iterator[Resource]:
        """The assignments that hold at a scope, inherited ones included.

        What a subscription lists of management groups holds in it; what a management group lists
        of others may lie below it.
        """
        for one in self._arm.list(f"{_path(scope)}/providers/{_ASSIGNMENTS}", _VERSION):
            above = bool(scope.subscription) and not one.id.scope.subscription
            if above or scope.within(one.id.scope):
                yield one

    def _living(self, grants: Iterable[Resource]) -> dict[str, str]:
        """The enabled people behind grants, by object id, with their names."""
        found: dict[str, str] = {}
        for grant in grants:
            who = self._shown(str(grant.get("/properties/principalId") or ""))
            if who is None:
                continue
            inside = self._members(who.id.name) if _kind(who) == "group" else [who]
            for person in inside:
                if _kind(person) == "user" and person.get("/properties/accountEnabled") is True:
                    found[person.id.name.casefold()] = _named(person)
        return found

    # --- the directory

    def _shown(self, principal: str) -> Resource | None:
        if self._directory is None or not principal:
            return None
        return self._directory.get(ResourceId(directory_object(principal)))

    def _members(self, group: str) -> Iterator[Resource]:
        if self._directory is not None:
            yield from self._directory.list(group_members(group), "")

    # --- a custom role

    def _holders(self, definition: ResourceId) -> Iterator[Stopped]:
        """A role's actions are taken from everybody who holds it."""
        scope = definition.scope
        for grant in self._arm.list(f"{_path(scope)}/providers/{_ASSIGNMENTS}", _VERSION):
            held = ResourceId(str(grant.get("/properties/roleDefinitionId") or "/"))
            if held.name.casefold() == definition.name.casefold():
                yield from self._principal(str(grant.get("/properties/principalId") or ""))


def _guarded(message: str) -> Stopped:
    return Stopped("guarded", message)


def _is_owner(grant: Resource) -> bool:
    return grant.text("/properties/roleDefinitionId").rstrip("/").endswith(f"/{OWNER}")


def _kind(who: Resource) -> str:
    return who.text("/properties/@odata.type").removeprefix("#microsoft.graph.")


def _named(who: Resource) -> str:
    for name in ("userPrincipalName", "displayName"):
        if shown := who.get(f"/properties/{name}"):
            return str(shown)
    return who.id.name


def _path(scope: ResourceId) -> str:
    return "" if scope.key == "/" else scope.text
