"""Guest account holds a read role.

Why it matters: who reads the configuration knows where an attack would pay; another organisation
decides how that account is guarded.
Limits: a guest who holds it through a group is not found, nor is an account of a foreign
directory that was made a member here. Where Microsoft Graph cannot be asked, Defender for Cloud
tells, up to 12 hours late, and of subscriptions alone. An elevation by PIM is no finding. A role
that allows more than reading is `iam-guest-write`'s.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.2; Microsoft Learn, Defender for Cloud's
identity recommendations.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT
from detectors.authorization.principals import (
    PRINCIPAL,
    ROLE_DEFINITION,
    USER_TYPE,
    account_at_fault,
    defender,
    may_be_account,
    owns,
    writes,
)
from detectors.authorization.schedules import SCHEDULES
from shared.model import Detector, Evidence, Resource, Severity

RECOMMENDATION = "fde1c0c9-0fd2-4ecc-87b5-98956cbc1095"


def check(assignment: Resource) -> Iterator[Evidence]:
    if may_be_account(seen(assignment)) and not owns(assignment) and not writes(assignment):
        yield from account_at_fault(assignment, USER_TYPE)


DETECTOR = Detector(
    id="iam-guest-read",
    title="Guest account holds a read role",
    resource_type=ASSIGNMENT,
    severity=Severity.LOW,
    family="over-broad-access",
    check=check,
    lookups=(PRINCIPAL, ROLE_DEFINITION, SCHEDULES, *defender(RECOMMENDATION)),
)
