"""Managed identities and the tokens of others that they trust."""
