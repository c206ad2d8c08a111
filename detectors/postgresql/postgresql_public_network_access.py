"""PostgreSQL server's public endpoint is on.

Why it matters: what the firewall lets in today, or by one wrong rule tomorrow, reaches the login
over the internet; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. A server
inside a virtual network (a delegated subnet) has no public endpoint, whatever its switch says.
Source: Microsoft Learn, "Public access" and "Private Link" of flexible servers.
"""

from detectors.exposure import public_endpoint
from detectors.postgresql import SERVER, STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="postgresql-public-network-access",
    title="PostgreSQL server's public endpoint is on",
    resource_type=SERVER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
