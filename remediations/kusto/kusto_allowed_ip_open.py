"""Let only the listed ranges reach a Data Explorer cluster.

What must stay is let in by the same write that takes the widest out.
"""

from dataclasses import replace

from remediations import ADDRESS_LIST, ALLOWED_RANGES, address_rules
from shared.model import (
    ABSENT,
    Edit,
    Finding,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Reversible,
)

RANGES = "/properties/allowedIpRangeList"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    cluster = finding.resource
    rules = [{"range": text} for text in cluster.get(RANGES) or []]
    cured, caveat = address_rules(rules, "range", parameters["allowed_ranges"])
    ranges = [rule["range"] for rule in cured]
    edit = Edit.of(cluster.body, RANGES, ranges, restore=[])
    return REMEDIATION.propose(finding, [finding.patch(edit)], caveat)


REMEDIATION = Remediation(
    control="kusto-allowed-ip-open",
    title="Let only known ranges reach the Data Explorer cluster",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges are refused.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Kusto/clusters/write",
        "Microsoft.Kusto/locations/operationResults/read",
    ),
    # A cluster with an empty list is an open one: somebody must be named.
    parameters=(
        replace(ALLOWED_RANGES, schema={**ADDRESS_LIST, "minItems": 1}, for_person=ABSENT),
    ),
)
