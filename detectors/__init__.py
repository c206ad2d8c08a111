"""Detectors, one module a control: `detectors/<service>/<control id with underscores>.py`.

A module is registered by holding a `DETECTOR`. Rules are pure, and import `shared.model` alone.
"""
