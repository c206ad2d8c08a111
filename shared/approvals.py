"""Plans that wait for a person, and what people said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import Exists, Moved, Unusable
from shared.model import Json, Plan, ResourceId, change_to_json
from shared.store import Store

WAITING, APPROVED, REJECTED, STALE, DONE = "waiting", "approved", "rejected", "stale", "done"


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as people and records see it; `before` and `after` per written path."""
    return {
        "id": plan.id,
        "resource_id": plan.resource.text,
        "controls": list(plan.controls),
        "changes": [change_to_json(c) for c in plan.changes],
        "disruption": plan.disruption,
        "reversible": plan.reversible.value,
        "caveats": list(plan.caveats),
        "permissions": list(plan.permissions),
        "asks": plan.asks,
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """One stored plan and its state."""

    value: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.value["id"])

    @property
    def status(self) -> str:
        return str(self.value["status"])

    @property
    def controls(self) -> list[str]:
        return list(self.value["controls"])

    @property
    def resource(self) -> ResourceId:
        return ResourceId(self.value["resource_id"])

    @property
    def parameters(self) -> dict[str, Json]:
        return dict(self.value["parameters"])

    @property
    def owner(self) -> str:
        """Who owns the resource by its tags, as they were when it was asked."""
        return str(self.value.get("owner", ""))

    @property
    def person(self) -> str:
        """Who decided; of several who approved, all of them."""
        return str(self.value["by"])

    @property
    def approvers(self) -> int:
        """How many people have to say yes."""
        return int(self.value.get("approvers", 1))

    @property
    def approved_by(self) -> list[str]:
        """Who said yes so far."""
        return list(self.value.get("approved_by", ()))


class Approvals:
    """The plans that were shown to people."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def of(self, resource: ResourceId) -> list[Asked]:
        return [Asked(row.value) for row in self._store.scan("plans", resource.key)]

    def all(self) -> Iterator[Asked]:
        return (Asked(row.value) for row in self._store.scan("plans"))

    def last_asked(self, plan: Plan) -> str | None:
        """When this plan was asked and ended, empty for a new one; None where it stands."""
        row = self._store.get("plans", plan.resource.key, plan.id)
        if row is None:
            return ""
        return str(row.value["asked_at"]) if row.value["status"] in (STALE, DONE) else None

    def ask(
        self, plan: Plan, parameters: Mapping[str, Json], approvers: int = 1, owner: str = ""
    ) -> None:
        """Keep a plan for people to decide; one that waits, or was answered, stays as it is."""
        value = self._asked(plan, parameters, approvers, owner)
        with suppress(Exists):
            self._store.insert("plans", plan.resource.key, plan.id, value)
            return
        if self.last_asked(plan):
            self._store.put("plans", plan.resource.key, plan.id, value)

    def order(
        self,
        plan: Plan,
        parameters: Mapping[str, Json],
        by: str,
        approvers: int = 1,
        owner: str = "",
    ) -> Asked:
        """A person's order: a yes of theirs, whatever was said of the plan before.

        Where more than one has to say yes, the yes of others to the same plan counts.
        """
        row = self._store.get("plans", plan.resource.key, plan.id)
        value = self._asked(plan, parameters, approvers, owner)
        if row is not None and row.value["status"] == WAITING:
            value["approved_by"] = [
                one for one in Asked(row.value).approved_by if one.casefold() != by.casefold()
            ]
        value = self._with_yes(value, by, "applied by hand")
        self._store.put("plans", plan.resource.key, plan.id, value)
        return Asked(value)

    def _asked(
        self, plan: Plan, parameters: Mapping[str, Json], approvers: int, owner: str
    ) -> dict[str, Any]:
        return {
            **plan_json(plan),
            "parameters": dict(parameters),
            "owner": owner,
            "status": WAITING,
            "asked_at": self._now().isoformat(),
            "by": "",
            "reason": "",
            "approvers": approvers,
            "approved_by": [],
        }

    def _with_yes(self, value: Mapping[str, Any], by: str, reason: str) -> dict[str, Any]:
        yes = [*value.get("approved_by", ()), by]
        told = {**value, "approved_by": yes, "reason": reason}
        if len(yes) < int(value.get("approvers", 1)):
            return told
        at = self._now().isoformat()
        return {**told, "status": APPROVED, "by": ", ".join(yes), "decided_at": at}

    def ask_more(self, asked: Asked, approvers: int) -> None:
        """Policy wants more people than said yes: an approved plan waits again."""
        row = self._store.get("plans", asked.resource.key, asked.id)
        if row is None or row.value["status"] != APPROVED:
            return
        value = {**row.value, "status": WAITING, "by": "", "approvers": approvers}
        with suppress(Moved):
            self._store.replace("plans", asked.resource.key, asked.id, value, row.etag)

    def find(self, plan_id: str) -> Asked:
        """The plan of that id, or of that beginning of an id where only one has it.

        Raises:
            Unusable: none has it, or several.
        """
        found = [a for a in self.all() if plan_id and a.id.startswith(plan_id)]
        if len(found) != 1:
            raise Unusable(
                f"no plan {plan_id}: 'portcullis plans' shows what waits"
                if not found
                else f"{plan_id} begins the ids of {len(found)} plans: give more of it"
            )
        return found[0]

    def decide(self, asked: Asked, status: str, by: str, reason: str = "") -> Asked:
        """A person's word on a plan that waits; a yes may leave it waiting for more people's.

        Raises:
            Unusable: it does not wait any more, or this person said yes already.
        """
        row = self._store.get("plans", asked.resource.key, asked.id)
        if row is None or row.value["status"] != WAITING:
            was = row.value["status"] if row else "gone"
            raise Unusable(f"plan {asked.id} does not wait any more: it is {was}")
        if status == APPROVED:
            if by.casefold() in (one.casefold() for one in Asked(row.value).approved_by):
                raise Unusable(f"{by} approved plan {asked.id} already: somebody else must too")
            value = self._with_yes(row.value, by, reason)
        else:
            at = self._now().isoformat()
            value = {**row.value, "status": status, "by": by, "reason": reason, "decided_at": at}
        try:
            self._store.replace("plans", asked.resource.key, asked.id, value, row.etag)
        except Moved as moved:
            raise Unusable(f"plan {asked.id} was decided by somebody else just now") from moved
        return Asked(value)

    def end(self, asked: Asked, status: str) -> None:
        """The plan is done, or stale because the resource has moved on."""
        row = self._store.get("plans", asked.resource.key, asked.id)
        if row is None or row.value["status"] != asked.status:
            return
        value = {**row.value, "status": status, "ended_at": self._now().isoformat()}
        # A person who decides at this very moment is not overruled: the next look sees it.
        with suppress(Moved):
            self._store.replace("plans", asked.resource.key, asked.id, value, row.etag)
