"""Delete the few widest IPv6 rules of a SQL server's firewall."""

from remediations.firewalls import narrowed
from shared.model import (
    WIDE_IPV6,
    Finding,
    Kind,
    Parameters,
    Plan,
    RangeRules,
    Remediation,
    Reversible,
)


def plan(finding: Finding, _: Parameters) -> Plan:
    rules = RangeRules(finding.detector.lookups[0].type, "startIPv6Address", "endIPv6Address")
    return REMEDIATION.propose(finding, narrowed(finding, rules, (), limit=WIDE_IPV6))


REMEDIATION = Remediation(
    control="sql-firewall-ipv6-broad",
    title="Delete the widest IPv6 firewall rules of a SQL server",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Clients that came in through a deleted rule cannot connect any more.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Sql/servers/ipv6FirewallRules/write",
        "Microsoft.Sql/servers/ipv6FirewallRules/delete",
    ),
)
