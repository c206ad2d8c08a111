"""Cures for Event Hubs namespaces."""
