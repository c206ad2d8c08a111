"""SQL server's public endpoint is on.

Why it matters: what the firewall lets in today, or by one wrong rule tomorrow, reaches the login
over the internet; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. A server
that a security perimeter secures is left to that perimeter's rules.
Source: Microsoft Learn, "Azure SQL connectivity settings", section Deny public network access.
"""

from detectors.exposure import public_endpoint
from detectors.sql import SERVER, STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="sql-server-public-network-access",
    title="SQL server's public endpoint is on",
    resource_type=SERVER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
