"""Estates from folders, and what real documents do to the tenant."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from simulator.estate import load_folder
from simulator.tenant import Tenant
from tests.simulator.client import GROUP, NSG, ROBOT, SERVER, SUB, Client, rule

DEFAULT = Path(__file__).parents[2] / "../shared/recorded"


@pytest.fixture
def recorded() -> Path:
    folder = Path(os.environ.get("PORTCULLIS_RECORDED", str(DEFAULT))) / "documents"
    if not folder.is_dir():
        pytest.skip(f"no recorded documents at {folder}; set PORTCULLIS_RECORDED")
    return folder


@pytest.fixture
def bare() -> Tenant:
    return Tenant()


def _write(folder: Path, name: str, document: Any) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_missing_parents_are_made(tmp_path: Path, bare: Tenant) -> None:
    """A firewall rule alone brings its server, group and subscription, least documents all."""
    _write(tmp_path, "deep/rule.json", {"id": f"{SERVER}/firewallRules/all", "properties": {}})
    report = load_folder(bare, tmp_path)
    assert report.loaded == [f"{SERVER}/firewallRules/all"]
    assert report.made_parents == [SUB, GROUP, SERVER]
    arm = Client(bare)
    assert arm.get(GROUP).json()["location"] == "westeurope"
    assert arm.get(SERVER).json()["type"] == "Microsoft.Sql/servers"
    assert arm.get(SUB).json()["state"] == "Enabled"


def test_ids_are_put_right_and_types_derived(tmp_path: Path, bare: Tenant) -> None:
    _write(tmp_path, "a.json", {"id": SERVER.lstrip("/"), "location": "East US"})
    _write(tmp_path, "b.json", {"id": "/subscriptions/{subscription-id}/resourceGroups/g"})
    load_folder(bare, tmp_path)
    document = bare.read(SERVER)
    assert document is not None
    assert (document["id"], document["type"], document["name"]) == (
        SERVER,
        "Microsoft.Sql/servers",
        "sql1",
    )
    assert bare.read("/subscriptions/{Subscription-Id}/resourceGroups/G") is not None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"id": None, "type": "Microsoft.Web/sites"}, "has no id"),
        ({"properties": {}}, "has no id"),
        ({"id": f"{SUB}/providers/Microsoft.Storage"}, "names no resource"),
        ({"id": "nonsense"}, "not an ARM id"),
        ([], "no JSON object"),
        ("{", "Expecting"),
    ],
)
def test_what_cannot_be_loaded_is_reported(
    tmp_path: Path, bare: Tenant, content: Any, reason: str
) -> None:
    _write(tmp_path, "bad.json", content)
    _write(tmp_path, "good.json", {"id": SERVER})
    report = load_folder(bare, tmp_path)
    ((file, told),) = report.skipped
    assert (file.name, reason in told) == ("bad.json", True)
    assert report.loaded == [SERVER]


def test_a_folder_that_is_none_is_an_error(tmp_path: Path, bare: Tenant) -> None:
    with pytest.raises(NotADirectoryError):
        load_folder(bare, tmp_path / "nowhere")


def test_the_last_document_wins(tmp_path: Path, bare: Tenant) -> None:
    _write(tmp_path, "1.json", {"id": SERVER, "tags": {"v": "1"}})
    _write(tmp_path, "2.json", {"id": SERVER.upper().replace("/SUBS", "/subs"), "tags": {"v": "2"}})
    load_folder(bare, tmp_path)
    document = bare.read(SERVER)
    assert document is not None
    assert document["tags"] == {"v": "2"}


@pytest.mark.parametrize("state", ["Updating", "Creating", "Deleting", "RegisteringDns"])
def test_states_of_operations_nobody_runs_settle(bare: Tenant, state: str) -> None:
    bare.load({"id": SERVER, "properties": {"provisioningState": state}})
    document = bare.read(SERVER)
    assert document is not None
    assert document["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize("parent_first", [True, False])
def test_rules_loaded_alone_join_their_group(bare: Tenant, *, parent_first: bool) -> None:
    """A rule that the group lists itself is the group's, one it does not list is added."""
    group = {
        "id": NSG,
        "location": "westeurope",
        "properties": {"securityRules": [{"name": "own", **rule(100)}]},
    }
    loose = {"id": f"{NSG}/securityRules/loose", "name": "loose", **rule(200)}
    for document in (group, loose) if parent_first else (loose, group):
        bare.load(document)
    loaded = bare.read(NSG)
    assert loaded is not None
    assert {one["name"] for one in loaded["properties"]["securityRules"]} == {"own", "loose"}


def test_all_recorded_documents_load(recorded: Path, bare: Tenant) -> None:
    """785 real documents: two configurations without an id are skipped, the rest can be read."""
    report = load_folder(bare, recorded)
    assert len(list(recorded.rglob("*.json"))) == 785
    assert {(file.name, why) for file, why in report.skipped} == {
        ("11-webapp1-4f443512eb.json", "the document has no id"),
        ("18-java-webapp-8537.json", "the document has no id"),
    }
    assert len(report.loaded) == 783
    assert len({one.lower() for one in report.loaded}) == 703
    arm = Client(bare, ROBOT)
    paths = [quote(one, safe="/%{}()'") for one in report.loaded]
    unreadable = [path for path in paths if arm.get(path).status_code != 200]
    assert unreadable == []


def test_recorded_documents_come_back_as_they_were(recorded: Path, bare: Tenant) -> None:
    """What was loaded last under an id is what a read gives, but for what settles or is shared."""
    arm = Client(bare, ROBOT)
    for file in sorted(recorded.glob("Microsoft.Storage/storageAccounts/*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        resource_id = bare.load(document)
        assert arm.get(resource_id).json() == document, file.name
