"""Key vault can be purged.

Why it matters: whoever may delete keys may also destroy them for good, and with them all data
that they encrypt, before anybody can bring them back.
Limits: says nothing about how long deleted objects are kept.
Source: Microsoft Learn, "Azure Key Vault soft-delete overview", section "Purge protection".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.keyvault import VAULT
from shared.model import Detector, Evidence, Resource, Severity

PURGE_PROTECTION = "/properties/enablePurgeProtection"
SOFT_DELETE = "/properties/enableSoftDelete"


def check(vault: Resource) -> Iterator[Evidence]:
    # Never false on the wire: it is true or absent, and absent means off.
    if seen(vault).flag(PURGE_PROTECTION) is not True:
        yield Evidence(PURGE_PROTECTION, vault.get(PURGE_PROTECTION), expected=True)
    # Only vaults from before 2021 can have it off; absent says nothing.
    if vault.flag(SOFT_DELETE) is False:
        yield Evidence(SOFT_DELETE, vault.get(SOFT_DELETE), expected=True)


DETECTOR = Detector(
    id="keyvault-purge-protection",
    title="Key vault can be purged",
    resource_type=VAULT,
    severity=Severity.HIGH,
    family="resilience",
    check=check,
)
