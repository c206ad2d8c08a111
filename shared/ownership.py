"""Whose resource it is."""
