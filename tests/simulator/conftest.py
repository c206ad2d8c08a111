"""What the tests of the simulated tenant share."""

import pytest

from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.simulator.client import GROUP, SUB, Client


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def tenant(clock: VirtualClock) -> Tenant:
    """A tenant with one subscription and one empty resource group."""
    made = Tenant(clock)
    made.load({"id": SUB, "displayName": "Production"})
    made.load({"id": GROUP, "location": "westeurope"})
    return made


@pytest.fixture
def arm(tenant: Tenant) -> Client:
    return Client(tenant)
