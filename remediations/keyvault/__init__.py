"""Cures for key vaults."""
