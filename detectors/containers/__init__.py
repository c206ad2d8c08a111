"""Container groups and container apps."""

from shared.model import ResourceType

GROUP = ResourceType("Microsoft.ContainerInstance/containerGroups", api_version="2023-05-01")
APP = ResourceType("Microsoft.App/containerApps", api_version="2024-03-01")
ENVIRONMENT = ResourceType("Microsoft.App/managedEnvironments", api_version="2024-03-01")
