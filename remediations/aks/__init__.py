"""Cures for Azure Kubernetes Service."""
