"""Databricks cluster nodes get public IPs.

Why it matters: every node of every cluster has an address on the internet, with a security group
alone before it.
Limits: serverless workspaces have no parameters and no nodes here. A workspace that does not
carry the parameter does not tell: its default changed over time.
Source: Microsoft Learn, "Enable secure cluster connectivity".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.databricks import WORKSPACE
from shared.model import Detector, Evidence, Resource, Severity, Undecided

PARAMETERS = "/properties/parameters"
VALUE = f"{PARAMETERS}/enableNoPublicIp/value"


def check(workspace: Resource) -> Iterator[Evidence]:
    if seen(workspace).get(PARAMETERS) is None:
        return
    hidden = workspace.flag(VALUE)
    if hidden is None:
        raise Undecided("this document does not carry enableNoPublicIp")
    if not hidden:
        yield Evidence(VALUE, workspace.get(VALUE), expected=True)


DETECTOR = Detector(
    id="databricks-no-public-ip",
    title="Databricks cluster nodes get public IPs",
    resource_type=WORKSPACE,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
