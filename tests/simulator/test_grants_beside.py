"""PIM's settings, delegations, federated credentials and the tenant's policy on transfers."""

from typing import Any

import pytest

from simulator.tenant import Tenant
from tests.simulator.client import GROUP, SUB, Client, code

SETTINGS = f"{SUB}/providers/Microsoft.Authorization/roleManagementPolicies/p1"
ASSIGNED = f"{SUB}/providers/Microsoft.Authorization/roleManagementPolicyAssignments"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deploy"
CREDENTIAL = f"{IDENTITY}/federatedIdentityCredentials"
SERVICES = f"{SUB}/providers/Microsoft.ManagedServices"
TRANSFERS = "/providers/Microsoft.Subscription/policies/default"
FIRST, SECOND = {"id": "a", "maximumDuration": "PT8H"}, {"id": "b", "enabledRules": []}


def settings(tenant: Tenant) -> None:
    rules = {"rules": [FIRST, SECOND], "effectiveRules": [FIRST, SECOND]}
    tenant.load({"id": SETTINGS, "properties": rules})


def test_a_rule_that_is_sent_replaces_its_namesake_whole(tenant: Tenant, arm: Client) -> None:
    """The others stay, and what holds follows."""
    settings(tenant)
    changed = {"id": "b", "enabledRules": ["Justification"]}
    answer = arm.patch(SETTINGS, {"properties": {"rules": [changed]}})
    assert answer.status_code == 200
    assert answer.json()["properties"]["rules"] == [FIRST, changed]
    assert answer.json()["properties"]["effectiveRules"] == [FIRST, changed]


def test_settings_are_neither_made_nor_given_new_rules(tenant: Tenant, arm: Client) -> None:
    settings(tenant)
    answer = arm.patch(SETTINGS, {"properties": {"rules": [{"id": "c"}]}})
    assert (answer.status_code, code(answer)) == (400, "InvalidPolicyRule")
    assert arm.put(SETTINGS, {"properties": {"rules": []}}).status_code == 405


def test_settings_are_listed_for_one_role(tenant: Tenant, arm: Client) -> None:
    """By the end of the role's id; settings of a resource group are its own."""
    for name, scope in (("owner", SUB), ("reader", SUB), ("owner", GROUP)):
        path = f"{scope}/providers/Microsoft.Authorization/roleManagementPolicyAssignments/{name}"
        tenant.load({"id": path, "properties": {"roleDefinitionId": f"{SUB}/roles/{name}"}})
    found = arm.get(f"{ASSIGNED}?api-version=2020-10-01&$filter=roleDefinitionId eq '/x/OWNER'")
    assert [one["id"] for one in found.json()["value"]] == [f"{ASSIGNED}/owner"]
    assert len(arm.get(ASSIGNED).json()["value"]) == 2
    odd = arm.get(f"{ASSIGNED}?api-version=2020-10-01&$filter=asTarget()")
    assert code(odd) == "SimulatorDoesNotKnow"


def credential(subject: str) -> dict[str, Any]:
    audiences = ["api://AzureADTokenExchange"]
    vouched = {"issuer": "https://tokens.example", "subject": subject, "audiences": audiences}
    return {"properties": vouched}


@pytest.mark.parametrize("missing", ["issuer", "subject", "audiences"])
def test_a_federated_credential_is_whole(tenant: Tenant, arm: Client, missing: str) -> None:
    tenant.load({"id": IDENTITY, "location": "westeurope", "properties": {}})
    body = credential("a")
    del body["properties"][missing]
    assert arm.put(f"{CREDENTIAL}/one", body).status_code == 400


def test_an_identity_trusts_a_subject_once(tenant: Tenant, arm: Client) -> None:
    """The same credential may be put again; another name for the same subject may not."""
    tenant.load({"id": IDENTITY, "location": "westeurope", "properties": {}})
    assert arm.put(f"{CREDENTIAL}/one", credential("a")).status_code == 201
    assert arm.put(f"{CREDENTIAL}/one", credential("a")).status_code == 200
    assert arm.put(f"{CREDENTIAL}/two", credential("a")).status_code == 409
    assert arm.put(f"{CREDENTIAL}/two", credential("b")).status_code == 201


def test_a_delegation_names_a_definition_that_is_there(tenant: Tenant, arm: Client) -> None:
    offer = f"{SERVICES}/registrationDefinitions/offer"
    body = {"properties": {"registrationDefinitionId": offer}}
    assert arm.put(f"{SERVICES}/registrationAssignments/one", body).status_code == 400
    tenant.load({"id": offer, "properties": {}})
    assert arm.put(f"{SERVICES}/registrationAssignments/one", body).status_code == 201


def test_the_policy_on_transfers_is_sent_flat_and_shown_otherwise(arm: Client) -> None:
    """What is not sent is open again; properties are no member of what is sent."""
    answer = arm.put(TRANSFERS, {"blockSubscriptionsLeavingTenant": True})
    assert answer.status_code == 200
    shown = arm.get(TRANSFERS).json()["properties"]
    assert (shown["blockSubscriptionsLeavingTenant"], shown["exemptedPrincipals"]) == (True, [])
    assert shown["blockSubscriptionsIntoTenant"] is False
    assert arm.put(TRANSFERS, {"properties": shown}).status_code == 400
