"""Microsoft Purview accounts."""

from detectors.exposure import Store
from shared.model import ResourceType

ACCOUNT = ResourceType("Microsoft.Purview/accounts", api_version="2021-12-01")
STORE = Store(type=ACCOUNT)
