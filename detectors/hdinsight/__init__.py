"""HDInsight."""

from shared.model import ResourceType

CLUSTER = ResourceType("Microsoft.HDInsight/clusters", api_version="2021-06-01")
