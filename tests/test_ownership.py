"""Owners that a list of deployments does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared import policy_file
from shared.model import Resource, ResourceId
from shared.ownership import Ownership
from shared.state import State
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from tests.made import ACCOUNT, GROUP, SUB

NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/n"
POLICY = "version: 1\ninfrastructure_code: {deployments: 7d}\n"
DEPLOYMENT = f"{GROUP}/providers/Microsoft.Resources/deployments/web"


class Managed:
    """A reader by which one stack of the subscription manages these."""

    def __init__(self, *managed: str) -> None:
        self._managed = [{"id": one, "status": "managed"} for one in managed]

    def get(self, resource_id: ResourceId, api_version: str | None = None) -> Resource | None:
        return None

    def list(self, collection: str, api_version: str) -> Iterator[Resource]:
        stack = f"{collection}/s"
        if collection.startswith(f"{SUB}/providers/"):
            body = {"properties": {"resources": self._managed}}
            yield Resource(id=ResourceId(stack), body=body)


class Brief:
    """A reader whose lists leave out what deployments put out."""

    def __init__(self, *put_out: str, age: str, state: str = "Succeeded") -> None:
        self.reads = 0
        self._brief = {"provisioningState": state, "timestamp": age}
        self._whole = {**self._brief, "outputResources": [{"id": one} for one in put_out]}

    def get(self, resource_id: ResourceId, api_version: str | None = None) -> Resource | None:
        self.reads += 1
        return self._shown(self._whole)

    def list(self, collection: str, api_version: str) -> Iterator[Resource]:
        assert collection == f"{GROUP}/providers/Microsoft.Resources/deployments"
        yield self._shown(self._brief)

    def _shown(self, properties: dict[str, Any]) -> Resource:
        return Resource(
            id=ResourceId(DEPLOYMENT), body={"id": DEPLOYMENT, "properties": properties}
        )


@pytest.mark.parametrize(
    ("reader", "owned", "reads"),
    [
        (Brief(ACCOUNT, age="2026-03-01T06:00:00Z"), True, 1),
        (Brief(f"{ACCOUNT}2", age="2026-03-01T06:00:00Z"), False, 1),
        (Brief(ACCOUNT, age="2026-02-01T06:00:00Z"), False, 0),
    ],
    ids=["put out", "not put out", "long ago"],
)
def test_a_brief_list_is_asked_for_the_rest(
    store: EmbeddedStore, clock: VirtualClock, reader: Brief, *, owned: bool, reads: int
) -> None:
    """Each recent deployment is read by itself; what is long past is not."""
    policy = policy_file.load(POLICY, {})
    ownership = Ownership(reader, State.over(store, clock.now), lambda: policy)
    account = Resource(id=ResourceId(ACCOUNT), body={"id": ACCOUNT})
    assert bool(ownership.owner(account)) is owned
    assert reader.reads == reads


@pytest.mark.parametrize(
    ("managed", "resource", "owned"),
    [
        (NSG, NSG.upper(), True),
        (f"{NSG}/securityRules/ssh", NSG, True),
        (NSG, f"{NSG}/securityRules/ssh", True),
        (f"{NSG}2", NSG, False),
        (GROUP, GROUP, True),
        (GROUP, SUB, False),
        (GROUP, NSG, False),
        (SUB, GROUP, False),
        (f"{GROUP}/providers/Microsoft.Authorization/locks/l", GROUP, False),
    ],
)
def test_parts_belong_together_and_containers_own_nothing(
    store: EmbeddedStore, clock: VirtualClock, managed: str, resource: str, *, owned: bool
) -> None:
    policy = policy_file.load("version: 1\ninfrastructure_code: {stacks: true}\n", {})
    ownership = Ownership(Managed(managed), State.over(store, clock.now), lambda: policy)
    body = Resource(id=ResourceId(resource), body={"id": resource})
    assert bool(ownership.owner(body)) is owned
