"""The fence in the state, as the templates build it: what the gate's identity cannot make up.

`tests/engine/test_state_rights.py` holds that the gate works without the rights that it is not
given here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.azure.dead_letters import CONTAINER
from shared.onboarding.parts import CANARY, TAGS_ONLY
from shared.store.tables import HANDS, OURS, SHARED
from tests.infra.bicep import File
from tests.infra.conftest import generated
from tests.infra.granting import Grant, grants, opened
from tests.infra.test_bicep import ACCOUNTS, CLASSES, INFRA, PATHS, main_with

MAIN = INFRA / "main.bicep"
GATE, HAND, STATE = "gateIdentity.principalId", "handIdentity.principalId", "state.name"
TABLES = f"{ACCOUNTS}/tableServices/tables"
CONTAINERS = f"{ACCOUNTS}/blobServices/containers"
QUEUES, BLOBS = "Storage Queue Data Contributor", "Storage Blob Data Contributor"
READ, WRITE = "read", "write"
ON_TABLES: dict[str, set[str]] = {
    "EventGrid Data Sender": set(),
    "Monitoring Metrics Publisher": set(),
    BLOBS: set(),
    "Storage Blob Data Owner": set(),
    QUEUES: set(),
    "Storage Queue Data Message Sender": set(),
    "Storage Table Data Contributor": {READ, WRITE},
    "Storage Table Data Reader": {READ},
}
"""What each of Azure's roles lets one do with tables:
https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
"""


def deployed(path: Path = MAIN) -> list[Grant]:
    return list(grants(File(path, CLASSES)))


def may(given: list[Grant], who: str, table: str) -> set[str]:
    """What an identity may do with a table of the state, by roles that are surely its own."""
    on = {(ACCOUNTS, STATE), (TABLES, f"{STATE}/default/{OURS}{table}")}
    mine = [one for one in given if one.who == who and (one.type, one.on) in on]
    return {right for one in mine for right in ON_TABLES.get(one.role, set())}


def might(given: list[Grant], who: str, table: str) -> set[str]:
    """What it may do, where all that the templates leave open turns out that way."""
    kinds = {ACCOUNTS: STATE, TABLES: f"{STATE}/default/{OURS}{table}"}
    found: set[str] = set()
    for one in given:
        if one.who in ("", who) and one.type in kinds and one.on in ("", kinds[one.type]):
            found |= ON_TABLES.get(one.role, {READ, WRITE})
        elif one.who in ("", who) and not one.type:
            found |= ON_TABLES.get(one.role, set())
    return found


def unfenced(given: list[Grant]) -> set[str]:
    """The tables of the hand that the gate might write."""
    return {table for table in HANDS if WRITE in might(given, GATE, table)}


def wanting(given: list[Grant]) -> set[str]:
    """What an app needs for what its code does, and is not given."""
    needed = {
        **{(GATE, table): {READ} for table in HANDS},
        **{(GATE, table): {READ, WRITE} for table in SHARED},
        **{(HAND, table): {READ, WRITE} for table in HANDS | SHARED},
    }
    tables = {
        f"{who} {right} {table}"
        for (who, table), rights in needed.items()
        for right in rights - may(given, who, table)
    }
    places = {(GATE, CONTAINER), (GATE, OURS), (HAND, OURS)}
    others = {Grant(w, BLOBS, CONTAINERS, f"{STATE}/default/{place}") for w, place in places}
    others |= {Grant(who, QUEUES, ACCOUNTS, STATE) for who in (GATE, HAND)}
    return tables | {f"{one.who} {one.role} {one.on}" for one in others - {*given}}


def test_a_deployment_makes_every_table_of_the_code() -> None:
    """And both containers: an identity with rights on single ones makes none."""
    (storage,) = opened(File(MAIN, CLASSES), "state")
    made = {
        symbol: sorted(body["name"] for body in storage.bodies(storage.resources[symbol]))
        for symbol in ("table", "container")
    }
    assert made["table"] == sorted(f"{OURS}{one}" for one in HANDS | SHARED)
    assert made["container"] == sorted([CONTAINER, OURS])


def test_the_gate_cannot_write_what_the_hand_acts_on() -> None:
    assert unfenced(deployed()) == set()


def test_each_app_has_the_rights_that_its_code_uses() -> None:
    assert wanting(deployed()) == set()


@pytest.mark.parametrize(("who", "used"), [(GATE, {CONTAINER, OURS}), (HAND, {OURS})])
def test_an_app_has_the_containers_that_it_uses(who: str, used: set[str]) -> None:
    """Of the state no other, and never the whole account."""
    blobs = [one for one in deployed() if one.who in ("", who) and "Blob" in one.role]
    assert all(one.on for one in blobs)
    here = {one.on for one in blobs if one.on.startswith(STATE)}
    assert here == {f"{STATE}/default/{name}" for name in used}


def test_every_role_that_is_given_is_known_here() -> None:
    """Of Azure's what it does with tables; our own hold no data actions, the gate's reads alone."""
    assert generated("builtin-roles.json").keys() == ON_TABLES.keys()
    # Those of the policy that onboards are no app's.
    for path in (one for one in PATHS if not one.stem.startswith("onboarding")):
        file = File(path, CLASSES)
        for one in file.resources.values():
            if one.what.startswith("Microsoft.Authorization/roleDefinitions@"):
                (body,) = file.bodies(one)
                (block,) = body["properties"]["permissions"]
                assert block["dataActions"] == []
                writes = {one for one in block["actions"] if not one.endswith("/read")}
                of_canary = path.stem == "canary-role" or one.symbol == "canaryRole"
                allowed = set(TAGS_ONLY) if of_canary else set[str]()
                assert writes <= allowed or one.symbol == "hand"


def test_the_right_to_change_a_tag_is_on_the_canary_alone() -> None:
    on = [one for one in deployed() if one.type == CANARY]
    assert {(one.who, one.role) for one in on} == {(GATE, "")}


# --- the checks can fail


SHARED_TABLES = "tables: app.tables.shared\n"
READER, CONTRIBUTOR = "'Storage Table Data Reader'", "'Storage Table Data Contributor'"
ON_QUEUES = f"principalId: gatePrincipal\n        role: '{QUEUES}'\n      }}\n"
TOO_MUCH = f"      {{\n        principalId: gatePrincipal\n        role: {CONTRIBUTOR}\n      }}\n"
HOLES = {
    "another role": (READER, CONTRIBUTOR),
    "one that is told later": (f"role: {READER}", "role: environmentName"),
    "among the others": (SHARED_TABLES, "tables: concat(app.tables.shared, app.tables.hands)\n"),
    "on the account": (ON_QUEUES, ON_QUEUES + TOO_MUCH),
    "what the hand is given": ("principalId: handPrincipal", "principalId: gatePrincipal"),
    "somebody's": ("principalId: handPrincipal", "principalId: principals[0]"),
}


@pytest.mark.parametrize(("old", "new"), HOLES.values(), ids=HOLES)
def test_a_hole_in_the_fence_is_found(tmp_path: Path, old: str, new: str) -> None:
    assert unfenced(deployed(main_with(tmp_path, old, new)))


LETTERS = "app.deadLetters\n      app.values\n    ]\n    principalId: gatePrincipal"
SHORT = {
    "a table": (SHARED_TABLES, "tables: [\n      'portcullisplans'\n    ]\n"),
    "what is read": ("tables: app.tables.hands", "tables: []"),
    "the hand's": (f"role: {CONTRIBUTOR}\n      }}", f"role: {READER}\n      }}"),
    "the dead letters": (LETTERS, LETTERS.replace("app.deadLetters\n", "")),
    "the queues": (ON_QUEUES, ON_QUEUES.replace(QUEUES, "Storage Queue Data Message Sender")),
}


@pytest.mark.parametrize(("old", "new"), SHORT.values(), ids=SHORT)
def test_a_right_that_is_wanting_is_found(tmp_path: Path, old: str, new: str) -> None:
    assert wanting(deployed(main_with(tmp_path, old, new)))
