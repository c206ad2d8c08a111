"""Cures for firewalls of database servers that are lists of address ranges.

What must stay is let in first, by a rule for each allowed range that no remaining rule holds, so
that no client in it is cut off in between; then the rules that open the server go.
"""

from collections.abc import Iterable
from typing import Final

from remediations import ADDRESS_LIST, clients
from shared.model import (
    AZURE_SERVICES,
    WIDE,
    Addresses,
    Change,
    Finding,
    Parameter,
    RangeRules,
    fitting,
)

STAYING: Final = Parameter(
    name="allowed_ranges",
    description="Public IPv4 addresses and blocks whose clients must keep access.",
    schema=ADDRESS_LIST,
    default=[],
)


def narrowed(
    finding: Finding,
    rules: RangeRules,
    allowed: Iterable[str],
    *,
    limit: int = WIDE,
    azure: bool = True,
) -> list[Change]:
    """The few widest rules gone, so that what stays holds up to `limit` addresses.

    Without `azure` the rule that lets all of Azure in goes too.

    Raises:
        Undecided: the allowed ranges cannot be let in, or a rule cannot be read.
    """
    found = rules.of(finding.resource)
    sets = [addresses - AZURE_SERVICES for _, addresses in found]
    wanted = clients(allowed)
    stay = fitting(sets, beside=Addresses.union(wanted), limit=limit)
    if not azure:
        stay = [i for i in stay if sets[i]]
    covered = Addresses.union(sets[i] for i in stay)
    gone = [rule for i, (rule, _) in enumerate(found) if i not in stay]
    return [*rules.letting_in(finding, wanted, covered), *rules.without(gone)]


def without_azure(finding: Finding, rules: RangeRules, allowed: Iterable[str]) -> list[Change]:
    """The rules that let in every customer of Azure gone.

    Raises:
        Undecided: as `narrowed`.
    """
    found = rules.of(finding.resource)
    covered = Addresses.union(addresses for _, addresses in found) - AZURE_SERVICES
    gone = [rule for rule, addresses in found if addresses == AZURE_SERVICES]
    return [*rules.letting_in(finding, clients(allowed), covered), *rules.without(gone)]
