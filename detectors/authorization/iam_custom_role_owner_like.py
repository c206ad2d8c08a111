"""Custom role equals Owner.

Why it matters: reviews look for Owner by its name, and pass this one by.
Limits: a role counts that in effect writes whatever there is, and role assignments too, whether it
lists `*` or several wildcards. One that allows everything but handing out rights is found by its
wildcards.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.4.
"""

from collections.abc import Iterator

from detectors.authorization import DEFINITION
from detectors.authorization.custom import custom_role, giving
from shared.model import Detector, Evidence, Resource, Severity, parse_pointer, value_at


def check(definition: Resource) -> Iterator[Evidence]:
    role = custom_role(definition)
    if role is None or not {"*/write", "roleAssignments/write"} <= set(role.privileges):
        return
    found = (*giving(definition, "*/write"), *giving(definition, "roleAssignments/write"))
    for entry in dict.fromkeys(found):
        observed = value_at(definition.body, parse_pointer(entry.pointer))
        yield Evidence(entry.pointer, observed, "Microsoft.Authorization/*/Write left out")


DETECTOR = Detector(
    id="iam-custom-role-owner-like",
    title="Custom role equals Owner",
    resource_type=DEFINITION,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
)
