"""Log Analytics workspaces and Application Insights: two endpoints each, two switches."""

from detectors.exposure import Store
from shared.model import ResourceType

WORKSPACE = ResourceType("Microsoft.OperationalInsights/workspaces", api_version="2023-09-01")
COMPONENT = ResourceType("Microsoft.Insights/components", api_version="2020-02-02")
INGESTION = "/properties/publicNetworkAccessForIngestion"
QUERY = "/properties/publicNetworkAccessForQuery"

WORKSPACE_STORE = Store(type=WORKSPACE, switches=(QUERY, INGESTION), perimeters="2025-02-01")
COMPONENT_STORE = Store(type=COMPONENT, switches=(QUERY, INGESTION))
