"""Cures for Microsoft Purview accounts."""
