"""Turn off the public data endpoint of a SQL managed instance; its private one goes on."""

from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

ENDPOINT = "/properties/publicDataEndpointEnabled"


def plan(finding: Finding, _: Parameters) -> Plan:
    edit = Edit.of(finding.resource.body, ENDPOINT, after=False)
    return REMEDIATION.propose(finding, [finding.patch(edit)])


REMEDIATION = Remediation(
    control="sqlmi-public-data-endpoint",
    title="Turn off the public data endpoint",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Clients that use port 3342 of the public name cannot connect any more.",
    reversible=Reversible.YES,
    # The operations of instances have no action of their own in Azure's list; the built-in role
    # SQL Managed Instance Contributor reads them by this one.
    permissions=("Microsoft.Sql/managedInstances/write", "Microsoft.Sql/locations/*/read"),
)
