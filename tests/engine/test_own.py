"""Our own sink, state and vault are never cut off, whoever orders it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.journal import Story
from shared.model import ResourceId
from shared.settings import Settings
from tests.engine.world import GROUP, World, enforce, policy, storage

BLOB, PURGE = "storage-public-blob-access", "keyvault-purge-protection"
WORKSPACE = "log-analytics-public-access"
FIREWALL = "sql-firewall-any-internet"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/Contoso"
SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/kept"
RULE = f"{SERVER}/firewallRules/all"


def settings(**environment: str) -> Settings:
    return Settings.of(environment, Path())


def vault() -> dict[str, Any]:
    properties = {"publicNetworkAccess": "Disabled", "enableSoftDelete": True}
    return {"id": VAULT, "location": "westeurope", "properties": properties}


def server() -> tuple[dict[str, Any], dict[str, Any]]:
    every = {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}  # noqa: S104
    return (
        {
            "id": SERVER,
            "location": "westeurope",
            "properties": {"state": "Ready", "publicNetworkAccess": "Enabled"},
        },
        {"id": RULE, "properties": every},
    )


KEPT = {
    "by its name": {"PORTCULLIS_STORAGE": "contoso"},
    "by the host's variables": {
        f"AzureWebJobsStorage__{name}ServiceUri": f"https://contoso.{name}.core.windows.net"
        for name in ("table", "queue", "blob")
    },
    "beside the state": {
        "PORTCULLIS_STORAGE": "elsewhere",
        "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=x",
    },
    "by its id in another case": {
        "PORTCULLIS_OWN": storage()["id"].upper().replace("/SUBSCRIPTIONS", "/subscriptions")
    },
    "by its group": {"PORTCULLIS_OWN": f" {GROUP.replace('rg', 'RG')} , /subscriptions/x/y "},
}


@pytest.mark.parametrize("environment", KEPT.values(), ids=KEPT)
def test_our_own_account_is_reported_and_never_written(
    world: World, environment: dict[str, str]
) -> None:
    """Open to the internet, with the control in enforce: the finding says why it stays."""
    world.settings = settings(**environment)
    (account,) = world.load(storage("Contoso", allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.look(gate, account)
    world.run(gate, hours=1, step=300)
    assert world.our_writes() == []
    assert world.properties(account)["allowBlobPublicAccess"] is True
    told = world.decision(gate, account, BLOB)
    assert told["do"] == "report"
    assert told["reason"].startswith("own: ")
    assert world.entries(gate) == ["own"]
    assert world.transitions(gate) == ["opened", "decided-report"]


@pytest.mark.parametrize("way", ["approve", "apply"])
def test_no_person_cuts_us_off_through_us(world: World, way: str) -> None:
    world.settings = settings(PORTCULLIS_STORAGE="contoso")
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(f"rules: [{{control: {BLOB}, mode: approve}}]\n")
    gate = world.gate()
    world.look(gate, account)
    if way == "approve":
        (asked,) = gate.state.approvals.all()
        gate.people.approve(asked.id, "carol")
    else:
        gate.people.apply(ResourceId(account), "carol", {})
    assert world.our_writes() == []
    assert world.decision(gate, account, BLOB)["reason"].startswith("own: ")
    assert world.entries(gate)[-1] == "own"


def test_a_namesake_of_another_type_is_not_ours(world: World) -> None:
    """The state's account is called as this vault, and as this account is begun: both are cured."""
    world.settings = settings(PORTCULLIS_STORAGE="contoso")
    account, _ = world.load(storage("contoso2", allowBlobPublicAccess=True), vault())
    world.policy = policy(enforce(BLOB, PURGE, irreversible="true"))
    gate = world.gate()
    world.look(gate, account)
    world.look(gate, VAULT)
    assert world.properties(account)["allowBlobPublicAccess"] is False
    assert world.properties(VAULT)["enablePurgeProtection"] is True


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"PORTCULLIS_STATE": "state.db"},
        {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
        {
            "AzureWebJobsStorage": "AccountName=contoso;AccountKey=eA==;"
            "BlobEndpoint=http://127.0.0.1:1/contoso;QueueEndpoint=http://127.0.0.1:2/contoso;"
            "TableEndpoint=http://127.0.0.1:3/contoso"
        },
    ],
    ids=["memory", "file", "emulator", "emulator by name"],
)
def test_state_outside_of_azure_is_no_account(world: World, environment: dict[str, str]) -> None:
    """An emulator's account is called as one in Azure, which is cured like any other."""
    world.settings = settings(**environment)
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    world.look(world.gate(), account)
    assert world.properties(account)["allowBlobPublicAccess"] is False


@pytest.mark.parametrize(
    "environment",
    [
        {"ANY_SETTING": "@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/a)"},
        {"ANY_SETTING": "@microsoft.keyvault(VaultName=contoso;SecretName=a)"},
        {
            "WEBSITE_KEYVAULT_REFERENCES": '{"A": {"rawReference": "@Microsoft.KeyVault('
            'SecretUri=https:\\/\\/contoso.vault.azure.net\\/secrets\\/a)", "status": "Resolved"}}'
        },
    ],
    ids=["by address", "by name", "resolved"],
)
def test_the_vault_that_settings_refer_to_is_ours(
    world: World, environment: dict[str, str]
) -> None:
    world.settings = settings(**environment)
    world.load(vault())
    world.policy = policy(enforce(PURGE, irreversible="true"))
    gate = world.gate()
    world.look(gate, VAULT)
    assert world.our_writes() == []
    assert "our settings refer to it" in world.decision(gate, VAULT, PURGE)["reason"]


@pytest.mark.parametrize("listed", [SERVER, RULE], ids=["parent", "child"])
def test_children_are_guarded_from_either_side(world: World, listed: str) -> None:
    """A write to a part of what is ours, and one of a judged resource to a part that is."""
    world.settings = settings(PORTCULLIS_OWN=listed)
    world.load(*server())
    world.policy = policy(enforce(FIREWALL))
    gate = world.gate()
    world.look(gate, SERVER)
    assert world.tenant.read(RULE) is not None
    assert world.our_writes() == []
    assert "PORTCULLIS_OWN lists it" in world.decision(gate, SERVER, FIREWALL)["reason"]


def test_other_servers_are_cured(world: World) -> None:
    world.settings = settings(PORTCULLIS_OWN=f"{SERVER}2")
    world.load(*server())
    world.policy = policy(enforce(FIREWALL))
    world.look(world.gate(), SERVER)
    assert world.tenant.read(RULE) is None


@pytest.mark.parametrize("named", [True, False], ids=["rule listed", "rule unknown"])
def test_nobody_cuts_off_the_workspace_that_records_end_in(world: World, *, named: bool) -> None:
    """The rule tells which it is; until the rule is listed, every workspace may be the one."""
    logs, other = (f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/{n}" for n in "ab")
    rule = f"{GROUP}/providers/Microsoft.Insights/dataCollectionRules/records"
    ends = [{"workspaceResourceId": logs.upper(), "name": "x"}]
    sent = {"immutableId": "dcr-0123", "destinations": {"logAnalytics": ends}}
    world.load({"id": rule, "location": "westeurope", "properties": sent})
    public = {
        "publicNetworkAccessForIngestion": "Enabled",
        "publicNetworkAccessForQuery": "Enabled",
    }
    world.load(*({"id": n, "location": "westeurope", "properties": public} for n in (logs, other)))
    world.settings = settings(
        PORTCULLIS_LOGS_ENDPOINT="https://records.westeurope-1.ingest.monitor.azure.com",
        PORTCULLIS_LOGS_RULE="dcr-0123",
        PORTCULLIS_OWN=rule if named else "",
    )
    gate = world.gate()
    for one in (logs, other):
        gate.people.apply(ResourceId(one), "carol", {}, frozenset({WORKSPACE}))
    ours, theirs = (world.properties(n)["publicNetworkAccessForQuery"] for n in (logs, other))
    assert (ours, theirs) == ("Enabled", "Disabled" if named else "Enabled")
    assert "own: " in world.decision(gate, logs, WORKSPACE)["reason"]


def test_an_undo_still_gives_back(world: World) -> None:
    """What was cured before it became ours can be taken back by a person."""
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    world.look(world.gate(), account)
    world.settings = settings(PORTCULLIS_STORAGE="contoso")
    gate = world.gate()
    (story,) = gate.state.journal.all()
    assert isinstance(gate.people.undo(story.id, "carol"), Story)
    assert world.properties(account)["allowBlobPublicAccess"] is True
