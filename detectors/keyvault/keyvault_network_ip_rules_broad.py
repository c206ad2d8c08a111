"""Key vault's firewall holds very wide address rules.

Why it matters: a firewall that denies by default protects little where its list holds a provider's
whole range, and two halves of the internet are all of it.
Limits: all rules are judged together, against 65,536 addresses, while the default is to deny;
says nothing of who holds rights in the vault.
Source: Microsoft Learn, "Configure Azure Key Vault firewalls and virtual networks".
"""

from collections.abc import Iterator

from detectors import behind_public_access, wide_network_acls
from detectors.keyvault import VAULT
from shared.model import Detector, Evidence, Resource, Severity


def check(vault: Resource) -> Iterator[Evidence]:
    return behind_public_access(vault, wide_network_acls)


DETECTOR = Detector(
    id="keyvault-network-ip-rules-broad",
    title="Key vault's firewall holds very wide address rules",
    resource_type=VAULT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
