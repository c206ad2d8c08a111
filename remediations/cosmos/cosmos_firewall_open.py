"""Let only the listed ranges, and the subnets already named, reach a Cosmos DB account.

An account's rules are always written as a list, whatever form they were read in.
"""

from dataclasses import replace

from remediations import ADDRESS_LIST, ALLOWED_RANGES, address_rules
from shared.model import ABSENT, Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

RULES = "/properties/ipRules"
OLD_RULES = "/properties/ipRangeFilter"
SUBNETS_ONLY = "/properties/isVirtualNetworkFilterEnabled"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    account = finding.resource
    old = str(account.get(OLD_RULES) or "").split(",")
    listed = account.items(RULES) or [{"ipAddressOrRange": t.strip()} for t in old if t.strip()]
    rules, caveat = address_rules(listed, "ipAddressOrRange", parameters["allowed_ranges"])
    edits = [Edit.of(account.body, RULES, rules, restore=[])]
    if account.items("/properties/virtualNetworkRules"):
        # Without the filter the subnets' rules are not in force, and they would be cut off.
        edits.append(Edit.of(account.body, SUBNETS_ONLY, after=True, restore=False))
    return REMEDIATION.propose(finding, [finding.patch(*edits)], caveat)


REMEDIATION = Remediation(
    control="cosmos-firewall-open",
    title="Let only known ranges reach the Cosmos DB account",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges are refused, within fifteen minutes.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DocumentDB/databaseAccounts/write",
        "Microsoft.DocumentDB/locations/operationsStatus/read",
    ),
    # An account with an empty list is an open one: somebody must be named.
    parameters=(
        replace(ALLOWED_RANGES, schema={**ADDRESS_LIST, "minItems": 1}, for_person=ABSENT),
    ),
)
