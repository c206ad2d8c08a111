"""A tenant with a deployment of Portcullis in one subscription, and others that it may watch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.app import app
from infra.events import events
from infra.roles import roles
from shared.azure.arm import Arm
from shared.model import ResourceId
from shared.onboarding import Deployment, Onboarding, Step
from shared.policy import Policy
from simulator.adapter import TenantCredential, transport
from simulator.call import Identity
from simulator.clock import Clock, VirtualClock
from simulator.roles import OWNER, assignment
from simulator.tenant import Tenant
from tests.engine.world import CONTROLS, policy

HOME = "00000000-0000-0000-0000-000000000001"
NEW = "00000000-0000-0000-0000-000000000002"
GATE = "aaaaaaaa-0000-4000-8000-000000000011"
HAND = "aaaaaaaa-0000-4000-8000-000000000012"
TEAM = "aaaaaaaa-0000-4000-8000-000000000013"
OUR_GROUP = f"/subscriptions/{HOME}/resourceGroups/rg-portcullis-prod"
STATE = f"{OUR_GROUP}/providers/Microsoft.Storage/storageAccounts/ststate"
WORKSPACE = f"{OUR_GROUP}/providers/Microsoft.OperationalInsights/workspaces/log"
OWEN = Identity(
    name="Owen", object_id="bbbbbbbb-0000-4000-8000-000000000009", kind="User", upn="owen@c.example"
)
ACCOUNT = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


def deployment(of: Policy | None = None, **more: Any) -> Deployment:
    """What the templates and the code would tell of it."""
    of = policy("") if of is None else of
    names = app(CONTROLS, of)
    told: dict[str, Any] = {
        "name": "prod",
        "location": "westeurope",
        "gate": GATE,
        "hand": HAND if names["hand"] else "",
        "state": ResourceId(STATE),
        "workspace": ResourceId(WORKSPACE),
        "queue": names["hints"],
        "container": names["deadLetters"],
        "roles": roles(CONTROLS, of),
        "events": events(CONTROLS, of),
    }
    return Deployment(**{**told, **more})


@dataclass
class Estate:
    """The tenant, and who runs the commands there."""

    clock: Clock = field(default_factory=VirtualClock)
    who: Identity = OWEN

    def __post_init__(self) -> None:
        self.tenant = Tenant(self.clock, rbac=True)
        self.tenant.add_identity(self.who)
        for name, principal in (("gate", GATE), ("hand", HAND)):
            self.tenant.principals.add_managed_identity(principal, name, principal[:-1] + "f")
        self.tenant.principals.add_group(TEAM, "security team")
        for one in (HOME, NEW):
            scope = f"/subscriptions/{one}"
            self.tenant.load({"id": scope, "subscriptionId": one, "state": "Enabled"})
            self.tenant.load(assignment(self.who.object_id, OWNER, scope, principalType="User"))
        for document in (
            {"id": OUR_GROUP, "location": "westeurope", "tags": {"azd-env-name": "prod"}},
            {"id": STATE, **ACCOUNT},
            {"id": f"{STATE}/queueServices/default/queues/hints"},
            {"id": f"{STATE}/blobServices/default/containers/deadletters"},
            {"id": WORKSPACE, "location": "westeurope"},
        ):
            self.tenant.load(document)

    def onboarding(self, of: Deployment | None = None, who: Identity | None = None) -> Onboarding:
        credential = TenantCredential(self.tenant, who or self.who)
        arm = Arm(credential, {}, self.clock.now, transport=transport(self.tenant))
        return Onboarding(arm, of or deployment(), self.pause)

    def pause(self, seconds: float) -> None:
        """Wait by the tenant's clock."""
        getattr(self.clock, "pause", time.sleep)(seconds)

    def everything(self) -> dict[str, Any]:
        """Every document of the tenant as it is now, by id."""
        self.tenant.settle()
        return {
            entry.address.key: self.tenant.read(entry.address.id)
            for entry in list(self.tenant.state.entries.values())
        }

    @property
    def writes(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.tenant.writes]


@pytest.fixture
def estate() -> Estate:
    return Estate()


def heard(do: Callable[[str, Callable[[Step], None]], None], subscription: str) -> list[Step]:
    """What was said while it was done."""
    steps: list[Step] = []
    do(subscription, steps.append)
    return steps
