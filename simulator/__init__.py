"""A simulated Azure tenant for tests, the demo and development; never shipped.

Knows nothing of the product: it imports none of its packages.
"""
