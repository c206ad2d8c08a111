"""Cures for Data Factories."""
