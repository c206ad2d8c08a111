"""Turn a FHIR service's public endpoint off.

PATCH takes its tags and identity alone, so it is put as it was read. Private endpoints lead to its
workspace.
"""

from remediations.exposure import CONNECTIONS, IN_USE, LOOKUPS, PUBLIC_ACCESS, endpoint_off
from shared.model import (
    Edit,
    Finding,
    Kind,
    Lookup,
    Parameters,
    Plan,
    Remediation,
    ResourceType,
    Reversible,
)

WORKSPACES = Lookup(
    name=CONNECTIONS,
    type=ResourceType(f"Microsoft.HealthcareApis/workspaces/{CONNECTIONS}", "2024-03-31"),
    ids=lambda fhir: [f"{fhir.id.parent}/{CONNECTIONS}"],
    many=True,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    edit = Edit.of(finding.resource.body, PUBLIC_ACCESS, "Disabled", restore="Enabled")
    off = finding.put(edit)
    return endpoint_off(REMEDIATION, finding, parameters, ("healthcareworkspace",), off)


REMEDIATION = Remediation(
    control="fhir-public-network-access",
    title="Turn the public endpoint of a FHIR service off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.HealthcareApis/workspaces/fhirservices/write",
        "Microsoft.HealthcareApis/locations/operationresults/read",
    ),
    parameters=(IN_USE,),
    lookups=(WORKSPACES, *LOOKUPS),
)
