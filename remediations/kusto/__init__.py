"""Cures for azure Data Explorer."""
