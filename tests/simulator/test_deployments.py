"""What was deployed: lists by scope, apart from resources, and never made up."""

import pytest

from simulator.tenant import Tenant
from tests.simulator.client import Client, code

SUB = "/subscriptions/00000000-0000-0000-0000-000000000001"
GROUP = f"{SUB}/resourceGroups/g"
KINDS = ("deployments", "deploymentStacks")


@pytest.mark.parametrize("kind", KINDS)
def test_each_scope_lists_its_own(tenant: Tenant, arm: Client, kind: str) -> None:
    """Those of a group are not the subscription's, and neither are among its resources."""
    for scope, name in ((SUB, "wide"), (GROUP, "narrow")):
        tenant.load({"id": f"{scope}/providers/Microsoft.Resources/{kind}/{name}"})
    for scope, name in ((SUB, "wide"), (GROUP, "narrow")):
        listed = arm.get(f"{scope}/providers/Microsoft.Resources/{kind}").json()["value"]
        assert [one["name"] for one in listed] == [name]
        assert arm.get(f"{scope}/resources").json()["value"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_template_is_run(tenant: Tenant, arm: Client, kind: str) -> None:
    one = tenant.load({"id": f"{GROUP}/providers/Microsoft.Resources/{kind}/d"})
    for answer in (arm.put(f"{one}2", {"properties": {}}), arm.delete(one)):
        assert (answer.status_code, code(answer)) == (501, "SimulatorDoesNotKnow")
    assert tenant.read(one) is not None


def test_a_missing_deployment_is_called_so(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": GROUP})
    answer = arm.get(f"{GROUP}/providers/Microsoft.Resources/deployments/d")
    assert (answer.status_code, code(answer)) == (404, "DeploymentNotFound")
