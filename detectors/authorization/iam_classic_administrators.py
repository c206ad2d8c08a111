"""Classic co-administrators still listed.

Why it matters: where classic roles are still in force, a co-administrator has Owner's rights over
the subscription, and no list of role assignments shows it.
Limits: classic roles were retired on 31 August 2024, and a listed one may give nothing any more.
The service administrator and the account administrator are not found: they go with the billing
account, and cannot be deleted alone. ARM lists classic administrators and shows none by its id, so
the subscription is judged.
Source: Microsoft Learn, "Azure classic subscription administrators"; "Classic Administrators -
List".
"""

from collections.abc import Iterator

from detectors import SUBSCRIPTION
from shared.model import Detector, Evidence, Lookup, Resource, ResourceType, Severity

ADMINISTRATOR = ResourceType("Microsoft.Authorization/classicAdministrators", "2015-07-01")
ROLE = "/properties/role"


def check(subscription: Resource) -> Iterator[Evidence]:
    for one in subscription.related("administrators"):
        if "coadministrator" in one.text(ROLE):
            expected = "no classic administrator"
            yield Evidence(ROLE, one.get(ROLE), expected, resource=one.id)


DETECTOR = Detector(
    id="iam-classic-administrators",
    title="Classic co-administrators still listed",
    resource_type=SUBSCRIPTION,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
    lookups=(
        Lookup(
            name="administrators",
            type=ADMINISTRATOR,
            ids=lambda subscription: [f"{subscription.id}/providers/{ADMINISTRATOR.name}"],
            many=True,
        ),
    ),
)
