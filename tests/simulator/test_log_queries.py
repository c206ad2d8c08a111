"""The query endpoint of Log Analytics: one shape of query, and loud refusals of all else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from simulator import roles
from simulator.audiences import LOG_ANALYTICS, LOG_QUERIES
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from simulator.wire import ARM, Request, Response, encode
from tests.simulator.client import ROBOT

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/central"
CUSTOMER = "99999999-9999-4999-8999-999999999999"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/keys"
QUERY = f"""union isfuzzy=true
(AZKVAuditLogs | where (_ResourceId =~ "{VAULT}" or _ResourceId startswith "{VAULT}/") \
| project TimeGenerated, Caller = column_ifexists("CallerIpAddress", ""))
| where isnotempty(Caller)
| extend Caller = replace_regex(Caller, @'^([\\d.]+):\\d+$', @'\\1')
| summarize Calls = count(), Last = max(TimeGenerated) by Caller
| top 2 by Calls"""


@pytest.fixture
def tenant(clock: VirtualClock) -> Tenant:
    made = Tenant(clock)
    made.load({"id": WORKSPACE, "location": "x", "properties": {"customerId": CUSTOMER}})
    return made


def row(tenant: Tenant, address: str, hours: float = 1) -> dict[str, str]:
    at = (tenant.clock.now() - timedelta(hours=hours)).isoformat()
    return {"TimeGenerated": at, "_ResourceId": VAULT.lower(), "CallerIpAddress": address}


def ask(
    tenant: Tenant,
    query: str = QUERY,
    *,
    customer: str = CUSTOMER,
    audience: str = LOG_ANALYTICS,
    **more: Any,
) -> Response:
    token = tenant.token(ROBOT, audience=audience)
    body = encode({"query": query, "timespan": "P1D", **more})
    url = f"{LOG_QUERIES}/v1/workspaces/{customer}/query"
    return tenant.handle(Request("POST", url, {"Authorization": f"Bearer {token}"}, body))


def code(response: Response) -> tuple[int, str]:
    return response.status, response.json()["error"]["code"]


def test_rows_of_the_time_span_are_counted_by_what_the_query_makes_of_them(tenant: Tenant) -> None:
    rows = [row(tenant, f"203.0.113.9:{port}", hours=port) for port in (1, 2, 25)]
    tenant.log_queries.load(WORKSPACE, "AZKVAuditLogs", *rows)
    tenant.log_queries.load(WORKSPACE.upper(), "AZKVAuditLogs", *[row(tenant, "::1")] * 3)
    tenant.log_queries.load(WORKSPACE, "AZKVAuditLogs", row(tenant, ""), row(tenant, "::2"))
    answer = ask(tenant, customer=CUSTOMER.upper())
    assert answer.status == 200
    (table,) = answer.json()["tables"]
    assert [one["name"] for one in table["columns"]] == ["Caller", "Calls", "Last"]
    newest = (tenant.clock.now() - timedelta(hours=1)).isoformat()
    assert table["rows"] == [["::1", 3, newest], ["203.0.113.9", 2, newest]]
    assert tenant.writes == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda q: q.replace("top 2", "take 2"),
        lambda q: q.replace("=~", "=="),
        lambda q: q.replace("union isfuzzy=true", "union"),
        lambda q: q.replace("AZKVAuditLogs", "AZKVAuditLog"),
        lambda q: q.replace("CallerIpAddress", "CallerIPAddress"),
        lambda q: q.replace("count()", "dcount(Caller)"),
        lambda q: f"{q}\n| take 1",
        lambda _: "union isfuzzy=true\n",
        lambda _: "AZKVAuditLogs | take 1",
    ],
)
def test_another_query_is_refused(tenant: Tenant, spoil: Callable[[str], str]) -> None:
    """So is a table or a column that nobody taught it, by its very letters."""
    spoilt = spoil(QUERY)
    assert spoilt != QUERY
    assert code(ask(tenant, spoilt)) == (501, "SimulatorDoesNotKnow")


@pytest.mark.parametrize("more", [{"timespan": "PT1H"}, {"workspaces": []}, {"timespan": 7}])
def test_another_body_is_refused(tenant: Tenant, more: dict[str, Any]) -> None:
    assert code(ask(tenant, **more)) == (501, "SimulatorDoesNotKnow")


def test_a_body_that_is_none_is_refused(tenant: Tenant) -> None:
    token = tenant.token(ROBOT, audience=LOG_ANALYTICS)
    url = f"{LOG_QUERIES}/v1/workspaces/{CUSTOMER}/query"
    for body in (b"", b"[]", b"{}", b"{"):
        sent = Request("POST", url, {"Authorization": f"Bearer {token}"}, body)
        assert code(tenant.handle(sent)) == (400, "BadArgumentError")


def test_another_workspace_or_path_is_refused(tenant: Tenant) -> None:
    assert code(ask(tenant, customer="central")) == (501, "SimulatorDoesNotKnow")
    token = {"Authorization": f"Bearer {tenant.token(ROBOT, audience=LOG_ANALYTICS)}"}
    for method, path in [("GET", f"/v1/workspaces/{CUSTOMER}/query"), ("POST", "/v1/$batch")]:
        sent = Request(method, LOG_QUERIES + path, token)
        assert code(tenant.handle(sent)) == (501, "SimulatorDoesNotKnow")


@pytest.mark.parametrize("audience", [ARM, LOG_QUERIES, "https://graph.microsoft.com"])
def test_a_token_for_another_service_is_refused(tenant: Tenant, audience: str) -> None:
    assert ask(tenant, audience=audience).status == 401


def test_running_queries_and_reading_a_table_are_rights_of_their_own(clock: VirtualClock) -> None:
    """Roles are asked at the workspace; one right without the other does not do."""
    needed = ["Microsoft.OperationalInsights/workspaces/query/read",
              "Microsoft.OperationalInsights/workspaces/query/AZKVAuditLogs/read"]  # fmt: skip
    for held, status in [(needed, 200), (needed[:1], 403), (needed[1:], 403), ([], 403)]:
        tenant = Tenant(clock, rbac=True)
        tenant.load({"id": WORKSPACE, "location": "x", "properties": {"customerId": CUSTOMER}})
        role = tenant.load(roles.custom_role("asks", GROUP, roles.block(held)))
        tenant.load(roles.assignment(ROBOT.object_id, role, WORKSPACE))
        assert ask(tenant).status == status


def test_rows_that_no_table_holds_cannot_be_loaded(tenant: Tenant) -> None:
    good = row(tenant, "::1")
    for table, odd in [
        ("Nothing", good),
        ("AZKVAuditLogs", {**good, "client_ip_s": "::1"}),
        ("AZKVAuditLogs", {**good, "_ResourceId": ""}),
        ("AZKVAuditLogs", {**good, "TimeGenerated": "2026-01-01T00:00:00"}),
    ]:
        with pytest.raises(ValueError, match=table):
            tenant.log_queries.load(WORKSPACE, table, odd)
