"""Cures for Databricks workspaces."""
