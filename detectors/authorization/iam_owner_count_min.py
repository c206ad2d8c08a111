"""Only one owner on the subscription (lock-out risk).

Why it matters: when the only account that may hand out rights is lost, blocked or stolen, nobody
can take it away or repair anything.
Limits: counts users who may sign in, members of groups each for themselves; inherited and eligible
owners too, but no application, for none can act for a person who is locked out. Where Microsoft
Graph cannot be asked, Defender for Cloud tells, by its own count. A grant that ends, and an account
that is blocked, are noticed by the next sweep.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.7; Microsoft Learn, Defender for Cloud,
"There should be more than one owner assigned to subscriptions".
"""

from collections.abc import Iterator

from detectors import SUBSCRIPTION
from detectors.authorization import ASSIGNMENT
from detectors.authorization.owners import LOOKUPS, Owners, counted
from detectors.authorization.principals import defender
from shared.model import (
    Detector,
    Evidence,
    Resource,
    Severity,
    Wake,
)

RECOMMENDATION = "2c79b4af-f830-b61e-92b9-63dfa30f16e4"
FEWEST = 2


def check(subscription: Resource) -> Iterator[Evidence]:
    return counted(subscription, _found)


def _found(owners: Owners) -> Iterator[Evidence]:
    names = sorted(owners.people.values())
    if len(names) < FEWEST:
        listed = ", ".join(names) or "nobody"
        yield Evidence("", f"{len(names)} who may sign in: {listed}", f"at least {FEWEST} owners")


DETECTOR = Detector(
    id="iam-owner-count-min",
    title="Only one owner on the subscription (lock-out risk)",
    resource_type=SUBSCRIPTION,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
    lookups=(*LOOKUPS, defender(RECOMMENDATION)[0]),
    wakes=(Wake(type=ASSIGNMENT, pointer="/properties/scope"),),
)
