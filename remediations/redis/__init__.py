"""Cures for Azure Cache for Redis."""
