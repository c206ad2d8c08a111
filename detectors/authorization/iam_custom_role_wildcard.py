"""Custom role uses broad wildcards.

Why it matters: it allows what its author never thought of, and what a provider adds tomorrow.
Limits: `*`, `*/write`, `*/delete`, `*/action` and a whole provider (`Microsoft.Storage/*`) are
broad, also where notActions take some away again; `*/read` and one type's actions
(`Microsoft.Storage/storageAccounts/*`) are not.
Source: Microsoft Learn, "Azure custom roles"; Azure Policy, "Audit usage of custom RBAC roles".
"""

from collections.abc import Iterator

from detectors.authorization import DEFINITION
from detectors.authorization.custom import custom_role, entries
from shared.model import Detector, Evidence, Resource, Severity, parse_pointer, value_at

BROAD = {"*", "*/write", "*/delete", "*/action", "*/*"}


def broad(pattern: str) -> bool:
    """Whether a pattern (in lower case) covers a whole provider, or a verb everywhere."""
    return pattern in BROAD or (pattern.endswith("/*") and pattern.count("/") == 1)


def check(definition: Resource) -> Iterator[Evidence]:
    if custom_role(definition) is None:
        return
    for entry in entries(definition, "actions", "dataactions"):
        if broad(entry.pattern):
            observed = value_at(definition.body, parse_pointer(entry.pointer))
            yield Evidence(entry.pointer, observed, "the actions that are needed")


DETECTOR = Detector(
    id="iam-custom-role-wildcard",
    title="Custom role uses broad wildcards",
    resource_type=DEFINITION,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
)
