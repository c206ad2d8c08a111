"""Privileged role was not used for 90 days.

Why it matters: a right that nobody uses helps only whoever steals the account that holds it.
Limits: known are writes, deletes and actions that events and imported activity log entries told
of; readers, and clients of data planes, look idle. Only grants on subscriptions are looked at.
Where uses have been kept for less than 90 days it is unknown.
Source: Microsoft Learn, "Azure Activity Log event schema", `authorization.evidence`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from detectors import seen
from detectors.authorization import ASSIGNMENT
from detectors.authorization.grants import LOOKUPS, SUBSCRIPTION, standing, strength, width
from shared.model import (
    USES,
    Detector,
    Evidence,
    Lookup,
    Resource,
    Severity,
    Undecided,
    uses_of,
)

QUARTER = timedelta(days=90)
CREATED = "/properties/createdOn"


def check(assignment: Resource) -> Iterator[Evidence]:
    if width(seen(assignment)) != SUBSCRIPTION:
        return
    role, strong = strength(assignment)
    if not strong:
        return
    (kept,) = assignment.related("uses")
    if kept.items("/properties/uses"):
        return
    until = _instant(kept, "/properties/until")
    if _instant(assignment, CREATED) > until - QUARTER:
        return
    if (
        kept.get("/properties/since") is None
        or _instant(kept, "/properties/since") > until - QUARTER
    ):
        raise Undecided("uses of role assignments have been kept for less than 90 days here")
    yield from standing(
        assignment,
        Evidence(CREATED, assignment.get(CREATED), f"{role} used in the last 90 days"),
    )


def _instant(resource: Resource, pointer: str) -> datetime:
    found = datetime.fromisoformat(str(resource.get(pointer)))
    if found.tzinfo is None:
        raise Undecided(f"{pointer} has no time zone")
    return found


DETECTOR = Detector(
    id="iam-assignment-unused",
    title="Privileged role was not used for 90 days",
    resource_type=ASSIGNMENT,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
    lookups=(
        *LOOKUPS,
        Lookup(name="uses", type=USES, ids=lambda grant: [uses_of(grant.id)]),
    ),
)
