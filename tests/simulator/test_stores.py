"""Managed Redis, Elastic SAN, FHIR services and Purview, as their providers answer."""

from urllib.parse import urlsplit

import pytest

from simulator.tenant import Tenant
from tests.simulator.client import GROUP, SUB, Client, code

CLUSTER = f"{GROUP}/providers/Microsoft.Cache/redisEnterprise/fast"
SAN = f"{GROUP}/providers/Microsoft.ElasticSan/elasticSans/san1"
FHIR = f"{GROUP}/providers/Microsoft.HealthcareApis/workspaces/health/fhirservices/records"
PURVIEW = f"{GROUP}/providers/Microsoft.Purview/accounts/catalogue"

ON = {"location": "westeurope", "properties": {"publicNetworkAccess": "Enabled"}}
OFF = {"properties": {"publicNetworkAccess": "Disabled"}}


@pytest.mark.parametrize(
    ("resource_id", "header", "poll"),
    [
        (CLUSTER, "Azure-AsyncOperation", "Microsoft.Cache/locations/westeurope/operationsStatus"),
        (SAN, "Location", "Microsoft.ElasticSan/locations/westeurope/asyncoperations"),
        (PURVIEW, "Location", "Microsoft.Purview/locations/westeurope/operationResults"),
    ],
)
def test_a_patch_takes_its_time(
    tenant: Tenant, arm: Client, resource_id: str, header: str, poll: str
) -> None:
    """It is accepted, polled where the provider says, and ends as asked."""
    tenant.load({"id": resource_id, **ON})
    answer = arm.patch(resource_id, OFF)
    assert (answer.status_code, set(answer.headers) & {"Location", "Azure-AsyncOperation"}) == (
        202,
        {header},
    )
    at = answer.headers[header]
    assert urlsplit(at).path.startswith(f"{SUB}/providers/{poll}/")
    assert arm.get(resource_id).json()["properties"]["provisioningState"] == "Updating"
    tenant.settle()
    assert arm.get(at).status_code == 200
    after = arm.get(resource_id).json()["properties"]
    assert after == {"publicNetworkAccess": "Disabled", "provisioningState": "Succeeded"}


def test_a_fhir_service_changes_by_put_under_its_etag(tenant: Tenant, arm: Client) -> None:
    """PATCH takes its tags alone; a PUT with an etag that has moved on is refused."""
    tenant.load({"id": FHIR, **ON})
    assert code(arm.patch(FHIR, OFF)) == "InvalidRequestContent"
    read = arm.get(FHIR).json()
    body = {**ON, **OFF}
    assert arm.put(FHIR, body, If_Match=read["etag"]).status_code == 202
    tenant.settle()
    assert arm.get(FHIR).json()["properties"]["publicNetworkAccess"] == "Disabled"
    assert arm.put(FHIR, body, If_Match=read["etag"]).status_code == 412


def test_what_stands_below_them_can_be_listed(tenant: Tenant, arm: Client) -> None:
    """Volume groups of an Elastic SAN, and a workspace's private endpoint connections."""
    workspace = FHIR.rsplit("/", 2)[0]
    tenant.load({"id": SAN, **ON})
    tenant.load({"id": f"{SAN}/volumegroups/vg", "properties": {"networkAcls": {}}})
    tenant.load({"id": f"{workspace}/privateEndpointConnections/one", "properties": {}})
    found = [
        [item["name"] for item in arm.get(collection).json()["value"]]
        for collection in (f"{SAN}/volumegroups", f"{workspace}/privateEndpointConnections")
    ]
    assert found == [["vg"], ["one"]]
