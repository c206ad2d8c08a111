"""Cures for azure Databricks."""
