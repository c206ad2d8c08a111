"""Turn a Cosmos DB account's public endpoint off; its firewall rules stay as they are."""

from collections.abc import Mapping
from typing import Final

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Resource, Reversible

APIS: Final[Mapping[str, tuple[str, ...]]] = {
    "EnableMongo": ("MongoDB",),
    "EnableCassandra": ("Cassandra",),
    "EnableGremlin": ("Gremlin", "Sql"),
    "EnableTable": ("Table", "Sql"),
}
"""Microsoft Learn, "Configure Azure Private Link for an Azure Cosmos DB account"."""


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding)
    return endpoint_off(REMEDIATION, finding, parameters, _apis(finding.resource), off)


def _apis(account: Resource) -> tuple[str, ...]:
    """The sub-resources that the account's API is reached by; some are reached by two."""
    named = [str(one.get("name")) for one in account.items("/properties/capabilities")]
    usual = ("MongoDB",) if account.text("/kind") == "mongodb" else ("Sql",)
    return next((APIS[name] for name in named if name in APIS), usual)


REMEDIATION = Remediation(
    control="cosmos-public-network-access",
    title="Turn the public endpoint of a Cosmos DB account off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DocumentDB/databaseAccounts/write",
        "Microsoft.DocumentDB/locations/operationsStatus/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
