"""Azure Data Explorer."""

from shared.model import ResourceType

CLUSTER = ResourceType("Microsoft.Kusto/clusters", api_version="2024-04-13")
