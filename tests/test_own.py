"""What is ours, by the environment and by what Azure shows of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Refused, Unusable, Why
from shared.model import Resource, ResourceId
from shared.own import Ours
from shared.settings import LogsRule, Settings, Storage

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg"
HOST = "https://ours-ab12.westeurope-1.ingest.monitor.azure.com"
TOPIC = "https://ours.westeurope-1.eventgrid.azure.net/api/events"
RULE = f"{GROUP}/providers/Microsoft.Insights/dataCollectionRules/records"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"
LOGS = {"PORTCULLIS_LOGS_ENDPOINT": HOST, "PORTCULLIS_LOGS_RULE": "dcr-0123"}
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/ours"
QUEUE = {"endpointType": "StorageQueue", "properties": {"resourceId": ACCOUNT.upper()}}
GRID = f"{GROUP}/providers/Microsoft.EventGrid"
STORED = {"PORTCULLIS_STORAGE": "ours"}
SITE = {
    "WEBSITE_OWNER_NAME": "00000000-0000-4000-8000-000000000001+rg-WestEuropewebspace",
    "WEBSITE_RESOURCE_GROUP": "RG",
    "WEBSITE_SITE_NAME": "Gate",
}
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/writer"


def shown(resource_id: str, **properties: Any) -> Resource:
    return Resource(id=ResourceId(resource_id), body={"id": resource_id, "properties": properties})


def why(environment: dict[str, str], target: str, *documents: Resource) -> str:
    """Why `target` is ours, where Azure shows these documents and nothing else."""
    there = {one.id: one for one in documents}
    settings = Settings.of(environment, Path())
    return Ours(settings.own, lambda at, _: there.get(at)).why(ResourceId(target), {})


def rule(*workspaces: str, immutable: str = "dcr-0123") -> Resource:
    ends = [{"workspaceResourceId": one, "name": "x"} for one in workspaces]
    return shown(RULE, immutableId=immutable, destinations={"logAnalytics": ends})


@pytest.mark.parametrize(
    ("environment", "one"),
    [
        ({"PORTCULLIS_TOPIC_ENDPOINT": TOPIC}, shown(f"{GRID}/topics/x", endpoint=TOPIC)),
        ({"PORTCULLIS_TOPIC_ENDPOINT": TOPIC}, shown(f"{GRID}/domains/x", endpoint=TOPIC)),
        (LOGS, rule()),
        (
            LOGS,
            shown(
                f"{GROUP}/providers/Microsoft.Insights/dataCollectionEndpoints/x",
                logsIngestion={"endpoint": HOST.upper().replace("HTTPS", "https")},
            ),
        ),
        (STORED, shown(f"{GRID}/eventSubscriptions/x", destination=QUEUE)),
        (
            STORED,
            shown(
                f"{GRID}/systemTopics/t/eventSubscriptions/x",
                deliveryWithResourceIdentity={"destination": QUEUE},
            ),
        ),
        (
            STORED,
            shown(f"{GRID}/systemTopics/t", topicType="microsoft.resources.subscriptions"),
        ),
        ({"PORTCULLIS_IDENTITIES": "Object-1,object-2"}, shown(IDENTITY, principalId="OBJECT-1")),
        ({"AZURE_CLIENT_ID": "app-1"}, shown(IDENTITY, clientId="APP-1")),
        (SITE, shown(f"{GROUP}/providers/Microsoft.Web/sites/gate")),
    ],
    ids=lambda value: value.id.type if isinstance(value, Resource) else "",
)
def test_what_settings_name_is_ours_with_all_its_parts(
    environment: dict[str, str], one: Resource
) -> None:
    """So are children and what is attached; without the setting nothing of it is."""
    attached = f"{one.id}/providers/Microsoft.Authorization/roleAssignments/y"
    for target in (one.id.text, one.id.text.upper(), f"{one.id}/parts/x", attached):
        assert why(environment, target, one)
        assert why({}, target, one) == ""


@pytest.mark.parametrize(
    ("environment", "one"),
    [
        (
            {"PORTCULLIS_TOPIC_ENDPOINT": TOPIC},
            shown(f"{GRID}/topics/ours", endpoint=TOPIC.replace("westeurope", "northeurope")),
        ),
        ({"PORTCULLIS_TOPIC_ENDPOINT": TOPIC}, shown(f"{GRID}/namespaces/ours", endpoint=TOPIC)),
        (LOGS, rule(immutable="dcr-4567")),
        (STORED, shown(f"{GRID}/systemTopics/t", topicType="Microsoft.KeyVault.vaults")),
        (STORED, shown(f"{GRID}/eventSubscriptions/x", destination={"endpointType": "WebHook"})),
        (STORED, shown(f"{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/ours")),
        ({"PORTCULLIS_IDENTITIES": "object-1"}, shown(IDENTITY, principalId="object-2")),
        ({"PORTCULLIS_IDENTITIES": "object-1"}, shown(IDENTITY)),
        (SITE, shown(f"{GROUP}/providers/Microsoft.Web/sites/gateway")),
    ],
    ids=lambda value: value.id.type if isinstance(value, Resource) else "",
)
def test_what_only_looks_like_it_is_not(environment: dict[str, str], one: Resource) -> None:
    assert why(environment, one.id.text, one) == ""


@pytest.mark.parametrize(
    ("listed", "there", "ours"),
    [
        ([], [rule(WORKSPACE)], True),
        ([RULE], [rule(WORKSPACE.upper())], True),
        ([RULE], [rule(f"{WORKSPACE}2")], False),
        ([RULE], [rule(f"{WORKSPACE}2", immutable="dcr-4567")], True),
        ([RULE], [], True),
        ([WORKSPACE], [], True),
        ([f"{WORKSPACE}2"], [], False),
    ],
    ids=[
        "unknown where records end",
        "the rule sends here",
        "the rule sends elsewhere",
        "another rule",
        "the rule is gone",
        "listed",
        "another listed",
    ],
)
def test_the_workspace_that_records_end_in(
    listed: list[str], there: Iterable[Resource], *, ours: bool
) -> None:
    """No setting names it: until the rule or it is listed, no workspace is written to."""
    environment = {**LOGS, "PORTCULLIS_OWN": ",".join(listed)}
    assert bool(why(environment, WORKSPACE, *there)) is ours
    assert why({"PORTCULLIS_OWN": RULE}, WORKSPACE, *there) == ""


def test_a_document_that_cannot_be_read_is_no_leave() -> None:
    def refuse(at: ResourceId, _: str) -> Resource | None:
        raise Refused(f"{at} may not be read", Why.FORBIDDEN)

    settings = Settings.of({"PORTCULLIS_TOPIC_ENDPOINT": TOPIC}, Path())
    with pytest.raises(Refused):
        Ours(settings.own, refuse).why(ResourceId(f"{GRID}/topics/any"), {})


def test_settings_made_without_an_environment_name_the_same() -> None:
    """Whoever builds a gate from values has it guarded too."""
    services = ("table", "queue", "blob")
    tables, queues, blobs = (f"https://ours.z01.{one}.storage.azure.net" for one in services)
    settings = Settings(
        storage=Storage(tables=tables, queues=queues, blobs=blobs),
        logs=LogsRule(endpoint=HOST, rule="dcr-0123"),
    )
    assert settings.own.accounts == {"ours"}
    assert settings.own.rules == {"dcr-0123"}
    assert len(settings.own.hosts) == 1


@pytest.mark.parametrize("listed", ["ours", "/providers/x", "/subscriptions/x", "/subscriptions/"])
def test_what_is_no_id_of_a_resource_stops_the_app(listed: str) -> None:
    with pytest.raises(Unusable, match="PORTCULLIS_OWN names"):
        Settings.of({"PORTCULLIS_OWN": f"{ACCOUNT},{listed}"}, Path())
