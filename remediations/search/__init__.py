"""Cures for Azure AI Search services."""
