"""Azure AI services account admits all networks.

Why it matters: a stolen key works from anywhere.
Limits: judges the account's own firewall; a list of rules that holds most of the internet counts
as open too. Absent network rules mean that all networks are let in.
Source: Microsoft Learn, "Configure Azure AI services virtual networks".
"""

from collections.abc import Iterator

from detectors import behind_public_access, open_network_acls
from detectors.aiservices import ACCOUNT
from shared.model import Detector, Evidence, Resource, Severity


def check(account: Resource) -> Iterator[Evidence]:
    return behind_public_access(account, open_network_acls)


DETECTOR = Detector(
    id="ai-services-network-default-allow",
    title="Azure AI / OpenAI account admits all networks",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
