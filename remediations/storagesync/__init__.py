"""Cures for azure File Sync."""
