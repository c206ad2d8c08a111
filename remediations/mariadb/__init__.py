"""Cures for mariaDB servers, a retired product."""
