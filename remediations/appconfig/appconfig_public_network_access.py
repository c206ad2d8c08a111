"""Turn an App Configuration store's public endpoint off."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off
from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

PUBLIC_ACCESS = "/properties/publicNetworkAccess"
SUB_RESOURCES = ("configurationStores",)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    store = finding.resource
    off = finding.patch(Edit.of(store.body, PUBLIC_ACCESS, "Disabled", restore="Enabled"))
    # Automatic can only be chosen when a store is made.
    chosen = store.get(PUBLIC_ACCESS) is not None
    caveat = "" if chosen else "The switch was Automatic: undo leaves it Enabled."
    return endpoint_off(REMEDIATION, finding, parameters, SUB_RESOURCES, off, caveat)


REMEDIATION = Remediation(
    control="appconfig-public-network-access",
    title="Turn the public endpoint of an App Configuration store off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.PARTIAL,
    permissions=(
        "Microsoft.AppConfiguration/configurationStores/write",
        "Microsoft.AppConfiguration/locations/operationsStatus/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
