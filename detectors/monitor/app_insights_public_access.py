"""Application Insights takes data or queries from public networks.

Why it matters: traces hold addresses, requests and often more, and whoever holds a token may read
them from anywhere; the instrumentation key is enough to send.
Limits: what closes a component is a private link scope (AMPLS), not an endpoint of its own: whether
its clients come through one cannot be seen here. Browsers that send telemetry need the endpoint.
Source: Microsoft Learn, "Configure private link for Azure Monitor".
"""

from detectors.exposure import public_endpoint
from detectors.monitor import COMPONENT, COMPONENT_STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="app-insights-public-access",
    title="Application Insights takes data or queries from public networks",
    resource_type=COMPONENT,
    severity=Severity.LOW,
    family="datastore-exposure",
    check=public_endpoint(COMPONENT_STORE),
    lookups=COMPONENT_STORE.lookups,
)
