"""Cures for Cosmos DB accounts."""
