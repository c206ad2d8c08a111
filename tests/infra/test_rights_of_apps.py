"""What the templates give the apps of what they run on is no excess; anything beside it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.doctor import Is
from shared.model import ResourceId
from shared.own import Own
from simulator import roles
from tests.engine.test_doctor import SETTINGS
from tests.engine.test_doctor_of_others import GATE_HERE, HAND, HAND_HERE, Visited
from tests.engine.world import ALICE, SUBSCRIPTION, US
from tests.infra.conftest import generated
from tests.infra.deploying import Deployed
from tests.infra.test_bicep import CLASSES, INFRA
from tests.infra.test_onboarding import module
from tests.onboarding.conftest import HOME

NAME = "rg-portcullis-prod"
GROUP = f"{SUBSCRIPTION}/resourceGroups/{NAME}"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts"
MAIN = Deployed(INFRA / "main.bicep", CLASSES, given={"token": "abc"})
STORED = MAIN.value(MAIN.variables["storedIn"], {})
_STORAGE = "Microsoft.Storage/storageAccounts"
OTHERS = {
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": f"{_STORAGE}/queueServices/queues/messages/write",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": f"{_STORAGE}/tableServices/tables/entities/write",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Microsoft.Insights/Telemetry/Write",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "Microsoft.EventGrid/events/send/action",
}
"""Built-in roles that the tenant has not, with one of the data actions that each allows."""
CONTRIBUTOR, OWNER = (
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
)
QUEUES, TABLES, PUBLISHER, SENDER = OTHERS
APP = generated("app.json")


def of_templates() -> Iterator[tuple[str, dict[str, Any]]]:
    """What `main.bicep` assigns to gate and hand in its own resource group."""
    assert HOME in SUBSCRIPTION
    for symbol, account, who in (
        ("gateState", "state", US.object_id),
        ("handState", "state", HAND),
        ("gateHost", "gate", US.object_id),
        ("handHost", "hand", HAND),
    ):
        (params,) = (one["params"] for one in MAIN.bodies(MAIN.modules[symbol]))
        grants = [{"principalId": who, "role": one["role"]} for one in params["grants"]]
        given = {"account": STORED[account], "grants": grants}
        yield from module("storage-access", HOME, NAME, given, "grant")
    both = {"principalIds": [US.object_id, HAND]}
    for file, symbol in (("records", "toDirect"), ("insights", "grant"), ("notices", "grant")):
        yield from module(file, HOME, NAME, {"name": f"{file}-abc", **both}, symbol)


def on_parts(visited: Visited) -> None:
    """What the templates give on single tables and containers: see `test_state`."""
    at = f"{ACCOUNT}/{STORED['state']}"
    for table in APP["tables"]["shared"]:
        visited.grant(US.object_id, TABLES, f"{at}/tableServices/default/tables/{table}")
    for who, names in (
        (US.object_id, (APP["deadLetters"], APP["values"])),
        (HAND, (APP["values"],)),
    ):
        for name in names:
            visited.grant(who, CONTRIBUTOR, f"{at}/blobServices/default/containers/{name}")


@pytest.fixture
def visited() -> Visited:
    """Gate and hand as they are deployed, visited by a reader."""
    made = Visited()
    made.with_hand()
    own = Own(accounts=frozenset({STORED["state"]}), listed=frozenset({ResourceId(GROUP)}))
    made.world.settings = replace(SETTINGS, named=SETTINGS.named | own)
    made.environment |= {"PORTCULLIS_STORAGE": STORED["state"], "PORTCULLIS_OWN": GROUP}
    tenant = made.world.tenant
    for guid, action in OTHERS.items():
        role = roles.custom_role(guid, "/", roles.block([], data_actions=[action]))
        about = {"type": "BuiltInRole", "assignableScopes": ["/"]}
        properties = {**role["properties"], **about}
        at = f"/providers/{roles.DEFINITIONS}/{guid}"
        tenant.load({**role, "id": at, "name": guid, "properties": properties})
    for resource_id, body in of_templates():
        tenant.load({"id": resource_id, **body})
    on_parts(made)
    return made


def test_what_the_templates_give_is_no_excess(visited: Visited) -> None:
    """Each role on each thing that the apps run on."""
    told = visited.said("writes")
    assert [told[one].state for one in (GATE_HERE, HAND_HERE)] == [Is.OK, Is.OK]


def test_a_part_of_the_state_is_no_more_than_the_state(visited: Visited) -> None:
    """A right on a single queue serves as well as on the account."""
    part = "queueServices/default/queues/hints"
    visited.grant(US.object_id, QUEUES, f"{ACCOUNT}/{STORED['state']}/{part}")
    assert visited.said("writes")[GATE_HERE].state is Is.OK


@pytest.mark.parametrize("table", APP["tables"]["hands"])
def test_the_gate_may_not_write_what_the_hand_acts_on(visited: Visited, table: str) -> None:
    """Nor by a right on the whole account, which an older deployment gave."""
    at = f"{ACCOUNT}/{STORED['state']}"
    for scope in (f"{at}/tableServices/default/tables/{table}", at):
        given = visited.grant(US.object_id, TABLES, scope)
        found = visited.said("writes")
        assert found[GATE_HERE].state is Is.WRONG
        assert given in found[GATE_HERE].mend
        assert found[HAND_HERE].state is Is.OK
        visited.world.tenant.remove(given, by=ALICE)


@pytest.mark.parametrize(
    ("role", "at"),
    [
        (OWNER, f"{ACCOUNT}/{STORED['hand']}"),
        (CONTRIBUTOR, f"{ACCOUNT}/{STORED['hand']}/blobServices/default/containers/package"),
        (CONTRIBUTOR, f"{ACCOUNT}/{STORED['hand']}"),
        (OWNER, f"{ACCOUNT}/{STORED['state']}"),
        (CONTRIBUTOR, f"{ACCOUNT}/{STORED['state']}"),
        (TABLES, f"{ACCOUNT}/{STORED['state']}"),
        (roles.STORAGE_ACCOUNT_CONTRIBUTOR, f"{ACCOUNT}/{STORED['gate']}"),
        (CONTRIBUTOR, f"{ACCOUNT}/another"),
        (QUEUES, GROUP),
        (PUBLISHER, SUBSCRIPTION),
        (PUBLISHER, f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Insights/components/a"),
        (SENDER, f"{GROUP}/providers/Microsoft.EventGrid/domains/another"),
    ],
)
def test_more_than_the_templates_give_is_too_much(visited: Visited, role: str, at: str) -> None:
    """On the code of the hand first of all: who may change that is the hand."""
    given = visited.grant(US.object_id, role, at)
    found = visited.said("writes")
    assert found[HAND_HERE].state is Is.OK
    assert found[GATE_HERE].state is Is.WRONG
    assert found[GATE_HERE].mend == f"az role assignment delete --ids {given}"


def test_the_hand_does_not_change_the_code_of_the_gate(visited: Visited) -> None:
    visited.grant(HAND, OWNER, f"{ACCOUNT}/{STORED['gate']}")
    assert visited.said("writes")[HAND_HERE].state is Is.WRONG


@pytest.mark.parametrize(
    ("role", "at", "setting"),
    [
        (QUEUES, f"{ACCOUNT}/another", "PORTCULLIS_STORAGE"),
        (
            PUBLISHER,
            f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Insights/components/a",
            "PORTCULLIS_OWN",
        ),
    ],
)
def test_what_no_setting_names_may_be_ours(
    visited: Visited, role: str, at: str, setting: str
) -> None:
    """Before it is taken from the app it is asked whether it runs on that."""
    del visited.environment[setting]
    visited.grant(US.object_id, role, at)
    assert visited.said("writes")[GATE_HERE].mend.endswith(
        f"; where we run on it, name it in {setting} instead"
    )
