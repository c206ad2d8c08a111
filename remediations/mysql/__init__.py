"""Cures for Azure Database for MySQL."""
