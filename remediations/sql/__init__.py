"""Cures for Azure SQL servers."""
