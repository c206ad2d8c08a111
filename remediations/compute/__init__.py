"""Cures for disks."""
