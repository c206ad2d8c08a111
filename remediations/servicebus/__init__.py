"""Cures for Service Bus namespaces."""
