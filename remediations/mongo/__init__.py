"""Cures for Azure Cosmos DB for MongoDB, vCore clusters."""
