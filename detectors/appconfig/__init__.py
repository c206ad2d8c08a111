"""App Configuration stores."""

from detectors.exposure import Store, unless_connected
from shared.model import ResourceType

CONFIGURATION = ResourceType(
    "Microsoft.AppConfiguration/configurationStores", api_version="2024-05-01"
)
STORE = Store(type=CONFIGURATION, unset=unless_connected)
