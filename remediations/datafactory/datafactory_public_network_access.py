"""Turn a Data Factory's public endpoint off."""

from remediations.exposure import CONNECTIONS, IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import (
    Finding,
    Kind,
    Lookup,
    Parameters,
    Plan,
    Remediation,
    ResourceType,
    Reversible,
)

FACTORY_CONNECTIONS = Lookup(
    name=CONNECTIONS,
    type=ResourceType(f"Microsoft.DataFactory/factories/{CONNECTIONS}", "2018-06-01"),
    ids=lambda factory: [f"{factory.id}/{CONNECTIONS}"],
    many=True,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding)
    return endpoint_off(REMEDIATION, finding, parameters, ("dataFactory", "portal"), off)


REMEDIATION = Remediation(
    control="datafactory-public-network-access",
    title="Turn the public endpoint of a Data Factory off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Runtimes and authors that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=("Microsoft.DataFactory/factories/write",),
    parameters=(IN_USE,),
    lookups=(FACTORY_CONNECTIONS, *LOOKUPS),
)
