"""Cures for Azure Data Explorer clusters."""
