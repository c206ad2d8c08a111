"""Synapse workspace's firewall is open to the internet, to a very wide range or to all of Azure.

Why it matters: the portal makes a rule "allowAll" by default, and the workspace's SQL, Studio and
development endpoints then answer everybody.
Limits: all rules are judged together, against 65,536 addresses.
Source: Microsoft Learn, "Azure Synapse Analytics IP firewall rules".
"""

from collections.abc import Iterator

from detectors.firewalls import too_open
from detectors.synapse import RULES, STORE, WORKSPACE
from shared.model import Detector, Evidence, Resource, Severity


def check(workspace: Resource) -> Iterator[Evidence]:
    if STORE.public(workspace):
        yield from too_open(workspace, RULES)


DETECTOR = Detector(
    id="synapse-firewall-any-internet",
    title="Synapse workspace's firewall is open to the internet or to all of Azure",
    resource_type=WORKSPACE,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(RULES.lookup,),
)
