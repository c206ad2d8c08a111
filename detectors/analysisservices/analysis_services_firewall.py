"""Analysis Services server has no firewall, or very wide rules.

Why it matters: the firewall is off by default, and a server has no other network layer: everybody
reaches its models, and a stolen token reads them from anywhere.
Limits: all rules are judged together, against 65,536 addresses. "Allow access from Power BI" lets a
service in that has users of every tenant; it is listed beside a wide rule, and passes alone.
Source: Microsoft Learn, "Configure server firewall", and the overview, section Firewall.
"""

from collections.abc import Iterator

from detectors.analysisservices import SERVER, STORE
from detectors.exposure import exposed
from shared.model import Detector, Evidence, Exposure, Resource, Severity


def check(server: Resource) -> Iterator[Evidence]:
    paths = exposed(STORE, server)
    yield from (path.evidence for path in paths if path.exposure is not Exposure.LISTED)


DETECTOR = Detector(
    id="analysis-services-firewall",
    title="Analysis Services server has no firewall, or very wide rules",
    resource_type=SERVER,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
