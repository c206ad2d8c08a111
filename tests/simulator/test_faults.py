"""Trouble on order, as the real client sees it."""

import pytest
from azure.core.exceptions import ServiceResponseError, ServiceResponseTimeoutError

from simulator.faults import Fault, What
from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, GROUP, VAULT, Client, code

BODY = {"location": "westeurope", "properties": {}}


@pytest.mark.parametrize(
    ("what", "error", "happened"),
    [
        ("cut-before", ServiceResponseError, False),
        ("cut-after", ServiceResponseError, True),
        ("timeout-before", ServiceResponseTimeoutError, False),
        ("timeout-after", ServiceResponseTimeoutError, True),
    ],
)
def test_a_lost_answer_does_not_tell_whether_the_write_happened(
    tenant: Tenant, arm: Client, what: What, error: type[Exception], *, happened: bool
) -> None:
    tenant.faults.add(Fault(what))
    with pytest.raises(error):
        arm.put(VAULT, BODY)
    assert (tenant.read(VAULT) is not None) is happened
    assert (len(tenant.writes) == 1) is happened
    assert arm.put(VAULT, BODY).status_code == 200


def test_a_status_fault_prevents_the_effect(tenant: Tenant, arm: Client) -> None:
    tenant.faults.add(
        Fault("status", method="PUT", status=503, code="ServerBusy", headers={"Retry-After": "7"})
    )
    answer = arm.put(VAULT, BODY)
    assert (answer.status_code, code(answer)) == (503, "ServerBusy")
    assert answer.headers["Retry-After"] == "7"
    assert tenant.read(VAULT) is None


def test_the_throttle_fault_works_without_limits(tenant: Tenant, arm: Client) -> None:
    tenant.faults.add(Fault("throttle", headers={"Retry-After": "42"}))
    answer = arm.get(GROUP)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "42")


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        (Fault("status", times=2), [True, True, False, False]),
        (Fault("status", times=0), [True, True, True, True]),
        (Fault("status", skip=2), [False, False, True, False]),
        (Fault("status", method="PUT"), [False, False, False, False]),
        (Fault("status", path="*/RESOURCEGROUPS/prod-rg"), [True, False, False, False]),
        (Fault("status", path="*/vaults/*"), [False, False, False, False]),
    ],
)
def test_a_fault_strikes_whom_and_as_often_as_it_says(
    tenant: Tenant, arm: Client, fault: Fault, struck: list[bool]
) -> None:
    tenant.faults.add(fault)
    assert [arm.get(GROUP).status_code == 500 for _ in struck] == struck


def test_faults_strike_in_the_order_of_their_adding(tenant: Tenant, arm: Client) -> None:
    for status in (500, 502, 503):
        tenant.faults.add(Fault("status", status=status))
    assert [arm.get(GROUP).status_code for _ in range(2)] == [500, 502]
    tenant.faults.clear()
    assert arm.get(GROUP).status_code == 200


def test_a_struck_request_is_logged_as_answered(tenant: Tenant, arm: Client) -> None:
    tenant.faults.add(Fault("status", status=500))
    arm.put(ACCOUNT, BODY)
    assert [(entry.method, entry.status) for entry in tenant.requests] == [("PUT", 500)]
    assert tenant.writes == []
