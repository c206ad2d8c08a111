"""Deny by default in the firewall of an Azure AI services account, with the ranges in use let in.

What the account says of trusted services and subnets stays as it is.
"""

from remediations import ALLOWED_RANGES, NETWORK_ACLS, address_rules
from shared.model import (
    Edit,
    Finding,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
)

_OPEN = {"defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}


def plan(finding: Finding, parameters: Parameters) -> Plan:
    account = finding.resource
    if not account.get("/properties/customSubDomainName"):
        reason = "network rules need a customSubDomainName, which changes the address for clients"
        raise Undecided(reason)
    listed = account.items(f"{NETWORK_ACLS}/ipRules")
    rules, gone = address_rules(listed, "value", parameters["allowed_ranges"])
    read = {**_OPEN, **(account.get(NETWORK_ACLS) or {})}
    after = {**read, "defaultAction": "Deny", "ipRules": rules}
    edit = Edit.of(account.body, NETWORK_ACLS, after, restore={**_OPEN})
    trusted = account.text(f"{NETWORK_ACLS}/bypass") == "azureservices"
    others = "" if trusted else "Other Azure services that use the account are refused too."
    return REMEDIATION.propose(finding, [finding.patch(edit)], gone, others)


REMEDIATION = Remediation(
    control="ai-services-network-default-allow",
    title="Deny unlisted networks in the firewall of an Azure AI services account",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges and subnets are refused.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.CognitiveServices/accounts/write",
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
    ),
    parameters=(ALLOWED_RANGES,),
)
