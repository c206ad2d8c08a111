"""Cosmos DB accounts."""

from shared.model import ResourceType

ACCOUNT = ResourceType("Microsoft.DocumentDB/databaseAccounts", api_version="2024-11-15")
