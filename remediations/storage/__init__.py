"""Cures for storage accounts."""
