"""Let no Azure service pass the account's firewall. Resource ids named for it stay stored."""

from shared.model import (
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["end"]:
        raise Undecided("nobody said to end the bypass")
    edit = Edit.of(finding.resource.body, "/properties/networkAclBypass", "None")
    return REMEDIATION.propose(finding, [finding.patch(edit)])


REMEDIATION = Remediation(
    control="cosmos-network-acl-bypass",
    title="End the bypass of Azure services",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Synapse Link and other services that came in by the bypass are refused.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DocumentDB/databaseAccounts/write",
        "Microsoft.DocumentDB/locations/operationsStatus/read",
    ),
    parameters=(
        Parameter(
            name="end",
            description="Whether the bypass is to be ended.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
