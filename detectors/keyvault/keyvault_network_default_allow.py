"""Key vault's firewall lets all networks in.

Why it matters: a stolen token reads every secret it may read, from anywhere.
Limits: judges the vault's own firewall, not who holds rights in the vault.
Source: Microsoft Learn, "Configure Azure Key Vault firewalls and virtual networks".
"""

from collections.abc import Iterator

from detectors import behind_public_access, open_network_acls
from detectors.keyvault import VAULT
from shared.model import Detector, Evidence, Resource, Severity


def check(vault: Resource) -> Iterator[Evidence]:
    return behind_public_access(vault, open_network_acls)


DETECTOR = Detector(
    id="keyvault-network-default-allow",
    title="Key vault's firewall lets all networks in",
    resource_type=VAULT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
