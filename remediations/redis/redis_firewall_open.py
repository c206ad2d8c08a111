"""Let only the listed ranges reach a Redis cache: their rules first, then the widest go.

A cache without a rule lets everybody in, and its first rule shuts out everybody else.
"""

from dataclasses import replace

from remediations import ADDRESS_LIST, ALLOWED_RANGES
from remediations.firewalls import narrowed
from shared.model import (
    ABSENT,
    Finding,
    Kind,
    Parameters,
    Plan,
    RangeRules,
    Remediation,
    Reversible,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    rules = RangeRules(finding.detector.lookups[0].type, first="startIP", last="endIP")
    return REMEDIATION.propose(finding, narrowed(finding, rules, parameters["allowed_ranges"]))


REMEDIATION = Remediation(
    control="redis-firewall-open",
    title="Let only known ranges reach the Redis cache",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges lose their connection.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Cache/redis/firewallRules/write",
        "Microsoft.Cache/redis/firewallRules/delete",
    ),
    # A cache without rules is an open one: somebody must be named.
    parameters=(
        replace(ALLOWED_RANGES, schema={**ADDRESS_LIST, "minItems": 1}, for_person=ABSENT),
    ),
)
