"""Trust the listed tenants alone, and those that were named before."""

from shared.model import (
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
)

TENANTS = "/properties/trustedExternalTenants"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    cluster = finding.resource
    kept = [dict(one) for one in cluster.items(TENANTS) if str(one.get("value")).strip() != "*"]
    named = {str(one.get("value")).casefold() for one in kept}
    more = [one for one in parameters["trusted_tenants"] if one.casefold() not in named]
    after = [*kept, *({"value": one} for one in more)]
    return REMEDIATION.propose(finding, [finding.patch(Edit.of(cluster.body, TENANTS, after))])


REMEDIATION = Remediation(
    control="kusto-trusted-external-tenants",
    title="Trust known tenants alone",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Accounts of tenants that are not listed are refused.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Kusto/clusters/write",
        "Microsoft.Kusto/locations/operationResults/read",
    ),
    parameters=(
        Parameter(
            name="trusted_tenants",
            description="Other tenants that may still come in, by their ids; none where empty.",
            schema={
                "type": "array",
                "items": {"type": "string", "pattern": "^[0-9A-Fa-f-]{36}$"},
            },
        ),
    ),
)
