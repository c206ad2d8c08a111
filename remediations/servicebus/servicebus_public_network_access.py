"""Turn a Service Bus namespace's public endpoint off; its rule set stays as it is.

By a PUT of the whole, for PATCH knows nothing of the switch.
"""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off
from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible, Undecided

PUBLIC_ACCESS = "/properties/publicNetworkAccess"
SUB_RESOURCES = ("namespace",)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    namespace = finding.resource
    if namespace.text("/sku/name") != "premium":
        raise Undecided("only Premium namespaces have private endpoints, and can do without others")
    off = finding.put(Edit.of(namespace.body, PUBLIC_ACCESS, "Disabled", restore="Enabled"))
    return endpoint_off(REMEDIATION, finding, parameters, SUB_RESOURCES, off)


REMEDIATION = Remediation(
    control="servicebus-public-network-access",
    title="Turn the public endpoint of a Service Bus namespace off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=("Microsoft.ServiceBus/namespaces/write",),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
