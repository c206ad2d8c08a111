"""Cures for Analysis Services servers."""
