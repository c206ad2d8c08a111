"""`portcullis onboard` and `offboard`, as somebody types them, against a tenant served over TLS."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import onboarding
from shared import names
from simulator.clock import WallClock
from simulator.roles import OWNER, READER, assignment
from simulator.server import Serving, serve
from tests.engine.world import storage
from tests.onboarding.conftest import GATE, HOME, NEW, OWEN, STATE, WORKSPACE, Estate
from tests.test_command_line import ROOT, Ran, Shell, in_process

TOLD = {
    "AZURE_ENV_NAME": "prod",
    "AZURE_LOCATION": "westeurope",
    "PORTCULLIS_GATE_PRINCIPAL_ID": GATE,
    "PORTCULLIS_HAND_PRINCIPAL_ID": "",
    "PORTCULLIS_STATE_ID": STATE,
    "PORTCULLIS_WORKSPACE_ID": WORKSPACE,
}
Here = Callable[..., Ran]
GONE = "00000000-0000-0000-0000-000000000009"


@pytest.fixture
def estate() -> Estate:
    # Operations take as long as they say: here by a real clock.
    made = Estate(clock=WallClock())
    made.tenant.operation_seconds = 0.05
    return made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure says to look again in a second at the earliest; the tenant is done before."""
    monkeypatch.setattr(onboarding, "time", SimpleNamespace(sleep=lambda _: time.sleep(0.02)))


@pytest.fixture
def serving(estate: Estate) -> Iterator[Serving]:
    with serve(estate.tenant, identity=OWEN) as served:
        yield served


@pytest.fixture
def shell(serving: Serving, tmp_path: Path) -> Shell:
    shutil.copy(ROOT / "policy.yaml", tmp_path)
    return Shell(tmp_path, {**serving.environment, **TOLD})


@pytest.fixture
def here(shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return lambda *given: in_process(shell, monkeypatch, capsys, *given)


def made(estate: Estate) -> bool:
    topics = "/resourcegroups/rg-portcullis-prod/providers/microsoft.eventgrid/systemtopics/"
    return any(topics in key for key in estate.everything())


def test_the_plan_is_shown_and_nothing_is_made_without_a_yes(here: Here, estate: Estate) -> None:
    """Where nobody can be asked, the plan is all; as JSON it is meant to be."""
    said = here("onboard", NEW)
    assert said.code == 1
    assert "system topic portcullis-prod for the events of the subscription" in said.out
    assert "nobody to ask: look at them, then say --yes" in said.err
    plan = here("onboard", NEW, "--format", "json").json()
    assert {step["fate"] for step in plan} == {"make"}
    assert not made(estate)


def test_onboarding_says_what_it_made_and_what_it_found(here: Here, estate: Estate) -> None:
    """The first look is under one's own rights, at what is there now, and keeps nothing."""
    account = storage("open", allowBlobPublicAccess=True)
    account["id"] = account["id"].replace(HOME, NEW)
    estate.tenant.load(account)
    said = here("onboard", f"/subscriptions/{NEW.upper()}", "--yes")
    assert (said.code, said.err) == (0, "")
    assert f"{NEW}: made system topic portcullis-prod" in said.out
    assert "changes made: 9" in said.out
    assert f"/subscriptions/{NEW}: " in said.out
    assert "storage-public-blob" in said.out
    again = here("onboard", NEW, "--yes", "--no-sweep")
    assert "changes made: 0" in again.out
    assert made(estate)


def test_one_subscription_that_fails_holds_up_no_other(here: Here, estate: Estate) -> None:
    said = here("onboard", GONE, NEW, "--yes", "--no-sweep")
    assert said.code == 1
    assert said.err.startswith(f"portcullis: {GONE}: subscription {GONE} cannot be read")
    assert said.err.count("\n") == 1
    assert made(estate)


def test_everything_is_taken_away_at_once(here: Here, estate: Estate) -> None:
    before = estate.everything()
    here("onboard", HOME, NEW, "--yes", "--no-sweep")
    said = here("offboard", "--all", "--yes")
    assert (said.code, said.err) == (0, "")
    assert estate.everything() == before


def test_what_stays_at_a_management_group_is_named(here: Here, estate: Estate) -> None:
    """With the command that takes it away: the gate's rights, and what would make all anew."""
    corp = "/providers/Microsoft.Management/managementGroups/corp"
    estate.tenant.load({"id": corp})
    estate.tenant.load(assignment(OWEN.object_id, OWNER, corp, principalType="User"))
    held = estate.tenant.load(assignment(GATE, READER, corp))
    policy = f"{corp}/providers/Microsoft.Authorization/policyAssignments"
    for name in (names.policy("prod"), names.policy("test"), "others"):
        estate.tenant.load({"id": f"{policy}/{name}", "properties": {}})
    said = here("offboard", "--all", "--yes")
    assert said.code == 0
    assert said.err.splitlines() == [
        f"left, as it is of no subscription: az role assignment delete --ids {held}",
        (
            "left, and it makes all that anew: az policy assignment delete"
            f" --name {names.policy('prod')} --scope {corp}"
        ),
    ]


def test_what_azd_keeps_is_enough(here: Here, shell: Shell, estate: Estate) -> None:
    """Nothing is set but by azd, in the folder of its environment."""
    for name in TOLD:
        del shell.environment[name]
    folder = shell.folder / ".azure" / "prod"
    folder.mkdir(parents=True)
    (shell.folder / ".azure" / "config.json").write_text(
        '{"version":1,"defaultEnvironment":"prod"}'
    )
    lines = [f'{name}="{value}"' for name, value in TOLD.items()]
    (folder / ".env").write_text("\n".join([*lines, "# a comment", ""]))
    assert here("onboard", NEW, "--yes", "--no-sweep").code == 0
    assert made(estate)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_canary_where_the_deployment_has_one(here: Here, shell: Shell, wanted: bool) -> None:  # noqa: FBT001
    """The templates tell where it is in each subscription, and nothing where none is wanted."""
    at = "/resourceGroups/rg-portcullis-prod/providers/Microsoft.Resources/templateSpecs/canary"
    shell.environment["PORTCULLIS_CANARY"] = at if wanted else ""
    steps = here("onboard", NEW, "--format", "json").json()
    assert any(step["part"].startswith("canary ") for step in steps) is wanted


@pytest.mark.parametrize(
    ("change", "given", "words"),
    [
        ({"AZURE_ENV_NAME": ""}, ("onboard", NEW), "not set: AZURE_ENV_NAME; run this in the"),
        (
            {"PORTCULLIS_STATE_ID": "", "AZURE_LOCATION": ""},
            ("offboard", NEW),
            "not set: AZURE_LOCATION, PORTCULLIS_STATE_ID",
        ),
        ({"PORTCULLIS_STATE_ID": "ststate"}, ("onboard", NEW), "the id of a resource"),
        ({}, ("onboard", "production"), "'production' is no id of a subscription"),
        ({}, ("onboard",), "Missing argument"),
        ({}, ("offboard",), "name subscriptions, or say --all"),
        ({}, ("offboard", NEW, "--all"), "name subscriptions, or say --all"),
    ],
)
def test_bad_input_is_one_line(
    here: Here, shell: Shell, change: dict[str, str], given: tuple[str, ...], words: str
) -> None:
    shell.environment |= change
    assert words in here(*given).refused()


def test_an_azd_environment_that_cannot_be_read_is_said(here: Here, shell: Shell) -> None:
    (shell.folder / ".azure").mkdir()
    (shell.folder / ".azure" / "config.json").write_text("{")
    del shell.environment["AZURE_ENV_NAME"]
    assert ".azure cannot be read" in here("onboard", NEW).refused()


def test_a_region_that_is_not_there_is_one_line(here: Here, shell: Shell) -> None:
    shell.environment["AZURE_LOCATION"] = "moon"
    said = here("onboard", NEW, "--yes")
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert "set AZURE_LOCATION to a region that takes it: az account list-locations" in said.err


def test_a_subscription_that_the_policy_leaves_out_is_named(here: Here, shell: Shell) -> None:
    policy = shell.folder / "policy.yaml"
    text = policy.read_text()
    policy.write_text(text.replace("exclude: []", f"exclude: [/subscriptions/{NEW}]"))
    said = here("onboard", NEW, "--yes")
    assert f"policy.yaml does not watch /subscriptions/{NEW}" in said.err
    assert "no findings" not in said.out


def test_where_the_first_look_sees_nothing_that_is_no_good_news(here: Here, estate: Estate) -> None:
    """Whoever may not read all of it is told that, and never that nothing was found."""
    estate.tenant.refuse(OWEN, "Microsoft.Storage/*/read", f"/subscriptions/{NEW}")
    said = here("onboard", NEW, "--yes")
    assert f"/subscriptions/{NEW} cannot be seen" in said.err
    assert f"/subscriptions/{NEW}: " not in said.out


def test_as_json_each_step_is_told_once_it_is_done(here: Here) -> None:
    steps: list[dict[str, Any]] = here("onboard", NEW, "--yes", "--format", "json").json()
    assert [one["fate"] for one in steps] == ["make"] * len(steps)
    assert all(one["id"].startswith("/subscriptions/") for one in steps)
    json.dumps(steps)


def test_who_interrupts_it_is_told_and_the_same_command_goes_on(
    here: Here, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(onboarding, "time", SimpleNamespace(sleep=interrupted))
    said = here("onboard", NEW, "--yes", "--no-sweep")
    assert (said.code, said.err) == (130, "portcullis: interrupted\n")
    monkeypatch.setattr(onboarding, "time", SimpleNamespace(sleep=lambda _: time.sleep(0.02)))
    assert here("onboard", NEW, "--yes", "--no-sweep").code == 0
    assert made(estate)
