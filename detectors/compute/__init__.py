"""Disks."""

from shared.model import ResourceType

DISK = ResourceType("Microsoft.Compute/disks", api_version="2024-03-02")
