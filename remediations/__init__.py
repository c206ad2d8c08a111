"""Remediations, one module a control, named as its detector's; each holds a `REMEDIATION`.

A remediation is a pure planner: it says which writes end a finding, and can make none.
"""
