"""Request limits on the tenant's clock."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, ALICE, GROUP, ROBOT, SUB, VAULT, Client, code

OTHER = "/subscriptions/55555555-5555-4555-8555-555555555555"


@pytest.fixture
def tenant(clock: VirtualClock) -> Tenant:
    made = Tenant(clock, throttling=True)
    for subscription in (SUB, OTHER):
        made.load({"id": f"{subscription}/resourceGroups/Prod-RG"})
    made.load({"id": ACCOUNT, "location": "westeurope"})
    made.load({"id": VAULT, "location": "westeurope"})
    return made


def _until_refused(arm: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    for count in range(2000):
        answer = arm.send(method, path, body)
        if answer.status_code == 429:
            return count, answer
    raise AssertionError("never refused")


@pytest.mark.parametrize(
    ("method", "burst", "kind"), [("GET", 250, "read"), ("PATCH", 200, "write")]
)
def test_a_burst_then_a_steady_rate(
    arm: Client, clock: VirtualClock, method: str, burst: int, kind: str
) -> None:
    body: Any = {"tags": {}} if method == "PATCH" else None
    count, refused = _until_refused(arm, method, GROUP, body)
    assert count == burst
    assert code(refused) == "SubscriptionRequestsThrottled"
    assert f"'{kind}' requests" in refused.json()["error"]["message"]
    assert refused.headers["Retry-After"] == "1"
    clock.advance(timedelta(seconds=2))
    count, _ = _until_refused(arm, method, GROUP, body)
    assert count == {"GET": 50, "PATCH": 20}[method]


def test_callers_subscriptions_and_kinds_have_their_own_buckets(
    tenant: Tenant, arm: Client
) -> None:
    _until_refused(arm, "GET", GROUP)
    assert Client(tenant, ALICE).get(GROUP).status_code == 200
    assert arm.get(f"{OTHER}/resourceGroups/Prod-RG").status_code == 200
    assert arm.patch(GROUP, {"tags": {}}).status_code == 200


def test_the_headers_count_down(arm: Client) -> None:
    name = "x-ms-ratelimit-remaining-subscription-reads"
    assert [arm.get(GROUP).headers[name] for _ in range(3)] == ["249", "248", "247"]


@pytest.mark.parametrize(
    ("path", "limit"),
    [(ACCOUNT, 800), (f"{SUB}/providers/Microsoft.Storage/storageAccounts", 100)],
)
def test_storage_has_limits_of_its_own_for_all_callers(
    tenant: Tenant, clock: VirtualClock, path: str, limit: int
) -> None:
    """800 reads and 100 lists in five minutes, whoever asks; ARM's own bucket is kept full."""
    callers = [Client(tenant, ROBOT), Client(tenant, ALICE)]
    answered = 0
    for number in range(limit * 2):
        answer = callers[number % 2].get(path)
        if answer.status_code == 429:
            break
        answered += 1
        if answered % 200 == 0:
            clock.advance(timedelta(seconds=10))
    refilled = int((answered // 200) * 10 * limit / 300)
    assert limit <= answered <= limit + refilled + 1
    assert code(answer) == "TooManyRequests"
    assert int(answer.headers["Retry-After"]) >= 1


def test_limits_are_off_unless_asked_for(clock: VirtualClock) -> None:
    free = Tenant(clock)
    free.load({"id": GROUP})
    arm = Client(free)
    assert {arm.get(GROUP).status_code for _ in range(300)} == {200}
    assert "x-ms-ratelimit-remaining-subscription-reads" in arm.get(GROUP).headers
