"""Writes through the door to Azure, over the real pipeline: once, under their etag, by name."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.azure.arm import Arm
from shared.errors import Conflict, Refused, Transient, Unauthenticated, Why
from shared.model import ABSENT, Edit, ResourceId, Verb
from simulator.faults import Fault
from simulator.tenant import PolicyDenial, Tenant
from tests.azure.wire import (
    API,
    COSMOS,
    DELETE,
    LOCK,
    LOST,
    NSG,
    PUT,
    US,
    WRITES,
    Mouth,
    arm_of,
    change,
    refused,
    sent,
)
from tests.made import ACCOUNT, GROUP, SUB

# --- writes are sent once


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("what", LOST)
def test_a_write_whose_answer_is_lost_is_sent_once(
    tenant: Tenant, arm: Arm, name: str, what: Any
) -> None:
    """Cut off before or after, or timed out: it may have happened, and it is not sent again."""
    mouth = Mouth(tenant)
    tenant.faults.add(Fault(what, times=0))
    fault = refused(arm_of(tenant, mouth=mouth), WRITES[name])
    assert type(fault) is Transient
    assert len(mouth.heard) == 1


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_write_that_fails_is_sent_once(tenant: Tenant, arm: Arm, name: str, status: int) -> None:
    """A 5xx, a timeout of Azure's or a 429 rises with the service's own delay, after one try."""
    tenant.faults.add(Fault("status", times=0, status=status, headers={"Retry-After": "1"}))
    fault = refused(arm, WRITES[name])
    assert type(fault) is Transient
    assert fault.retry_after == 1
    assert [s for _, s in sent(tenant)] == [status]


@pytest.mark.parametrize("name", WRITES)
def test_no_provider_is_ever_registered(tenant: Tenant, arm: Arm, name: str) -> None:
    """A provider that is not registered refuses the write, and is left unregistered."""
    namespaces = ("Microsoft.Storage", "Microsoft.Network", "Microsoft.Sql")
    tenant.unregistered.update(namespaces)
    fault = refused(arm, WRITES[name])
    assert isinstance(fault, Refused)
    assert fault.why is Why.NOT_REGISTERED
    assert len(tenant.requests) == 1
    assert not [r for r in tenant.requests if "register" in r.path.lower().rsplit("/", 1)[-1]]
    assert tenant.unregistered == set(namespaces)


def test_a_refused_token_is_not_tried_again(tenant: Tenant, arm: Arm) -> None:
    """A write that a 401 answers is sent once too."""
    tenant.faults.add(Fault("token-expired", times=0))
    assert isinstance(refused(arm, change()), Unauthenticated)
    assert sent(tenant) == [("PATCH", 401)]


def test_a_write_carries_its_ids(tenant: Tenant, arm: Arm) -> None:
    """The request id that is journalled goes out, and the answer's correlation id comes back."""
    request_id = str(uuid.uuid4())
    answer = arm.write(change(), request_id)
    (write,) = tenant.writes
    assert write.client_request_id == request_id
    assert answer.correlation_id == write.correlation_id != ""
    assert write.api_version == API[ACCOUNT]


def test_a_patch_sends_only_its_edits(tenant: Tenant, arm: Arm) -> None:
    """What a patch does not name stays; the answer shows the resource as it now is."""
    edit = Edit(("properties", "allowBlobPublicAccess"), ABSENT, after=False)
    answer = arm.write(change(edits=(edit,)), "id")
    document = tenant.read(ACCOUNT)
    assert document is not None
    assert document["properties"]["allowBlobPublicAccess"] is False
    assert (document["kind"], document["sku"]) == ("StorageV2", {"name": "Standard_LRS"})
    assert answer.operation is None
    assert answer.resource is not None
    assert answer.resource.get("/properties/allowBlobPublicAccess") is False


def test_an_id_goes_out_as_it_is(tenant: Tenant, arm: Arm) -> None:
    """Spaces, brackets and letters of any language in an id arrive as they are."""
    rid = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/wéb (1) #2?"
    tenant.load({"id": rid, "location": "westeurope", "properties": {}})
    found = arm.get(ResourceId(rid), API[NSG])
    assert found is not None
    assert found.id.text == rid


# --- etags


@pytest.mark.parametrize("verb", [PUT, DELETE])
def test_a_moved_etag_is_a_conflict(tenant: Tenant, arm: Arm, verb: Verb) -> None:
    """With an etag the write is for that version alone, and another one stays as it is."""
    seen = arm.get(ResourceId(NSG), API[NSG])
    assert seen is not None
    assert seen.etag
    tenant.write(NSG, lambda d: d.update(tags={"moved": "on"}), by=US)
    before = tenant.read(NSG)
    fault = refused(arm, change(verb, NSG, etag=seen.etag))
    assert isinstance(fault, Conflict)
    assert tenant.read(NSG) == before


@pytest.mark.parametrize("verb", [PUT, DELETE])
def test_the_etag_that_was_read_lets_the_write_through(
    tenant: Tenant, arm: Arm, verb: Verb
) -> None:
    """The version that was read is written over, or removed."""
    seen = arm.get(ResourceId(NSG), API[NSG])
    assert seen is not None
    answer = arm.write(change(verb, NSG, etag=seen.etag, document=dict(seen.body)), "id")
    tenant.settle()
    document = tenant.read(NSG)
    assert (document is None) == (verb is DELETE)
    assert verb is PUT or answer.resource is None


def test_a_busy_cosmos_account_passes(tenant: Tenant, arm: Arm) -> None:
    """Cosmos answers 412 while another operation runs; that is no conflict but a wait."""
    patch = change(target=COSMOS)
    arm.write(patch, "one")
    fault = refused(arm, patch)
    assert type(fault) is Transient


# --- refusals of the tenant's


def locked(tenant: Tenant) -> None:
    tenant.load({"id": f"{GROUP}{LOCK}", "properties": {"level": "ReadOnly"}})


def denied(tenant: Tenant) -> None:
    tenant.policies.append(
        PolicyDenial(SUB, "Microsoft.Storage/storageAccounts", when=lambda _: True)
    )


def deny_assignment(tenant: Tenant) -> None:
    tenant.load(
        {
            "id": f"{GROUP}/providers/Microsoft.Authorization/denyAssignments/{uuid.UUID(int=1)}",
            "properties": {
                "denyAssignmentName": "managed",
                "scope": GROUP,
                "permissions": [{"actions": ["*/write"], "notActions": []}],
                "principals": [{"id": str(uuid.UUID(int=0)), "type": "SystemDefined"}],
                "excludePrincipals": [],
            },
        }
    )


def forbidden(tenant: Tenant) -> None:
    tenant.refuse(US, "Microsoft.Storage/*/write", "/")


def disabled(tenant: Tenant) -> None:
    tenant.load({"id": SUB, "state": "Disabled"})


@pytest.mark.parametrize(
    ("arrange", "why"),
    [
        (locked, Why.LOCKED),
        (denied, Why.POLICY_DENIED),
        (deny_assignment, Why.DENY_ASSIGNMENT),
        (forbidden, Why.FORBIDDEN),
        (disabled, Why.READ_ONLY),
    ],
)
def test_what_stands_in_the_way_is_named(
    tenant: Tenant, arm: Arm, arrange: Callable[[Tenant], None], why: Why
) -> None:
    """Locks, policies, deny assignments, missing rights, disabled subscriptions: each its name."""
    arrange(tenant)
    fault = refused(arm, change())
    assert isinstance(fault, Refused)
    assert fault.why is why
    assert ACCOUNT.rsplit("/", 1)[-1] in str(fault)
    assert tenant.writes == []


def test_a_delete_of_what_is_gone_is_done(tenant: Tenant, arm: Arm) -> None:
    """Whoever deleted it: gone is what was wanted."""
    arm.write(change(DELETE), "one")
    tenant.settle()
    assert arm.write(change(DELETE), "two").operation is None
    gone = ACCOUNT.replace("/Prod/", "/Gone/")
    assert arm.write(change(DELETE, gone), "three").operation is None


def test_a_put_sends_the_document_with_its_edits(tenant: Tenant, arm: Arm) -> None:
    """A put writes the whole document that was read, changed only where the plan says."""
    seen = arm.get(ResourceId(NSG), API[NSG])
    assert seen is not None
    wanted = replace(change(PUT, NSG, document=dict(seen.body)), etag=seen.etag)
    arm.write(wanted, "id")
    after = tenant.read(NSG)
    assert after is not None
    assert after["tags"] == {"a": "b"}
    assert after["location"] == "westeurope"
