"""Recent callers of a data store, asked of its workspaces in front of the simulated tenant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.identity import ClientSecretCredential

from shared.azure.arm import Arm
from shared.azure.callers import CallerLogs
from shared.callers import Callers
from shared.model import ResourceId
from simulator import roles
from simulator.adapter import TenantAdapter, TenantCredential, over
from simulator.clock import VirtualClock, WallClock
from simulator.faults import Fault
from simulator.server import managed_identity, serve
from simulator.tenant import Tenant
from tests.azure.wire import COSMOS, SERVER, US, VAULTS, Mouth, Said, arm_of
from tests.made import ACCOUNT, GROUP, SUB

WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/central"
CUSTOMER = "99999999-9999-4999-8999-999999999999"
SETTING = "providers/Microsoft.Insights/diagnosticSettings/to-central"
STORAGE = [{"categoryGroup": "allLogs", "enabled": True}]
VAULT = f"{VAULTS}/keys"
QUERY = "/v1/workspaces/*/query"


def with_logs(tenant: Tenant, at: str, logs: Any = None, workspace: Any = WORKSPACE) -> None:
    """A workspace, and a diagnostic setting at a resource that sends logs there."""
    tenant.load({"id": WORKSPACE, "location": "x", "properties": {"customerId": CUSTOMER}})
    properties = {"workspaceId": workspace, "logs": STORAGE if logs is None else logs}
    tenant.load({"id": f"{at}/{SETTING}", "properties": properties})


def called(
    tenant: Tenant, table: str, row: str | dict[str, str], *, of: str = ACCOUNT, days: float = 1
) -> None:
    """A row of a log; an address alone stands where storage accounts write it."""
    at = (tenant.clock.now() - timedelta(days=days)).isoformat()
    row = {"CallerIpAddress": row} if isinstance(row, str) else row
    tenant.log_queries.load(
        WORKSPACE, table, {"TimeGenerated": at, "_ResourceId": of.upper(), **row}
    )


@pytest.fixture
def logs(tenant: Tenant, mouth: Mouth) -> Iterator[CallerLogs]:
    arm = arm_of(tenant, mouth=mouth)
    yield (made := CallerLogs(arm, TenantCredential(tenant, US), transport=over(mouth)))
    made.close()
    arm.close()


def asked(logs: CallerLogs, store: str = ACCOUNT) -> str:
    return str(logs(ResourceId(store)))


def unknown(logs: CallerLogs, store: str = ACCOUNT) -> str:
    found = logs(ResourceId(store))
    assert found == Callers(unknown=found.unknown)
    return found.unknown


BLOBS = f"{ACCOUNT}/blobServices/default"


def test_callers_of_a_storage_account_are_counted_without_their_ports(
    tenant: Tenant, logs: CallerLogs
) -> None:
    """Most calls first, each with its last day; what another account or month saw is not theirs."""
    with_logs(tenant, BLOBS)
    for port, days in [(50001, 3), (50002, 2), (50003, 1)]:
        called(tenant, "StorageBlobLogs", f"203.0.113.9:{port}", days=days, of=BLOBS)
    called(tenant, "StorageBlobLogs", "198.51.100.7", days=6)
    called(tenant, "StorageBlobLogs", "198.51.100.8", days=8)
    called(tenant, "StorageBlobLogs", "198.51.100.9", of=f"{ACCOUNT}2")
    now = tenant.clock.now()
    last, first = (f"{now - timedelta(days=d):%Y-%m-%d}" for d in (1, 6))
    assert asked(logs) == (
        f"Callers of the last 7 days: 203.0.113.9 (3, last {last}), "
        f"198.51.100.7 (1, last {first}). Left out: file, queue, table."
    )


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[2001:DB8::1]:443", "2001:db8::1 (1"),
        ("[2001:db8::1]", "2001:db8::1 (1"),
        ("2001:db8::1", "2001:db8::1 (1"),
        ("2001:db8::1%[bold]", "2001:db8::1 (1"),
        ("::ffff:203.0.113.9", "203.0.113.9 (1"),
        ("203.0.113.9", "203.0.113.9 (1"),
        ("10.0.0.4:1024", "10.0.0.4 (private, 1"),
        ("fde4:8dba::1", "fde4:8dba::1 (private, 1"),
        ("local machine", "none in the logs"),
    ],
)
def test_an_address_is_shown_in_one_form(
    tenant: Tenant, logs: CallerLogs, written: str, shown: str
) -> None:
    with_logs(tenant, BLOBS)
    called(tenant, "StorageBlobLogs", written)
    assert asked(logs).startswith(f"Callers of the last 7 days: {shown}")


def test_forms_of_one_address_are_one_caller(tenant: Tenant, logs: CallerLogs) -> None:
    """Last seen when any of them was; and calls without an address are counted, not shown."""
    with_logs(tenant, BLOBS)
    forms = ("2001:DB8::1", "2001:db8:0::1", "[2001:db8::1]:9", "<script>")
    for days, one in zip((3, 1, 2, 1), forms, strict=True):
        called(tenant, "StorageBlobLogs", one, days=days)
    said = asked(logs)
    assert f"2001:db8::1 (3, last {tenant.clock.now() - timedelta(days=1):%Y-%m-%d})" in said
    assert "1 calls without an address" in said
    assert "script" not in said


def test_what_lies_inside_a_store_has_the_callers_of_the_store(
    tenant: Tenant, logs: CallerLogs
) -> None:
    with_logs(tenant, BLOBS)
    called(tenant, "StorageBlobLogs", "203.0.113.9")
    assert asked(logs, f"{BLOBS}/containers/one") == asked(logs)


def test_twenty_are_shown_of_many(tenant: Tenant, logs: CallerLogs) -> None:
    with_logs(tenant, BLOBS)
    for i in range(20):
        called(tenant, "StorageBlobLogs", f"203.0.113.{i}")
    assert " and others" not in asked(logs)
    called(tenant, "StorageBlobLogs", "203.0.113.20")
    assert asked(logs).count("(1, last") == 20
    assert " and others." in asked(logs)


def test_what_is_collected_in_part_is_said(tenant: Tenant, logs: CallerLogs) -> None:
    """A category that no setting sends, and one that is named but off."""
    on, off = (
        {"category": c, "enabled": c == "StorageRead"} for c in ("storageread", "StorageWrite")
    )
    with_logs(tenant, BLOBS, [{**on, "enabled": True}, off])
    assert "StorageWrite of blob, StorageDelete of blob, file, queue, table" in asked(logs)


@pytest.mark.parametrize(
    ("store", "below", "category", "where"),
    [
        (SERVER, "/databases/master", "SQLSecurityAuditEvents", "AzureDiagnostics client_ip_s"),
        (VAULT, "", "AuditEvent", "AzureDiagnostics CallerIPAddress"),
        (VAULT, "", "AuditEvent", "AZKVAuditLogs CallerIpAddress"),
        (COSMOS, "", "DataPlaneRequests", "CDBDataPlaneRequests ClientIpAddress"),
        (COSMOS, "", "DataPlaneRequests", "AzureDiagnostics clientIpAddress_s"),
    ],
)
def test_each_store_is_asked_where_its_logs_are(
    tenant: Tenant, logs: CallerLogs, store: str, below: str, category: str, where: str
) -> None:
    """Rows of other categories in a table that holds several are not about callers."""
    at, (table, column) = store + below, where.split()
    tenant.load({"id": at, "location": "westeurope", "properties": {}})
    with_logs(tenant, at, [{"category": category, "enabled": True}])
    called(tenant, table, {"Category": category, column: "203.0.113.9"}, of=at)
    if table == "AzureDiagnostics":
        called(tenant, table, {"Category": "Other", column: "198.51.100.1"}, of=at)
    assert asked(logs, store).startswith("Callers of the last 7 days: 203.0.113.9 (1, last ")
    assert "198.51.100.1" not in asked(logs, store)


@pytest.mark.parametrize(
    ("store", "group", "counts"),
    [
        (VAULT, "allLogs", True),
        (VAULT, "Audit", True),
        (VAULT, "other", False),
        (COSMOS, "allLogs", True),
        (COSMOS, "audit", False),
    ],
)
def test_a_group_counts_where_it_surely_holds_the_logs(
    tenant: Tenant, logs: CallerLogs, store: str, group: str, *, counts: bool
) -> None:
    """Else "none in the logs" could be said of logs that nobody keeps."""
    tenant.load({"id": VAULT, "location": "westeurope", "properties": {}})
    with_logs(tenant, store, [{"categoryGroup": group, "enabled": True}])
    assert asked(logs, store).startswith("Callers" if counts else "Recent callers are not known")


def test_no_calls_at_all_are_told_as_such(tenant: Tenant, logs: CallerLogs) -> None:
    with_logs(tenant, COSMOS)
    assert asked(logs, COSMOS) == "Callers of the last 7 days: none in the logs."


@pytest.mark.parametrize(
    ("setting", "workspace"),
    [
        (None, WORKSPACE),
        ([{"category": "StorageRead", "enabled": False}], WORKSPACE),
        ([{"category": "Transaction", "enabled": True}], WORKSPACE),
        (STORAGE, None),
        (STORAGE, ""),
    ],
)
def test_without_a_setting_that_sends_them_there_is_nobody_to_ask(
    tenant: Tenant, logs: CallerLogs, setting: Any, workspace: Any
) -> None:
    """No query is sent then."""
    if setting is not None:
        with_logs(tenant, BLOBS, setting, workspace)
    assert unknown(logs) == (
        "no diagnostic setting sends its logs to a workspace "
        "(StorageRead, StorageWrite, StorageDelete)"
    )
    assert not [r for r in tenant.requests if r.method == "POST"]


def test_other_types_are_not_asked_about(tenant: Tenant, logs: CallerLogs) -> None:
    disk = f"{GROUP}/providers/Microsoft.Compute/disks/one"
    assert unknown(logs, disk) == "not collected for Microsoft.Compute/disks"
    assert tenant.requests == []


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("microsoft.insights/diagnosticsettings/read", "its diagnostic settings may not be read"),
        ("microsoft.operationalinsights/workspaces/read", "the workspace central may not be read"),
        ("*/workspaces/query/read", "the workspace central may not be queried"),
        ("*/query/storagebloblogs/read", "the workspace central may not be queried"),
    ],
)
def test_what_may_not_be_read_is_named(
    tenant: Tenant, logs: CallerLogs, action: str, reason: str
) -> None:
    with_logs(tenant, BLOBS)
    tenant.refuse(US, action, "/")
    assert unknown(logs) == reason


NEEDED = (
    "Microsoft.Insights/diagnosticSettings/read",
    "Microsoft.OperationalInsights/workspaces/read",
    "Microsoft.OperationalInsights/workspaces/query/read",
    "Microsoft.OperationalInsights/workspaces/query/*/read",
)


@pytest.mark.parametrize("without", [None, *NEEDED])
def test_the_documented_rights_are_enough_and_needed(
    clock: VirtualClock, without: str | None
) -> None:
    """Where roles count. The right to read all tables is wider than that to run queries."""
    tenant = Tenant(clock, rbac=True)
    tenant.load({"id": ACCOUNT, "location": "westeurope", "properties": {}})
    with_logs(tenant, BLOBS)
    called(tenant, "StorageBlobLogs", "203.0.113.9")
    held = [one for one in NEEDED if one != without]
    role = tenant.load(roles.custom_role("sees callers", GROUP, roles.block(held)))
    tenant.load(roles.assignment(US.object_id, role, GROUP))
    arm, line = arm_of(tenant), over(TenantAdapter(tenant))
    logs = CallerLogs(arm, TenantCredential(tenant, US), transport=line)
    assert ("203.0.113.9 (1" in asked(logs)) is (without is None)
    page = Path(__file__).parents[2] / "docs" / "running.md"
    assert all(f"`{one}`" in page.read_text("utf-8") for one in NEEDED)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("throttle", path=QUERY, times=0), "429"),
        (Fault("status", path=QUERY, times=0), "500"),
        (Fault("cut-after", path=QUERY, times=0), "was lost"),
        (Fault("timeout-before", path=QUERY, times=0), "was lost"),
        (Fault("token-expired", path=QUERY, times=0), "401"),
        (Fault("throttle", path="*diagnosticSettings", times=0), "429"),
    ],
)
def test_trouble_is_the_reason_and_nothing_more(
    tenant: Tenant, logs: CallerLogs, fault: Fault, said: str
) -> None:
    with_logs(tenant, BLOBS)
    tenant.faults.add(fault)
    reason = unknown(logs)
    assert said in reason
    assert "\n" not in reason
    assert len([r for r in tenant.requests if r.method == "POST"]) <= 1


def test_a_workspace_that_is_gone_is_named(tenant: Tenant, logs: CallerLogs) -> None:
    with_logs(tenant, BLOBS, workspace=f"{WORKSPACE}-old")
    assert unknown(logs) == "the workspace central-old is not there"


def test_a_part_of_an_answer_says_that_it_is_one(tenant: Tenant, logs: CallerLogs) -> None:
    with_logs(tenant, COSMOS)
    called(tenant, "CDBDataPlaneRequests", {"ClientIpAddress": "203.0.113.9"}, of=COSMOS)
    tenant.log_queries.partial = "There were some errors when processing your query."
    said = asked(logs, COSMOS)
    assert "203.0.113.9 (1" in said
    assert "Left out: what central did not answer: There were some errors" in said


def table(*rows: Any, columns: tuple[str, ...] = ("Caller", "Calls", "Last")) -> Any:
    named = [{"name": one, "type": "string"} for one in columns]
    return {"tables": [{"name": "PrimaryResult", "columns": named, "rows": list(rows)}]}


WHEN = "2026-03-01T10:00:00.1234567Z"


@pytest.mark.parametrize(
    "body",
    [
        None,
        "<html>sign in</html>",
        [],
        {},
        {"tables": None},
        {"tables": []},
        {"tables": [{"columns": [], "rows": []}]},
        table(columns=("Caller", "Calls")),
        table(["203.0.113.9", 1]),
        table(["203.0.113.9", "many", WHEN]),
        table(["203.0.113.9", 1, None]),
        table(["203.0.113.9", float("inf"), WHEN]),
        table(7),
    ],
)
def test_an_answer_that_is_none_is_believed_in_nothing(
    tenant: Tenant, mouth: Mouth, logs: CallerLogs, body: Any
) -> None:
    with_logs(tenant, BLOBS)
    mouth.answers = lambda method, _url: Said(200, body) if method == "POST" else None
    assert "answered with" in unknown(logs)


def test_times_are_read_as_azure_writes_them(
    tenant: Tenant, mouth: Mouth, logs: CallerLogs
) -> None:
    with_logs(tenant, COSMOS)
    shown = table(
        ["203.0.113.9", 412, WHEN],
        ["2001:db8::1", 1, "2026-02-27"],
        ["2001:DB8::1", 2, "2026-02-26T00:00:00Z"],
    )
    mouth.answers = lambda method, _url: Said(200, shown) if method == "POST" else None
    assert asked(logs, COSMOS) == (
        "Callers of the last 7 days: 203.0.113.9 (412, last 2026-03-01), "
        "2001:db8::1 (3, last 2026-02-27)."
    )


def test_a_wait_too_long_ends(tenant: Tenant, mouth: Mouth) -> None:
    """After the first answer the time is over, and nothing more is asked."""
    with_logs(tenant, BLOBS)
    times = iter((0.0, 1.0, 21.0))
    arm = arm_of(tenant, mouth=mouth)
    slow = CallerLogs(
        arm, TenantCredential(tenant, US), transport=over(mouth), clock=lambda: next(times)
    )
    assert unknown(slow) == "Azure took longer than 20 seconds to tell"
    assert len(tenant.requests) == 1


def test_an_account_without_a_service_has_the_logs_of_the_others(
    tenant: Tenant, logs: CallerLogs
) -> None:
    """A premium account refuses to tell of services that it does not have."""
    with_logs(tenant, BLOBS)
    called(tenant, "StorageBlobLogs", "203.0.113.9")
    odd = Fault("status", path="*/fileServices/*", times=0, status=400, code="NotSupported")
    tenant.faults.add(odd)
    assert "203.0.113.9 (1" in asked(logs)


def test_the_logs_of_services_are_added_up(tenant: Tenant, logs: CallerLogs) -> None:
    """Also where they go to one workspace twice, and to another that gets less."""
    with_logs(tenant, BLOBS)
    files = f"{ACCOUNT}/fileServices/default"
    with_logs(tenant, files)
    less = {"workspaceId": f"{WORKSPACE}2", "logs": [{"category": "StorageRead", "enabled": True}]}
    tenant.load({"id": f"{files}/{SETTING}-less", "properties": less})
    called(tenant, "StorageBlobLogs", "203.0.113.9:1")
    called(tenant, "StorageFileLogs", "203.0.113.9:2")
    assert "203.0.113.9 (2" in asked(logs)
    assert len([r for r in tenant.requests if r.method == "POST"]) == 1


def test_a_real_client_is_answered_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """By Azure's own host names, with a token for each: the environment alone leads here."""
    tenant = Tenant(WallClock())
    tenant.load({"id": SUB})
    with_logs(tenant, BLOBS)
    called(tenant, "StorageBlobLogs", "203.0.113.9:443")
    with serve(tenant, identity=managed_identity()) as serving:
        for name, value in serving.proxied.items():
            monkeypatch.setenv(name, value)
        known = [serving.proxied[f"AZURE_{n}"] for n in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")]
        with ClientSecretCredential(*known) as credential:
            arm = Arm(credential, {}, tenant.clock.now)
            logs = CallerLogs(arm, credential)
            assert "203.0.113.9 (1" in asked(logs)
            logs.close()
            arm.close()
        assert serving.turned_away == []
