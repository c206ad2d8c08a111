"""Lighthouse delegation gives another tenant a privileged role.

Why it matters: people of that tenant write everything here, and neither a list of role assignments
nor a conditional access policy of this tenant shows or stops them.
Limits: permanent authorizations are judged; eligible ones, which the other tenant's people activate
with multifactor authentication, pass. Which managing tenants may be trusted is not known here.
Source: Microsoft Learn, "Tenants, users, and roles in Azure Lighthouse scenarios"; "Registration
Definitions - Get".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import BUILT_IN
from shared.model import Detector, Evidence, Lookup, Resource, ResourceType, Severity, Undecided

DELEGATION = ResourceType("Microsoft.ManagedServices/registrationAssignments", "2022-10-01")
OFFER = ResourceType("Microsoft.ManagedServices/registrationDefinitions", "2022-10-01")
NAMED = "/properties/registrationDefinitionId"
GRANTS = "/properties/authorizations"


def check(delegation: Resource) -> Iterator[Evidence]:
    if not seen(delegation).text(NAMED):
        raise Undecided("the delegation names no registration definition")
    offers = delegation.related("offer")
    if not offers:
        raise Undecided("the delegation's registration definition is not there")
    for offer in offers:
        if seen(offer).get(GRANTS) is None:
            raise Undecided("the delegation's registration definition shows no authorizations")
        for i, granted in enumerate(offer.items(GRANTS)):
            role = str(granted.get("roleDefinitionId")).casefold().rsplit("/", 1)[-1]
            name, weight = BUILT_IN.get(role, ("", 0))
            if weight:
                pointer = f"{GRANTS}/{i}/roleDefinitionId"
                expected = f"a role that is not {name}, or an eligible authorization"
                yield Evidence(pointer, offer.get(pointer), expected, resource=offer.id)


DETECTOR = Detector(
    id="iam-lighthouse-privileged",
    title="Lighthouse delegation gives another tenant a privileged role",
    resource_type=DELEGATION,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(
        Lookup(name="offer", type=OFFER, ids=lambda delegation: [str(delegation.get(NAMED))]),
    ),
)
