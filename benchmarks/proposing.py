"""What is proposed in place of a thousand wide grants, in this very process.

First by the planner alone, over what the engine looks up for it: fresh documents for each grant,
and for all of them one list of built-in roles. Then by the whole engine, grant by grant, and at
last by a review of access; for these the tenant is another process, over TLS.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any

from benchmarks import grants
from benchmarks.gates import Audited, audited
from benchmarks.warm import Stopwatch
from remediations.authorization import narrowing
from shared.model import Resource, ResourceId, Undecided, uses_of
from shared.usage import Uses
from simulator.roles import built_in_roles

_LOADED = 250


def main() -> None:
    """Print CPU seconds of the planner, of the engine and of a review."""
    documents = [grants.grant(number) for number in range(grants.GRANTS)]
    with audited() as line:
        for start in range(0, len(documents), _LOADED):
            line.tenant.ask("load", documents=documents[start : start + _LOADED])
        line.tenant.ask("load", documents=grants.roles())
        _remember(line.gate.state.uses, datetime.now(UTC))
        result = _planned(documents, line.gate.state.uses)
        result |= _engine(line, [ResourceId(one["id"]) for one in documents])
        result |= _reviewed(line)
    sys.stdout.write(json.dumps(result) + "\n")


def _remember(uses: Uses, until: datetime) -> None:
    for subscription, since in grants.begun(until):
        uses.begin(subscription, since)
    for number in range(grants.GRANTS):
        for use in grants.uses(number, until):
            uses.note(use)


def _planned(documents: list[dict[str, Any]], uses: Uses) -> dict[str, Any]:
    """The planner alone; the index of roles must be made once."""
    definitions = [*built_in_roles(), *grants.roles()]
    roles = tuple(Resource(id=ResourceId(one["id"]), body=one) for one in definitions)
    by_name = {one.id.name: one for one in roles}
    wide = [_looked_up(document, uses, roles, by_name) for document in documents]
    watch, outcomes = Stopwatch(), Counter[str]()
    indexes: set[int] = set()
    for one in wide:
        outcomes[watch(partial(_outcome, one))] += 1
        indexes.add(id(narrowing._built[0][1]))  # noqa: SLF001  whether it is made again
    if len(indexes) != 1:
        sys.exit(f"the index of roles was made {len(indexes)} times")
    if outcomes != {"narrower": len(documents)}:
        sys.exit(f"not every grant was narrowed: {dict(outcomes)}")
    return {"planned_cpu": watch.cpu, "grants": len(documents), "roles": len(roles)}


def _looked_up(
    document: dict[str, Any],
    uses: Uses,
    roles: tuple[Resource, ...],
    by_name: dict[str, Resource],
) -> Resource:
    old = Resource(id=ResourceId(document["id"]), body=document)
    kept = uses.get(ResourceId(uses_of(old.id)))
    role = by_name[str(document["properties"]["roleDefinitionId"]).rsplit("/", 1)[-1]]
    found = {
        "uses": (kept,) if kept else (),
        "grantedRole": (Resource(id=role.id, body=role.body),),
        "builtInRoles": (*roles,),
    }
    return Resource(id=old.id, body=old.body, lookups=found)


def _outcome(wide: Resource) -> str:
    try:
        return "narrower" if narrowing.proposed(wide) else "nothing"
    except Undecided:
        return "undecided"


def _engine(line: Audited, wide_ones: list[ResourceId]) -> dict[str, Any]:
    """What a person sees who asks for the plan of each grant."""
    line.tenant.ask("seen")
    watch, planned = Stopwatch(), 0
    for one in wide_ones:
        look = watch(partial(line.gate.people.preview, one))
        planned += any(seen.plan is not None for seen in look.seen)
    asked = len(line.tenant.ask("seen")["requests"])
    return {"engine_cpu": watch.cpu, "engine_planned": planned, "engine_requests": asked}


def _reviewed(line: Audited) -> dict[str, Any]:
    watch, review = Stopwatch(), line.gate.review()
    rows = watch(lambda: [one.to_json() for one in review.holdings(ResourceId("/"))])
    asked = len(line.tenant.ask("seen")["requests"])
    return {"review_cpu": watch.cpu, "review_rows": len(rows), "review_requests": asked}


if __name__ == "__main__":
    main()
