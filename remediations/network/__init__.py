"""Cures for networks."""
