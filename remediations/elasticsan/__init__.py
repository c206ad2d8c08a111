"""Cures for Elastic SANs."""
