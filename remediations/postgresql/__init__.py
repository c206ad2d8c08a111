"""Cures for Azure Database for PostgreSQL."""
