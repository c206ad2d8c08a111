"""Let only the listed ranges reach an Analysis Services server; Power BI as before.

The firewall is written whole: the narrow rules as they were read, and a rule for each range that
none of them holds.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Final

from remediations import ALLOWED_RANGES, clients
from shared.model import (
    AZURE_SERVICES,
    Addresses,
    Edit,
    Finding,
    Json,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    fitting,
)

SETTINGS = "/properties/ipV4FirewallSettings"

_EVERYBODY: Final[Mapping[str, Json]] = {
    "firewallRules": [
        {
            "firewallRuleName": "portcullis_undone",
            "rangeStart": "0.0.0.0",  # noqa: S104 - in a rule, not a socket
            "rangeEnd": "255.255.255.255",
        }
    ],
    "enablePowerBIService": True,
}
"""What an absent firewall means, for PATCH cannot take one away."""


def plan(finding: Finding, parameters: Parameters) -> Plan:
    server = finding.resource
    read = {**(server.get(SETTINGS) or {"enablePowerBIService": True})}
    rules = server.items(f"{SETTINGS}/firewallRules")
    sets = [Addresses.parse(f"{one['rangeStart']}-{one['rangeEnd']}") for one in rules]
    wanted = clients(parameters["allowed_ranges"])
    stay = fitting([one - AZURE_SERVICES for one in sets], beside=Addresses.union(wanted))
    stay = [i for i in stay if sets[i] != AZURE_SERVICES]
    covered = Addresses.union(sets[i] for i in stay)
    cured: list[Json] = [rules[i] for i in stay]
    for one in wanted:
        if not covered.covers(one):
            covered |= one
            cured.append(_rule(one))
    edit = Edit.of(server.body, SETTINGS, {**read, "firewallRules": cured}, restore={**_EVERYBODY})
    unset = "There was no firewall: undo leaves one that lets everybody in."
    caveat = unset if server.get(SETTINGS) is None else ""
    return REMEDIATION.propose(finding, [finding.patch(edit)], caveat)


def _rule(addresses: Addresses) -> Json:
    first, last = (str(IPv4Address(number)) for number in addresses.v4.spans[0])
    name = f"portcullis_{first}_{last}".replace(".", "_")
    return {"firewallRuleName": name, "rangeStart": first, "rangeEnd": last}


REMEDIATION = Remediation(
    control="analysis-services-firewall",
    title="Let only known ranges reach the Analysis Services server",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges are refused; Power BI is let in as before.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.AnalysisServices/servers/write",
        "Microsoft.AnalysisServices/locations/operationresults/read",
    ),
    parameters=(ALLOWED_RANGES,),
)
