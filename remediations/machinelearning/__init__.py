"""Cures for Machine Learning workspaces."""
