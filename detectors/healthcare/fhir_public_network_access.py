"""FHIR service's public endpoint is on.

Why it matters: it has no firewall: a stolen token reads health records from anywhere; with the
endpoint off only the private endpoints of its workspace remain.
Limits: absent means on. What the workspace's own switch says is not looked at.
Source: Microsoft Learn, "Configure Private Link for Azure Health Data Services", and REST
reference, `publicNetworkAccess`.
"""

from detectors.exposure import public_endpoint
from detectors.healthcare import FHIR, STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="fhir-public-network-access",
    title="FHIR service's public endpoint is on",
    resource_type=FHIR,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
