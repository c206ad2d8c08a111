"""Which entrance a process has: by what the platform says of it, and never a laptop's in Azure."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette

from console.entrances import TOKEN, guarded
from shared.settings import Settings
from simulator.clock import VirtualClock
from simulator.tenant import TENANT_ID
from tests.console.conftest import CLIENT
from tests.console.visitor import Visitor

HERE = "http://127.0.0.1:8123"
AZURE = {"WEBSITE_SITE_NAME": "gate", "WEBSITE_HOSTNAME": "Gate.azurewebsites.net"}
SIGN_IN = {"PORTCULLIS_CONSOLE_TENANT": TENANT_ID, "PORTCULLIS_CONSOLE_CLIENT": CLIENT}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token"


def visitor(pages: Starlette, clock: VirtualClock, environment: dict[str, str]) -> Visitor:
    settings = Settings.of(environment, Path("/app"))
    door = guarded(pages, settings, environment, clock.now)
    return Visitor(door, HERE)


def test_a_process_that_nobody_prepared_is_shut(pages: Starlette, clock: VirtualClock) -> None:
    answer = visitor(pages, clock, {}).get("/")
    assert answer.status_code == 503
    assert "it opens in Azure, and on a laptop with make up" in answer.text


def test_make_up_opens_it_on_this_machine(
    pages: Starlette, clock: VirtualClock, file: Path
) -> None:
    near = visitor(pages, clock, {TOKEN: str(file)})
    assert near.get("/").status_code == 401
    assert near.get("/", params={"token": file.read_text("utf-8")}).status_code == 303
    assert near.get("/").status_code == 200


@pytest.mark.parametrize("mark", ["WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID", "WEBSITE_POD_NAME"])
def test_a_laptops_way_in_is_none_in_azure(
    pages: Starlette, clock: VirtualClock, file: Path, mark: str
) -> None:
    """Whatever the settings of the app say, on any plan."""
    answer = visitor(pages, clock, {TOKEN: str(file), mark: "x", **SIGN_IN}).get("/")
    assert answer.status_code == 503
    assert "App Service authentication is not on" in answer.text
    assert not file.exists()


def test_in_azure_it_is_shut_until_it_is_said_who_may(
    pages: Starlette, clock: VirtualClock
) -> None:
    on = {**AZURE, "WEBSITE_AUTH_ENABLED": "True"}
    answer = visitor(pages, clock, on).get("/")
    assert answer.status_code == 503
    assert "set PORTCULLIS_CONSOLE_TENANT and PORTCULLIS_CONSOLE_CLIENT" in answer.text
    ready = visitor(pages, clock, {**on, **SIGN_IN}).get("/")
    assert (ready.status_code, "Sign in first" in ready.text) == (401, True)
    assert ready.headers["strict-transport-security"]
