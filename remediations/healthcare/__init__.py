"""Cures for Azure Health Data Services."""
