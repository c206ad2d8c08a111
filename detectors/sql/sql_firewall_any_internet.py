"""SQL server's firewall is open to the internet, or to a very wide range.

Why it matters: the server's login is then all that stands between the databases and everybody
who can guess or steal a password.
Limits: all IPv4 rules are judged together, against 65,536 addresses. The rule 0.0.0.0-0.0.0.0
("Azure services") is a matter of its own, and rules for IPv6 and for subnets are not looked at.
Open rules in a security perimeter are unknown: its rules and mode are not in the document.
Source: Microsoft Learn, "Azure SQL Database and Azure Synapse IP firewall rules".
"""

from collections.abc import Iterator

from detectors import behind_public_access
from detectors.sql import FIREWALL_RULE, SERVER
from shared.model import (
    AZURE_SERVICES,
    WIDE,
    Addresses,
    Detector,
    Evidence,
    Lookup,
    Resource,
    Severity,
    fitting,
)

START, END = "/properties/startIpAddress", "/properties/endIpAddress"
FITS = f"rules that hold up to {WIDE} addresses together"


def check(server: Resource) -> Iterator[Evidence]:
    return behind_public_access(server, _opened)


def _opened(server: Resource) -> Iterator[Evidence]:
    ranges = {
        rule.id: f"{rule.get(START)}-{rule.get(END)}" for rule in server.related("firewallRules")
    }
    sets = [Addresses.parse(text) - AZURE_SERVICES for text in ranges.values()]
    stay = fitting(sets)
    for i, (rule, text) in enumerate(ranges.items()):
        if i not in stay:
            yield Evidence(START, text, FITS, resource=rule)
    modest = Addresses.union(one for one in sets if one.size <= WIDE)
    if modest.size > WIDE:
        yield Evidence("", f"{modest.size} addresses in rules that are not wide alone", FITS)


DETECTOR = Detector(
    id="sql-firewall-any-internet",
    title="SQL server's firewall is open to the internet or a very wide range",
    resource_type=SERVER,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(
        Lookup(
            name="firewallRules",
            type=FIREWALL_RULE,
            ids=lambda server: [f"{server.id}/firewallRules"],
            many=True,
        ),
    ),
)
