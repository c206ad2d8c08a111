"""App Configuration stores."""

from detectors.exposure import Store
from shared.model import ResourceType

CONFIGURATION = ResourceType(
    "Microsoft.AppConfiguration/configurationStores", api_version="2024-05-01"
)
STORE = Store(type=CONFIGURATION, automatic=True, perimeters=None)
