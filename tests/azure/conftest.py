"""The tenant that tests of the door to Azure knock at."""

from __future__ import annotations

import pytest

from shared.azure.arm import Arm
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.azure.wire import COSMOS, NSG, SERVER, Mouth, arm_of
from tests.made import ACCOUNT, GROUP, SUB


@pytest.fixture
def tenant(clock: VirtualClock) -> Tenant:
    made = Tenant(clock)
    made.load({"id": SUB})
    made.load({"id": GROUP, "location": "westeurope"})
    made.load(
        {
            "id": ACCOUNT,
            "location": "westeurope",
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "properties": {"allowBlobPublicAccess": True},
        }
    )
    made.load({"id": NSG, "location": "westeurope", "properties": {"securityRules": []}})
    made.load({"id": SERVER, "location": "westeurope", "properties": {"version": "12.0"}})
    made.load({"id": COSMOS, "location": "westeurope", "properties": {"ipRules": []}})
    return made


@pytest.fixture
def arm(tenant: Tenant) -> Arm:
    return arm_of(tenant)


@pytest.fixture
def mouth(tenant: Tenant) -> Mouth:
    return Mouth(tenant)
