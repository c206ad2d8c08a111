"""Azure File Sync."""

from shared.model import ResourceType

SERVICE = ResourceType("Microsoft.StorageSync/storageSyncServices", api_version="2022-09-01")
