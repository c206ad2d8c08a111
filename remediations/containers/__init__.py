"""Cures for container groups and container apps."""
