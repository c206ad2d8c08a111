"""A function app that does nothing: the least that any app costs its worker."""
