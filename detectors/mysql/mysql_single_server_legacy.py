"""MySQL single server still exists (retired product; TLS, SSL and public access there).

Why it matters: the product gets no fixes any more, and what is left of it answers public networks
or old TLS.
Limits: a server that is closed to public networks and wants TLS 1.2 is no finding, though it
should be gone as well. Its firewall rules are not looked at.
Source: Microsoft Learn, REST reference of Microsoft.DBforMySQL/servers.
"""

from detectors.mysql import SINGLE_SERVER
from detectors.single_servers import check
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="mysql-single-server-legacy",
    title="MySQL single server still exists (retired product; TLS, SSL and public access there)",
    resource_type=SINGLE_SERVER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
