"""Data stores of every type, seen as one."""
