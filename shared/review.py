"""The access review: who holds what, how it was granted, when it was last used, what to do.

Grants come from Azure's index, so that one review is a few pages whatever the estate; what is
proposed for a wide one is planned from a fresh read. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from shared.azure.graph import EVERYWHERE, Index, rows_of
from shared.cloud import Cloud
from shared.errors import Refused, Transient, Unusable
from shared.lockout import NO_PIM
from shared.look import Seen
from shared.model import Change, Resource, ResourceId, State, Undecided, Verb, directory_object
from shared.observing import Memo
from shared.people import People
from shared.usage import Uses

_ASSIGNMENTS = "microsoft.authorization/roleassignments"
_DEFINITIONS_VERSION = "2022-04-01"
_PIM = "providers/Microsoft.Authorization"
_PIM_VERSION = "2020-10-01"
_DELEGATIONS = "providers/Microsoft.ManagedServices/registrationAssignments"
_DELEGATIONS_VERSION = "2022-10-01"


@dataclass(kw_only=True)
class Holding:
    """One grant as a reviewer sees it; instants are ISO 8601, what is not known is empty.

    `how` is direct, group, eligible, activated or delegated. `last_used` is the day of the last
    write, delete or action that was seen; `used_since` from when on these are known at all.
    """

    principal: str
    principal_id: str
    kind: str
    account: str
    role: str
    scope: str
    how: str
    condition: bool = False
    until: str = ""
    granted_on: str = ""
    last_used: str = ""
    used_since: str = ""
    grade: str = ""
    findings: list[str] = field(default_factory=list)
    proposal: str = ""
    assignment: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Review:
    """Reads what is there, and asks the engine what it would do.

    `unseen` says, a line each, what the holdings so far lack because it may not be read.
    """

    def __init__(self, index: Index, cloud: Cloud, people: People, uses: Uses) -> None:
        self._index = index
        self._cloud = cloud
        self._people = people
        self._uses = uses
        self.unseen: list[str] = []
        self._roles: dict[str, str] = {}
        self._known: dict[str, Resource | str | None] = {}

    def holdings(
        self, scope: ResourceId, progress: Callable[[int], None] = lambda _: None
    ) -> Iterator[Holding]:
        """Every grant that holds in `scope` or below it, inherited ones once, the widest first.

        Raises:
            Transient, Refused: the grants cannot be listed.
        """
        grants = sorted(self._grants(scope), key=lambda one: (one.id.scope.key, one.id.key))
        inside = {g.id.subscription for g in grants} | {scope.subscription}
        activated: dict[ResourceId, str] = {}
        eligible: list[Holding] = []
        for subscription in sorted(inside - {""}):
            where = ResourceId(f"/subscriptions/{subscription}")
            activated |= self._activated(where)
            eligible.extend(self._eligible(where))
            eligible.extend(self._delegated(where))
        done = 0
        for _, mine in groupby(grants, lambda one: one.id.subscription):
            # What a subscription's grants are judged by is much the same, and read once.
            memo: Memo = {}
            for grant in mine:
                yield self._holding(grant, activated, memo)
                done += 1
                progress(done)
        yield from eligible

    def _grants(self, scope: ResourceId) -> Iterator[Resource]:
        within = {"subscriptions": [scope.subscription]} if scope.subscription else EVERYWHERE
        query = rows_of("AuthorizationResources", [_ASSIGNMENTS])
        for page in self._index.pages(query, within):
            for one in page.resources:
                if one.id.scope.within(scope) or scope.within(one.id.scope):
                    yield one

    def _holding(self, grant: Resource, activated: dict[ResourceId, str], memo: Memo) -> Holding:
        kind = str(grant.get("/properties/principalType") or "")
        until = activated.get(grant.id)
        how = "group" if kind.casefold() == "group" else "direct"
        found = Holding(
            **self._who(str(grant.get("/properties/principalId") or ""), kind),
            role=self._role(str(grant.get("/properties/roleDefinitionId") or "")),
            scope=grant.id.scope.text,
            how=how if until is None else "activated",
            until=until or "",
            condition=bool(grant.get("/properties/condition")),
            granted_on=str(grant.get("/properties/createdOn") or ""),
            assignment=grant.id.text,
        )
        self._add_use(found, grant.id)
        self._add_proposal(found, grant.id, memo)
        return found

    def _add_use(self, found: Holding, grant: ResourceId) -> None:
        """Only uses of grants wider than a resource group are kept."""
        if grant.resource_group is None:
            since = self._uses.since(grant.subscription)
            found.used_since = since.isoformat() if since else ""
            found.last_used = max((use["last"] for use in self._uses.of(grant)), default="")

    def _add_proposal(self, found: Holding, grant: ResourceId, memo: Memo) -> None:
        try:
            look = self._people.preview(grant, memo=memo)
        except (Refused, Transient, Unusable) as fault:
            found.proposal = f"could not be judged: {fault}"
            return
        violated = [s for s in look.seen if s.verdict.state is State.NON_COMPLIANT]
        found.findings = [one.control.id for one in violated]
        graded = (e.observed for one in violated for e in one.verdict.evidence)
        found.grade = next((str(o) for o in graded if str(o).startswith("grade ")), "")
        found.proposal = self._proposal(violated)

    def _proposal(self, violated: list[Seen]) -> str:
        """A narrowing in words, or why there is none; else the first other plan that there is."""
        narrowing = [one for one in violated if _narrows(one)]
        for one in (*narrowing, *(o for o in violated if o not in narrowing)):
            if one.plan is not None:
                return "; ".join(map(self._change, one.plan.changes))
            if one.decision is not None and one.decision.reason:
                return one.decision.reason
        return ""

    def _change(self, change: Change) -> str:
        if change.verb is Verb.CREATE and isinstance(change.document, dict):
            role = str(change.document.get("properties", {}).get("roleDefinitionId", ""))
            return f"grant {self._role(role)} on {change.target.scope}"
        if change.verb is Verb.DELETE:
            return "take it away"
        paths = ", ".join(str(edit.path[-1]) for edit in change.edits)
        return f"set {paths or change.action} on it"

    # --- names

    def _role(self, definition: str) -> str:
        guid = definition.rstrip("/").rsplit("/", 1)[-1].casefold()
        if guid and guid not in self._roles:
            try:
                shown = self._cloud.arm.get(ResourceId(definition), _DEFINITIONS_VERSION)
            except (Refused, Transient):
                shown = None
            name = shown.get("/properties/roleName") if shown else None
            self._roles[guid] = str(name or guid)
        return self._roles.get(guid, "")

    def _who(self, principal: str, kind: str) -> dict[str, Any]:
        who = self._shown(principal)
        named = {"principal": principal, "principal_id": principal, "kind": kind, "account": ""}
        if isinstance(who, str):
            return {**named, "account": who}
        if who is None:
            return {**named, "account": "deleted"}
        name = who.get("/properties/userPrincipalName") or who.get("/properties/displayName")
        states = []
        if who.text("/properties/userType") == "guest":
            states.append("guest")
        if who.get("/properties/accountEnabled") is False:
            states.append("disabled")
        return {**named, "principal": str(name or principal), "account": ", ".join(states)}

    def _shown(self, principal: str) -> Resource | str | None:
        """The principal, None where it is gone, or why it cannot be seen."""
        key = principal.casefold()
        if self._cloud.directory is None or not key:
            return "not seen"
        if key not in self._known:
            try:
                named = ResourceId(directory_object(key))
                self._known[key] = self._cloud.directory.get(named)
            except (Refused, Transient):
                self._known[key] = "not seen"
        return self._known[key]

    # --- what is no assignment, or not for long

    def _activated(self, where: ResourceId) -> dict[ResourceId, str]:
        """By assignment, until when PIM has made it."""
        found: dict[ResourceId, str] = {}
        for one in self._listed(f"{where}/{_PIM}/roleAssignmentScheduleInstances", _PIM_VERSION):
            origin = one.get("/properties/originRoleAssignmentId")
            if isinstance(origin, str) and one.text("/properties/assignmentType") == "activated":
                found[ResourceId(origin)] = str(one.get("/properties/endDateTime") or "")
        return found

    def _eligible(self, where: ResourceId) -> Iterator[Holding]:
        for one in self._listed(f"{where}/{_PIM}/roleEligibilityScheduleInstances", _PIM_VERSION):
            kind = str(one.get("/properties/principalType") or "")
            yield Holding(
                **self._who(str(one.get("/properties/principalId") or ""), kind),
                role=self._role(str(one.get("/properties/roleDefinitionId") or "")),
                scope=str(one.get("/properties/scope") or where),
                how="eligible",
                until=str(one.get("/properties/endDateTime") or ""),
                assignment=one.id.text,
            )

    def _delegated(self, where: ResourceId) -> Iterator[Holding]:
        for one in self._listed(f"{where}/{_DELEGATIONS}", _DELEGATIONS_VERSION):
            definition = ResourceId(str(one.get("/properties/registrationDefinitionId") or "/"))
            for held in self._authorizations(definition):
                principal = str(held.get("principalId") or "")
                yield Holding(
                    principal=str(held.get("principalIdDisplayName") or principal),
                    principal_id=principal,
                    kind="",
                    account="another tenant's",
                    role=self._role(f"/{_PIM}/roleDefinitions/{held.get('roleDefinitionId')}"),
                    scope=one.id.scope.text,
                    how="delegated",
                    assignment=one.id.text,
                )

    def _authorizations(self, definition: ResourceId) -> tuple[Mapping[str, Any], ...]:
        try:
            shown = self._cloud.arm.get(definition, _DELEGATIONS_VERSION)
            return shown.items("/properties/authorizations") if shown else ()
        except (Refused, Undecided) as fault:
            self.unseen.append(f"{definition} could not be read: {fault}")
            return ()

    def _listed(self, collection: str, version: str) -> Iterator[Resource]:
        """A list that may be refused, which is said; tenants without the licence have no PIM."""
        try:
            yield from self._cloud.arm.list(collection, version)
        except Refused as refused:
            if refused.code != NO_PIM:
                self.unseen.append(f"{collection} could not be read: {refused}")


def _narrows(one: Seen) -> bool:
    """Whether the control's cure grants less in place of what is held."""
    cure = one.control.remediation
    return cure is not None and any(parameter.name == "grants" for parameter in cure.parameters)
