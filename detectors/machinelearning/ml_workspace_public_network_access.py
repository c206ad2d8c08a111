"""Machine Learning workspace's public endpoint is on.

Why it matters: the studio, models and jobs can be reached from the internet by whoever holds a
token, and jobs read the data that the workspace may read.
Limits: how far it is open is graded in the evidence (`exposure ...`). Says nothing of the storage
account, key vault and registry beside the workspace: each is judged as what it is.
Source: Microsoft Learn, "Configure a private endpoint for an Azure Machine Learning workspace".
"""

from detectors.exposure import public_endpoint
from detectors.machinelearning import STORE, WORKSPACE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="ml-workspace-public-network-access",
    title="Machine Learning workspace public endpoint is enabled",
    resource_type=WORKSPACE,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
