"""Take the broad resource instance rules out of the firewall; everything else in it stays."""

from detectors.storage.storage_resource_access_rules_broad import broad
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
    parse_pointer,
)

ACLS = "/properties/networkAcls"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["remove"]:
        raise Undecided("nobody said to remove these rules")
    account = finding.resource
    gone = {parse_pointer(one.path)[3] for one in broad(account)}
    rules = account.items(f"{ACLS}/resourceAccessRules")
    kept = [dict(rule) for i, rule in enumerate(rules) if i not in gone]
    # A PATCH replaces the firewall as a whole.
    after = {**account.get(ACLS), "resourceAccessRules": kept}
    return REMEDIATION.propose(finding, [finding.patch(Edit.of(account.body, ACLS, after))])


REMEDIATION = Remediation(
    control="storage-resource-access-rules-broad",
    title="Remove broad resource instance rules",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Azure services that came in through a removed rule alone are refused.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Storage/storageAccounts/write",
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
    ),
    parameters=(
        Parameter(
            name="remove",
            description="Whether the broad rules are to be removed.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
