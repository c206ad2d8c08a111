"""Microsoft's worker code finds the functions of each app, with the triggers they should have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.settings import App
from tests.worker.conftest import Stages
from tests.worker.worker import Failed, running

JUDGING = {
    "hints", "hints_poison", "act_poison", "changes", "sweep", "sweeps", "sweeps_poison", "ship",
    "due", "health", "console",
}  # fmt: skip
QUEUES = {
    "hints": "hints",
    "hints_poison": "hints-poison",
    "act": "act",
    "act_poison": "act-poison",
    "sweeps": "sweeps",
    "sweeps_poison": "sweeps-poison",
}
TIMERS = {"sweep": "0 */5 * * * *", "ship": "*/30 * * * * *", "due": "0 * * * * *"}


def trigger(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"direction": "IN", "type": kind, "name": name, **more}


BINDINGS: dict[str, list[dict[str, Any]]] = {
    **{
        name: [
            trigger("queueTrigger", "message", queueName=queue, connection="AzureWebJobsStorage")
        ]
        for name, queue in QUEUES.items()
    },
    **{
        name: [trigger("timerTrigger", "timer", schedule=schedule, runOnStartup=False)]
        for name, schedule in TIMERS.items()
    },
    "changes": [trigger("eventGridTrigger", "event")],
    "health": [
        trigger("httpTrigger", "req", methods=["GET"], authLevel="ANONYMOUS", route="health"),
        {"direction": "OUT", "type": "http", "name": "$return"},
    ],
    "console": [
        trigger(
            "httpTrigger",
            "req",
            methods=["GET", "HEAD", "POST"],
            authLevel="ANONYMOUS",
            route="{*path}",
        ),
        {"direction": "OUT", "type": "http", "name": "$return"},
    ],
}


@pytest.mark.parametrize(
    ("app", "expected"),
    [(App.GATE, JUDGING), (App.HAND, {"act"}), (App.ALL, {*JUDGING, "act"})],
)
def test_each_app_has_its_functions_and_no_other(
    stages: Stages, app: App, expected: set[str]
) -> None:
    """What is indexed, each with exactly its binding: the gate holds no queue that writes."""
    assert stages(app).worker.functions == {name: BINDINGS[name] for name in expected}


def test_it_is_the_package_that_runs(stages: Stages, package: Path) -> None:
    assert stages(App.GATE).worker.loaded == package / "function_app.py"


def test_settings_that_cannot_be_used_are_told_to_the_host(python: Path, package: Path) -> None:
    """An app that must not start says which variable is wrong, where the host shows it."""
    wrong = {"PORTCULLIS_APP": "writer"}
    refused = pytest.raises(Failed, match="PORTCULLIS_APP is 'writer'")
    with refused, running(python, package, wrong):
        pytest.fail("the app was indexed")
