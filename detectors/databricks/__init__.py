"""Azure Databricks."""

from shared.model import ResourceType

WORKSPACE = ResourceType("Microsoft.Databricks/workspaces", api_version="2024-05-01")
