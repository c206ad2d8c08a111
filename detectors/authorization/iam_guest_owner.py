"""Guest account holds Owner.

Why it matters: another organisation decides how that account is guarded, and nobody here hears when
its owner leaves.
Limits: a guest who holds it through a group is not found, nor is an account of a foreign
directory that was made a member here. Where Microsoft Graph cannot be asked, Defender for Cloud
tells, up to 12 hours late, and of subscriptions alone. An elevation by PIM is no finding.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4; Microsoft Learn, Defender for Cloud's
identity recommendations.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT
from detectors.authorization.principals import (
    PRINCIPAL,
    USER_TYPE,
    account_at_fault,
    defender,
    may_be_account,
    owns,
)
from detectors.authorization.schedules import SCHEDULES
from shared.model import Detector, Evidence, Resource, Severity

RECOMMENDATION = "20606e75-05c4-48c0-9d97-add6daa2109a"


def check(assignment: Resource) -> Iterator[Evidence]:
    if may_be_account(seen(assignment)) and owns(assignment):
        yield from account_at_fault(assignment, USER_TYPE)


DETECTOR = Detector(
    id="iam-guest-owner",
    title="Guest account holds Owner",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(PRINCIPAL, SCHEDULES, *defender(RECOMMENDATION)),
)
