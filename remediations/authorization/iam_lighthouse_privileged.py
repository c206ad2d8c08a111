"""End a Lighthouse delegation that gives another tenant a privileged role."""

from remediations.authorization.holders import GUID
from shared.model import (
    Change,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
    Verb,
)

NAMED, TENANT = "/properties/registrationDefinitionId", "/properties/managedByTenantId"
DELEGATIONS = "Microsoft.ManagedServices/registrationAssignments"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """Raises Undecided where the managing tenant is trusted, or is not told."""
    trusted = {one.casefold() for one in parameters["trusted_tenants"]}
    tenants = {offer.text(TENANT) for offer in finding.resource.related("offer")}
    if "" in tenants or not trusted.isdisjoint(tenants):
        raise Undecided("the managing tenant is trusted, or not told: exempt the delegation")
    ended = Change(
        verb=Verb.DELETE,
        target=finding.resource.id,
        api_version=finding.type.api_version,
        document={"properties": {"registrationDefinitionId": finding.resource.get(NAMED)}},
    )
    caveat = "The whole delegation ends, with every role in it; the definition is kept for an undo."
    return REMEDIATION.propose(
        finding, [ended], caveat, asks="A contract stands behind it: ask the managing tenant first."
    )


REMEDIATION = Remediation(
    control="iam-lighthouse-privileged",
    title="End a Lighthouse delegation that gives another tenant a privileged role",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The managing tenant can no longer see or administer what was delegated.",
    reversible=Reversible.YES,
    permissions=(
        f"{DELEGATIONS}/write",
        f"{DELEGATIONS}/delete",
        "Microsoft.ManagedServices/operationStatuses/read",
    ),
    parameters=(
        Parameter(
            name="trusted_tenants",
            description="Ids of the managing tenants that may hold such a role.",
            schema={"type": "array", "items": {"type": "string", "pattern": GUID}},
            for_person=[],
        ),
    ),
    privileged=True,
)
