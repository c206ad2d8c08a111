"""Key vault's public endpoint is on.

Why it matters: what the firewall lets in today, or by one wrong edit tomorrow, reaches keys and
secrets over the internet; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. Trusted
Microsoft services pass an endpoint that is off too, as long as `bypass` names them. A vault that a
security perimeter secures is left to that perimeter's rules.
Source: Microsoft Learn, "Configure network security for Azure Key Vault".
"""

from detectors.exposure import public_endpoint
from detectors.keyvault import STORE, VAULT
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="keyvault-public-network-access",
    title="Key vault public endpoint is enabled",
    resource_type=VAULT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
