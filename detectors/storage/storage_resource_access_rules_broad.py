"""Storage resource instance rule from another tenant or wildcard resource.

Why it matters: resources that the rule names pass the firewall whatever it denies; a wildcard
names all there will ever be, and another tenant's are in nobody's hands here.
Limits: which tenant the account is in, its identity tells, or a rule for a resource of its own
subscription; where neither does, rules for other subscriptions cannot be judged. What the named
resource may then do is a matter of its role assignments.
Source: Microsoft Learn, "Grant access from Azure resource instances".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.storage import ACCOUNT
from shared.model import Detector, Evidence, Resource, ResourceId, Severity, Undecided

RULES = "/properties/networkAcls/resourceAccessRules"


def check(account: Resource) -> Iterator[Evidence]:
    found = list(broad(seen(account)))
    if not found and _unplaced(account):
        raise Undecided("which tenant this account is in cannot be seen")
    yield from found


def broad(account: Resource) -> Iterator[Evidence]:
    """Each rule that names a wildcard, or a resource of another tenant."""
    home = _home(account)
    for i, rule in enumerate(account.items(RULES)):
        if "*" in str(rule.get("resourceId")):
            yield Evidence(f"{RULES}/{i}/resourceId", rule.get("resourceId"), "one resource")
        tenant = str(rule.get("tenantId") or "").casefold()
        if home and tenant and tenant != home:
            yield Evidence(f"{RULES}/{i}/tenantId", rule.get("tenantId"), "the account's tenant")


def _home(account: Resource) -> str:
    told = account.text("/identity/tenantId")
    for rule in account.items(RULES):
        near = ResourceId(str(rule.get("resourceId"))).subscription == account.id.subscription
        told = told or (str(rule.get("tenantId") or "").casefold() if near else "")
    return told


def _unplaced(account: Resource) -> bool:
    return bool(account.items(RULES)) and not _home(account)


DETECTOR = Detector(
    id="storage-resource-access-rules-broad",
    title="Storage resource instance rule from another tenant or wildcard resource",
    resource_type=ACCOUNT,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
