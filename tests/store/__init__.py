"""Tests of the seam for state and queues."""
