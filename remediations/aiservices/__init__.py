"""Cures for Azure AI services accounts."""
