"""Settings: where state is kept, and that no fault shows what a variable holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import Unusable
from shared.settings import Settings, Storage

ROOT = Path("/app")
JOBS = "AzureWebJobsStorage"
NAMED = Storage(
    tables="https://kept.table.core.windows.net",
    queues="https://kept.queue.core.windows.net",
    blobs="https://kept.blob.core.windows.net",
)
HERE = "http://127.0.0.1:1000"
EMULATOR = (
    f"AccountName=local;AccountKey=c2VjcmV0;BlobEndpoint={HERE}0/local;"
    f"QueueEndpoint={HERE}1/local;TableEndpoint={HERE}2/local"
)
LOCAL = Storage(
    tables=f"{HERE}2/local",
    queues=f"{HERE}1/local",
    blobs=f"{HERE}0/local",
    account="local",
    key="c2VjcmV0",
)
ADDRESSES = {
    f"{JOBS}__tableServiceUri": "https://t.example",
    f"{JOBS}__queueServiceUri": "https://q.example",
    f"{JOBS}__blobServiceUri": "https://b.example",
}
ADDRESSED = Storage(
    tables="https://t.example", queues="https://q.example", blobs="https://b.example"
)


@pytest.mark.parametrize(
    ("environment", "storage"),
    [
        ({}, None),
        ({"PORTCULLIS_STORAGE": "kept"}, NAMED),
        ({"PORTCULLIS_STORAGE": "kept", JOBS: EMULATOR}, NAMED),
        ({f"{JOBS}__accountName": "kept"}, NAMED),
        (ADDRESSES, ADDRESSED),
        ({JOBS: EMULATOR}, LOCAL),
        ({JOBS: EMULATOR, "PORTCULLIS_STATE": "state.db"}, None),
        ({**ADDRESSES, "PORTCULLIS_STATE": "state.db"}, None),
    ],
)
def test_where_state_is_kept(environment: dict[str, str], storage: Storage | None) -> None:
    """In the account that is named, else in that of the host; a file that is named comes first."""
    assert Settings.of(environment, ROOT).storage == storage


def test_the_emulator_by_its_short_name() -> None:
    """`UseDevelopmentStorage=true` is the emulator on the ports that it has by default."""
    storage = Settings.of({JOBS: "UseDevelopmentStorage=true"}, ROOT).storage
    assert storage is not None
    assert storage.tables == "http://127.0.0.1:10002/devstoreaccount1"
    assert storage.queues == "http://127.0.0.1:10001/devstoreaccount1"
    assert storage.blobs == "http://127.0.0.1:10000/devstoreaccount1"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PORTCULLIS_STORAGE": "kept", "PORTCULLIS_STATE": "state.db"}, "both set"),
        ({"PORTCULLIS_STORAGE": "https://hidden.example"}, "PORTCULLIS_STORAGE"),
        ({f"{JOBS}__accountName": "Hidden"}, f"{JOBS}__accountName"),
        ({f"{JOBS}__tableServiceUri": "https://t.example"}, f"{JOBS}__queueServiceUri"),
        ({**ADDRESSES, f"{JOBS}__blobServiceUri": "https://b?sig=hidden"}, "blobServiceUri"),
        ({**ADDRESSES, f"{JOBS}__blobServiceUri": "http://hidden"}, "blobServiceUri"),
        ({JOBS: "AccountName=kept;AccountKey=hidden"}, "reached by identity"),
        ({JOBS: EMULATOR.replace("127.0.0.1:10001", "hidden.example")}, "reached by identity"),
        ({JOBS: "hidden"}, JOBS),
    ],
)
def test_an_account_that_cannot_be_used(environment: dict[str, str], named: str) -> None:
    """One line names the variable and what to do, and shows nothing of what it holds."""
    with pytest.raises(Unusable, match=named) as caught:
        Settings.of(environment, ROOT)
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_is_not_shown() -> None:
    """Settings that are printed keep the key to themselves."""
    assert "c2VjcmV0" not in repr(Settings.of({JOBS: EMULATOR}, ROOT))


def test_callers_are_asked_only_where_a_setting_says_so() -> None:
    """An address by https; no address at all is no question."""
    assert Settings.of({}, ROOT).callers is None
    assert Settings.of({"PORTCULLIS_CALLERS": ""}, ROOT).callers is None
    told = Settings.of({"PORTCULLIS_CALLERS": "https://api.loganalytics.azure.com/"}, ROOT)
    assert told.callers == "https://api.loganalytics.azure.com"
    with pytest.raises(Unusable, match="PORTCULLIS_CALLERS is 'http://logs'"):
        Settings.of({"PORTCULLIS_CALLERS": "http://logs"}, ROOT)
