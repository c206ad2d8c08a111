"""What the host is told fits what the app relies on: host.json, and the settings of a laptop."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.claims import LIFE
from shared.hints import SETTLE
from shared.settings import App, Settings
from simulator import host as dev_host
from tests.worker.test_indexing import BINDINGS, QUEUES, TIMERS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "running.md"
# What the Functions host takes: QueuesOptions of its queue extension.
LARGEST_BATCH = 32
LONGEST_POLL = timedelta(minutes=1)


def span(text: str) -> timedelta:
    hours, minutes, seconds = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


@pytest.fixture(scope="module")
def host() -> dict[str, Any]:
    told: dict[str, Any] = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    return told


@pytest.fixture(scope="module")
def queues(host: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = host["extensions"]["queues"]
    return told


@pytest.fixture(scope="module")
def values() -> dict[str, str]:
    """The settings of the example, all of them strings as `func` demands."""
    text = (ROOT / "local.settings.example.json").read_text(encoding="utf-8")
    told: dict[str, str] = json.loads(text)["Values"]
    assert {type(value) for value in told.values()} == {str}
    return told


def test_a_claim_outlives_whoever_took_it(host: dict[str, Any]) -> None:
    """The host ends a function well before its claim, so an heir never writes beside it."""
    assert span(host["functionTimeout"]) + timedelta(minutes=5) <= LIFE


def test_failures_are_spread_over_minutes(queues: dict[str, Any]) -> None:
    """A message that fails shows itself again after a pause; the host's own default is none.

    Its attempts outlast a short outage, and a person hears of the poison within minutes.
    """
    pause, attempts = span(queues["visibilityTimeout"]), queues["maxDequeueCount"]
    assert timedelta(minutes=1) <= pause * (attempts - 1) <= timedelta(minutes=10)


def test_a_look_is_not_kept_waiting(queues: dict[str, Any]) -> None:
    """An idle queue is asked often enough for hints to be seen soon after they show themselves."""
    assert span(queues["maxPollingInterval"]) <= min(SETTLE, LONGEST_POLL)


def test_messages_are_text(queues: dict[str, Any]) -> None:
    """Hints are JSON as it stands; a host that undoes base64 would make all of them poison."""
    assert queues["messageEncoding"] == "none"


def test_the_development_host_does_as_it_is_told(queues: dict[str, Any]) -> None:
    """What the demo and the tests show holds under the real host too."""
    assert queues["batchSize"] == dev_host.BATCH <= LARGEST_BATCH
    assert queues["maxDequeueCount"] == dev_host.MAX_DEQUEUE
    assert span(queues["visibilityTimeout"]) == dev_host.RETRY


def test_what_the_host_hands_over_finds_a_thread(
    queues: dict[str, Any], values: dict[str, str]
) -> None:
    """One process takes a batch and a threshold of each queue, every timer and a request at once.

    The worker's own default is five threads on one core: the others would wait inside of it with
    their time running.
    """
    at_once = queues["batchSize"] + queues["newBatchThreshold"]
    busy = [name for name in QUEUES if not name.endswith("_poison")]
    assert int(values["PYTHON_THREADPOOL_THREAD_COUNT"]) >= at_once * len(busy) + len(TIMERS) + 1


def test_example_settings_can_be_used(values: dict[str, str]) -> None:
    """The app starts with the example as it stands, keeps its state, and names no secret."""
    made = Settings.of(values, ROOT)
    assert made.app is App.ALL
    assert made.policy.is_file()
    assert made.storage is not None
    assert made.identities == frozenset()
    assert values["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"


def test_example_has_every_setting(values: dict[str, str]) -> None:
    """Each variable that the settings read, and each connection that a trigger names."""
    files = [ROOT / "shared" / name for name in ("settings.py", "clouds.py")]
    source = "\n".join(one.read_text(encoding="utf-8") for one in files)
    read = set(re.findall(r'"(PORTCULLIS_[A-Z_]+)"', source))
    assert {name for name in values if name.startswith("PORTCULLIS_")} == read
    connections = {
        b["connection"] for found in BINDINGS.values() for b in found if "queueName" in b
    }
    assert connections <= set(values)


def test_page_explains_every_setting(values: dict[str, str], queues: dict[str, Any]) -> None:
    """`running.md` has a row for each setting of the example, and for each of the queues with
    the value that it has."""
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    assert set(values) <= set(rows)
    assert {key: rows[key].strip("`") for key in queues} == {k: str(v) for k, v in queues.items()}
