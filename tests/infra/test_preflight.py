"""What would stop a deployment is told before it begins, each with what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra import preflight
from shared.azure.arm import Arm
from shared.errors import Unusable
from simulator.adapter import TenantCredential, transport
from simulator.call import Identity
from simulator.roles import CONTRIBUTOR, assignment
from tests.onboarding.conftest import HOME, NEW, Estate, heard

TOLD = {
    "AZURE_ENV_NAME": "prod",
    "AZURE_LOCATION": "westeurope",
    "AZURE_SUBSCRIPTION_ID": HOME,
}
TOPIC = f"/subscriptions/{NEW}/resourceGroups/events/providers/Microsoft.EventGrid/systemTopics/all"


@pytest.fixture
def estate() -> Estate:
    return Estate()


def told(
    estate: Estate, *watched: dict[str, str], who: Identity | None = None, **more: str
) -> list[str]:
    credential = TenantCredential(estate.tenant, who or estate.who)
    arm = Arm(credential, {}, estate.clock.now, transport=transport(estate.tenant))
    return list(preflight.preflight(arm, {"subscriptions": list(watched)}, {**TOLD, **more}))


def topic(estate: Estate, **more: Any) -> None:
    source = f"/subscriptions/{NEW}"
    about = {"source": source, "topicType": "Microsoft.Resources.Subscriptions"}
    estate.tenant.load({"id": TOPIC, "location": "global", "properties": about, **more})


def test_all_is_well(estate: Estate) -> None:
    """On the first day, and again after everything was made."""
    assert told(estate) == []
    assert told(estate, {"id": HOME}, {"id": NEW}) == []
    for one in (HOME, NEW):
        heard(estate.onboarding().onboard, one)
    assert told(estate, {"id": HOME}, {"id": NEW}) == []


def test_a_value_that_is_missing(estate: Estate) -> None:
    assert told(estate, AZURE_LOCATION="") == [
        "not set: AZURE_LOCATION; azd env set <name> <value>"
    ]
    (line,) = told(estate, PORTCULLIS_CONSOLE_TENANT="t")
    assert line.startswith("PORTCULLIS_CONSOLE_TENANT is set and PORTCULLIS_CONSOLE_CLIENT is not")


def test_a_region_without_flex_consumption(estate: Estate) -> None:
    (line,) = told(estate, AZURE_LOCATION="westus")
    assert "AZURE_LOCATION is westus, which has no Flex Consumption" in line
    assert "eastus, northeurope, westeurope" in line
    assert told(estate, AZURE_LOCATION="West Europe") == []


def test_a_topic_that_is_there_has_to_be_adopted_as_the_line_says(estate: Estate) -> None:
    """What it says to write is what makes it well."""
    topic(estate, identity={"type": "SystemAssigned"})
    (line,) = told(estate, {"id": NEW})
    entry = json.loads(line[line.index("{") : line.index("}") + 1])
    assert entry == {"id": NEW, "topic": "all", "topicGroup": "events"}
    assert told(estate, entry) == []


def test_an_adopted_topic_needs_an_identity(estate: Estate) -> None:
    topic(estate)
    (line,) = told(estate, {"id": NEW, "topic": "all", "topicGroup": "events"})
    assert f"az eventgrid system-topic update --ids {TOPIC} --identity systemassigned" in line


def test_a_topic_that_is_to_be_adopted_and_is_not_there(estate: Estate) -> None:
    (line,) = told(estate, {"id": NEW, "topic": "all", "topicGroup": "events"})
    assert line == f"subscription {NEW}: there is no system topic all to adopt"


def test_a_subscription_that_vanished(estate: Estate) -> None:
    """It is named, and the others are looked at all the same."""
    gone = "00000000-0000-0000-0000-000000000007"
    topic(estate)
    lines = told(estate, {"id": gone}, {"id": NEW})
    assert len(lines) == 2
    assert f"subscription {gone} cannot be read" in lines[0]
    assert "take it out of `subscriptions` in main.parameters.json" in lines[0]


def test_rights_that_lack(estate: Estate) -> None:
    who = Identity(name="Cy", object_id="cccccccc-0000-4000-8000-000000000002", kind="User")
    estate.tenant.principals.add_user(who.object_id, "Cy", upn="cy@contoso.example")
    scope = f"/subscriptions/{HOME}"
    estate.tenant.load(assignment(who.object_id, CONTRIBUTOR, scope, principalType="User"))
    (line,) = told(estate, who=who)
    assert line.startswith(
        f"subscription {HOME}: you may not Microsoft.Authorization/roleAssignments/write,"
        " Microsoft.Authorization/roleDefinitions/write; this takes Owner"
    )


def test_parameters_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "main.parameters.json"
    for text in ("{", "{}", '{"parameters": {"subscriptions": []}}'):
        file.write_text(text)
        with pytest.raises(Unusable, match="cannot be read"):
            preflight.read(file)
    assert preflight.read()["subscriptions"] == []


def test_nothing_is_written(estate: Estate) -> None:
    before = estate.everything()
    told(estate, {"id": NEW}, AZURE_LOCATION="moon")
    assert estate.everything() == before
