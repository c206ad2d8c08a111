"""Cures for managed identities."""
