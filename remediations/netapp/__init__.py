"""Cures for azure NetApp Files."""
