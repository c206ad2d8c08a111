"""Cures for Recovery Services vaults."""
