"""Cures for App Configuration stores."""
