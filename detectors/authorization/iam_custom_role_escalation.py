"""Custom role holds a privilege-raising action.

Why it matters: with one of a few actions a holder takes more than the role says: grants itself
Owner, runs code as an identity of a machine, reads the keys of a storage account.
Limits: actions are weighed as the role allows them in effect, wildcards and notActions counted.
Keys are seen where the provider calls it `listKeys`; whether anybody holds the role is not asked.
Source: Microsoft Learn, "Azure custom roles", "Best practices for Azure RBAC".
"""

from collections.abc import Iterator

from detectors.authorization import DEFINITION
from detectors.authorization.custom import ESCALATIONS, custom_role, giving
from shared.model import Detector, Evidence, Resource, Severity, parse_pointer, value_at


def check(definition: Resource) -> Iterator[Evidence]:
    role = custom_role(definition)
    for privilege in role.privileges if role else ():
        for entry in giving(definition, privilege) if privilege in ESCALATIONS else ():
            observed = value_at(definition.body, parse_pointer(entry.pointer))
            yield Evidence(entry.pointer, observed, f"nothing that allows {privilege}")


DETECTOR = Detector(
    id="iam-custom-role-escalation",
    title="Custom role holds a privilege-raising action",
    resource_type=DEFINITION,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
)
