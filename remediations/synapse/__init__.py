"""Cures for Azure Synapse workspaces."""
