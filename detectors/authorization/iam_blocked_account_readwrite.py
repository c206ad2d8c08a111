"""Disabled or deleted account still holds read or write roles.

Why it matters: whoever unblocks the account, or takes over its synchronised twin, has these rights
again; it serves nobody until then.
Limits: an account that was deleted is `iam-orphaned-principal`'s, and of groups that hold a role
the members are not looked at; applications are not accounts. Where Microsoft Graph cannot be
asked, Defender for Cloud tells, up to 12 hours late, and of subscriptions alone. Owner is
`iam-blocked-account-owner`'s.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.5; Microsoft Learn, Defender for Cloud's
identity recommendations.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT
from detectors.authorization.principals import (
    ENABLED,
    PRINCIPAL,
    account_at_fault,
    defender,
    may_be_account,
    owns,
)
from detectors.authorization.schedules import SCHEDULES
from shared.model import Detector, Evidence, Resource, Severity

RECOMMENDATION = "1ff0b4c9-ed56-4de6-be9c-d7ab39645926"


def check(assignment: Resource) -> Iterator[Evidence]:
    if may_be_account(seen(assignment)) and not owns(assignment):
        yield from account_at_fault(assignment, ENABLED)


DETECTOR = Detector(
    id="iam-blocked-account-readwrite",
    title="Disabled or deleted account still holds read or write roles",
    resource_type=ASSIGNMENT,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
    lookups=(PRINCIPAL, SCHEDULES, *defender(RECOMMENDATION)),
)
