"""Cures for what data stores of every type have in common."""
