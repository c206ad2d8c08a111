"""Data Factories."""

from detectors.exposure import Store
from shared.model import ResourceType

FACTORY = ResourceType("Microsoft.DataFactory/factories", api_version="2018-06-01")
STORE = Store(type=FACTORY)
