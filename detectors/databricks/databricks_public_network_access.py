"""Databricks workspace's public endpoint is on.

Why it matters: notebooks, jobs and the data they may read can be reached from the internet by
whoever holds a token; with the endpoint off only private endpoints remain.
Limits: the workspace's IP access lists are set inside of it and ARM does not show them: a workspace
that such a list narrows is found all the same.
Source: Microsoft Learn, "Enable Azure Private Link back-end and front-end connections".
"""

from detectors.databricks import STORE, WORKSPACE
from detectors.exposure import public_endpoint
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="databricks-public-network-access",
    title="Databricks workspace public endpoint is enabled",
    resource_type=WORKSPACE,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
