"""Log Analytics workspace takes data or queries from public networks.

Why it matters: logs tell an outsider who holds a token all about an estate, and whoever may send
can drown what matters in noise.
Limits: what closes a workspace is a private link scope (AMPLS), not an endpoint of its own: whether
its clients come through one cannot be seen here. A workspace that a security perimeter secures is
left to that perimeter's rules.
Source: Microsoft Learn, "Configure private link for Azure Monitor".
"""

from detectors.exposure import public_endpoint
from detectors.monitor import WORKSPACE, WORKSPACE_STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="log-analytics-public-access",
    title="Log Analytics workspace takes data or queries from public networks",
    resource_type=WORKSPACE,
    severity=Severity.LOW,
    family="datastore-exposure",
    check=public_endpoint(WORKSPACE_STORE),
    lookups=WORKSPACE_STORE.lookups,
)
