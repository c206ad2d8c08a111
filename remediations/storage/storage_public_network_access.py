"""Turn a storage account's public endpoint off; its firewall rules stay as they are."""

from collections.abc import Mapping

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible

SUB_RESOURCES = ("blob", "dfs", "file", "queue", "table", "web")


def plan(finding: Finding, parameters: Parameters) -> Plan:
    account = finding.resource
    endpoints = account.get("/properties/primaryEndpoints")
    shown = endpoints if isinstance(endpoints, Mapping) else {}
    offered = [name for name in SUB_RESOURCES if shown.get(name)] or SUB_RESOURCES
    return endpoint_off(REMEDIATION, finding, parameters, offered, switched_off(finding))


REMEDIATION = Remediation(
    control="storage-public-network-access",
    title="Turn the public endpoint of a storage account off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=("Microsoft.Storage/storageAccounts/write",),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
