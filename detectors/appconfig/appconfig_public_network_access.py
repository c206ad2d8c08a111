"""App Configuration store's public endpoint is on.

Why it matters: settings tell an outsider how an application is built, and often hold more than
that; the store has no firewall of its own, so whoever holds a key or a token gets in.
Limits: an absent switch is `Automatic`: on until the store has an approved private endpoint. A
store that a security perimeter secures is left to that perimeter's rules.
Source: Microsoft Learn, "Network security for Azure App Configuration".
"""

from detectors.appconfig import CONFIGURATION, STORE
from detectors.exposure import public_endpoint
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="appconfig-public-network-access",
    title="App Configuration public endpoint is enabled",
    resource_type=CONFIGURATION,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
